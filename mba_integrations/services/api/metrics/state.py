"""The state of the service at the moment of the question, and what it has counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mba_integrations import __version__
from mba_integrations.services.api.metrics.recalls import recall_families
from mba_integrations.services.api.work import Work
from mba_integrations.services.memory.service import MemoryService, ServiceStatus
from mba_integrations.services.memory.tallies import BOUNDS, Event, Tallies

OTHER = "other"
_EVENTS: dict[Event, tuple[str, str, list[str]]] = {
    Event.POOL: ("mba_pool_cache_events", "What pools did for recalls.", ["event"]),
    Event.LET_GO: ("mba_expired", "Memories let go, by what became of them.", ["action"]),
    Event.MOVE: ("mba_tier_moves", "Memories moved by reviews, by tier.", ["to"]),
    Event.GATEWAY: ("mba_gateway_requests", "Calls of the gateway.", ["level", "outcome"]),
    Event.GATEWAY_ROUTE: ("mba_gateway_routes", "Its routes.", ["level", "decision"]),
    Event.GATEWAY_TOKENS: ("mba_gateway_tokens", "Tokens of its calls.", ["kind"]),
    Event.GATEWAY_OVERHEAD: ("mba_gateway_overhead_microseconds", "What it took of them.", []),
    Event.SPEND: ("mba_gateway_budgets", "Calls by what budgets said.", ["outcome"]),
    Event.TOOL: ("mba_mcp_calls", "Calls of tools, by outcome.", ["tool", "outcome"]),
    Event.ERASURE: ("mba_erasures", "Erasures.", []),
    Event.BUSY: ("mba_store_busy", "Transactions given up: the store was busy.", ["op"]),
    Event.LAPSED: ("mba_job_lease_expired", "Jobs taken over from a worker.", ["kind"]),
    Event.REPLY_TOKENS: ("mba_mcp_reply_tokens", "Tokens of replies that have a budget.", []),
}


class ServiceCollector(Collector):
    """Looks at a service when it is asked.

    Args:
        service: Whose state is shown.
        work: The server's threads.
    """

    def __init__(self, service: MemoryService, work: Work) -> None:
        self._service = service
        self._work = work

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked at before somebody asks."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        build = GaugeMetricFamily("mba_build_info", "The release.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        status = self._service.status()
        waiting = self._work.waiting
        yield GaugeMetricFamily(
            "mba_work_waiting", "Requests that wait for a thread.", value=waiting
        )
        yield from _gauges(status)
        yield from _writes(status)
        yield from self._jobs()
        yield from self._events()
        yield _times(self._service.tallies)
        pending = sum(self._service.tallies.of(Event.ERASING).values())
        yield GaugeMetricFamily(
            "mba_erasure_pending", "Erasures that have begun and not ended.", value=pending
        )
        yield from recall_families(self._service.recalled)

    def _jobs(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("mba_jobs", "Jobs by kind and state.", labels=["kind", "state"])
        says = "How long the job that has waited longest is due, by kind."
        ages = GaugeMetricFamily("mba_job_age_seconds", says, labels=["kind"])
        for (kind, state), count in self._service.jobs.standing().items():
            counts.add_metric([kind, state.value], count)
        for kind, age in self._service.jobs.ages().items():
            ages.add_metric([kind], age.total_seconds())
        yield counts
        yield ages

    def _events(self) -> Iterator[Metric]:
        for event, (name, says, labels) in _EVENTS.items():
            family = CounterMetricFamily(name, says, labels=labels)
            counts = self._service.tallies.of(event)
            for found, count in counts.items() if labels else [((), sum(counts.values()))]:
                family.add_metric(list(found), count)
            yield family


def _times(tallies: Tallies) -> Metric:
    family = HistogramMetricFamily(
        "mba_store_operation_seconds", "Time of transactions, waiting included.", labels=["op"]
    )
    for what, found in sorted(tallies.times.items()):
        upto = list(itertools.accumulate(found.counts))
        names = [*map(str, BOUNDS), "+Inf"]
        family.add_metric([what], list(zip(names, upto, strict=True)), found.seconds)
    return family


def _gauges(status: ServiceStatus) -> Iterator[Metric]:
    store = status.store
    figures: dict[str, tuple[str, float | None]] = {
        "mba_pool_cache_bytes": ("Memory that pools take, about.", status.pool_bytes),
        "mba_store_bytes": ("Size of the database.", store.size_bytes),
        "mba_store_wal_bytes": ("What is not in its file yet.", store.wal_bytes),
        "mba_store_free_bytes": ("Room on the disk.", store.free_bytes),
        "mba_store_write_queue_depth": ("Writes that wait.", store.queued_writes),
        "mba_store_full": ("Whether the disk was full.", float(store.full)),
    }
    for name, (says, value) in figures.items():
        if value is not None:
            yield GaugeMetricFamily(name, says, value=value)


def _writes(status: ServiceStatus) -> Iterator[Metric]:
    """Their quotient is how many writes share a commit."""
    figures = {
        "mba_store_commits": ("Transactions that were committed.", status.store.commits),
        "mba_store_writes": ("Writes in them.", status.store.committed_writes),
    }
    for name, (says, value) in figures.items():
        if value is not None:
            yield CounterMetricFamily(name, says, value=value)
