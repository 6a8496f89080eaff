"""`Metrics`: what Prometheus reads, with labels out of closed sets only.

A workspace, a path as it was asked for or the name of a model is never a label: each would be a
series for good. Numbers of one workspace come from its statistics.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from mba_integrations.services.api.errand import Errand
from mba_integrations.services.api.work import Work
from mba_integrations.services.memory.service import MemoryService

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counts requests, and looks at the service when it is asked.

    Args:
        service: Whose state is shown.
        work: The server's threads.
    """

    def __init__(self, service: MemoryService, work: Work) -> None:
        registry = CollectorRegistry(auto_describe=False)
        self._registry = registry
        self._requests = Counter(
            *("mba_http_requests", "Requests, by route, method and class of status."),
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            *("mba_http_request_seconds", "Time of a request, queueing included."),
            ("route",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._phases = Histogram(
            *("mba_http_phase_seconds", "Time that requests spend in a phase."),
            ("phase",),
            buckets=_BUCKETS,
            registry=registry,
        )
        registry.register(_Service(service, work))

    def note(self, scope: Scope, errand: Errand, status: int | None) -> None:
        """Count a request; *status* is None where the caller went away."""
        route = self.route_of(scope)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        outcome = "gone" if status is None else f"{status // 100}xx"
        self._requests.labels(route, method, outcome).inc()
        self._seconds.labels(route).observe(errand.seconds)
        for phase, seconds in errand.phases.items():
            self._phases.labels(phase).observe(seconds)

    @staticmethod
    def route_of(scope: Scope) -> str:
        """The template of the route that answered; `other` for none."""
        path: str = getattr(scope.get("route"), "path", OTHER)
        return path

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Service(Collector):
    """The state of the service at this moment."""

    def __init__(self, service: MemoryService, work: Work) -> None:
        self._service = service
        self._work = work

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked at before somebody asks."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        status = self._service.status()
        figures: dict[str, tuple[str, float | None]] = {
            "mba_pool_cache_bytes": ("Memory that pools take, about.", status.pool_bytes),
            "mba_store_bytes": ("Size of the database.", status.store.size_bytes),
            "mba_store_wal_bytes": ("What is not in its file yet.", status.store.wal_bytes),
            "mba_store_free_bytes": ("Room on the disk.", status.store.free_bytes),
            "mba_store_write_queue_depth": ("Writes that wait.", status.store.queued_writes),
            "mba_store_full": ("Whether the disk was full.", float(status.store.full)),
            "mba_work_waiting": ("Requests that wait for a thread.", self._work.waiting),
        }
        for name, (says, value) in figures.items():
            if value is not None:
                yield GaugeMetricFamily(name, says, value=value)
        jobs = GaugeMetricFamily("mba_jobs", "Jobs by state.", labels=("state",))
        for state, count in self._service.jobs.counts_everywhere().items():
            jobs.add_metric((state.value,), count)
        yield jobs
