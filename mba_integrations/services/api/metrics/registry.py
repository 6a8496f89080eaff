"""`Metrics`: what Prometheus reads, with labels out of closed sets only.

A workspace, a path as it was asked for or the name of a model is never a label: each would be a
series for good. Numbers of one workspace come from its statistics. Of all that the server's routes
can answer there are less than 2,000 series, whatever callers send.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import Scope

from mba_integrations.services.api.errand import Errand
from mba_integrations.services.api.metrics.state import OTHER, ServiceCollector
from mba_integrations.services.api.work import Work
from mba_integrations.services.memory.service import MemoryService

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PHASES = frozenset({"auth", "queue", "work"})
_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.5)
_CREATED = "_created"


class Metrics:
    """Counts requests, and looks at the service when it is asked.

    Args:
        service: Whose state is shown.
        work: The server's threads.
    """

    def __init__(self, service: MemoryService, work: Work) -> None:
        registry = CollectorRegistry(auto_describe=False)
        self._registry = registry
        self._requests = _CounterOfRequests(
            *("mba_http_requests", "Requests, by route, method and class of status."),
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = _Seconds(
            *("mba_http_request_seconds", "Time of a request, queueing included."),
            ("route",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._phases = _Seconds(
            *("mba_http_phase_seconds", "Time that requests spend in a phase."),
            ("phase",),
            buckets=_BUCKETS,
            registry=registry,
        )
        registry.register(ServiceCollector(service, work))

    def note(self, scope: Scope, errand: Errand, status: int | None) -> None:
        """Count a request; *status* is None where the caller went away."""
        route = self.route_of(scope)
        outcome = "gone" if status is None else f"{status // 100}xx"
        self._requests.labels(route, _method(scope), outcome).inc()
        self._seconds.labels(route).observe(errand.seconds)
        for phase, seconds in errand.phases.items():
            self._phases.labels(phase if phase in PHASES else OTHER).observe(seconds)

    @staticmethod
    def route_of(scope: Scope) -> str:
        """The template of the route that answered; `other` for none."""
        path: str = getattr(scope.get("route"), "path", OTHER)
        return path

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


def _method(scope: Scope) -> str:
    """The method, if the route has it: one that it refuses is as good as any other."""
    known: Any = getattr(scope.get("route"), "methods", None) or METHODS
    return scope["method"] if scope["method"] in known & METHODS else OTHER


class _CounterOfRequests(Counter):
    """Without `_created`, which nobody asks for, and which is a series for each."""

    def collect(self) -> Any:
        """The counts."""
        return [_without_created(one) for one in super().collect()]


class _Seconds(Histogram):
    """The same of a histogram."""

    def collect(self) -> Any:
        """The buckets."""
        return [_without_created(one) for one in super().collect()]


def _without_created(family: Any) -> Any:
    family.samples = [one for one in family.samples if not one.name.endswith(_CREATED)]
    return family
