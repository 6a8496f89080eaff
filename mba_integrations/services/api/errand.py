"""`Errand`: one request on its way through the layers: who asks, how long what took, what to say.

Layers and routes of one request find the same one in `CURRENT`, also from threads that work for it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mba_integrations.services.access.principal import Principal

_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request that has a name.

    Attributes:
        name: It, which no other caller's request has.
        digest: Of method, path, query and body.
        kept: Whether the act keeps its answer itself, in its own transaction.
    """

    name: str
    digest: str
    kept: bool = False


@dataclass(slots=True, kw_only=True)
class Errand:
    """One request.

    Attributes:
        request_id: By which logs and the caller know it.
        began: When it came, on the clock of `time.perf_counter`.
        principal: Who asks; None until that is known.
        phases: Seconds by what they went to: `auth`, `queue`, `work`.
        headers: What the reply says besides its body.
        asked: The name of the request, where the caller gave it one.
    """

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    principal: Principal | None = None
    phases: dict[str, float] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: Asked | None = None

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the time of a block to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spend(phase, time.perf_counter() - began)

    def spend(self, phase: str, seconds: float) -> None:
        """Count seconds to a phase."""
        self.phases[phase] = self.phases.get(phase, 0.0) + seconds

    @property
    def seconds(self) -> float:
        """How long it has taken until now."""
        return time.perf_counter() - self.began

    def server_timing(self) -> str:
        """The header `Server-Timing`, in milliseconds."""
        parts = [*self.phases.items(), ("total", self.seconds)]
        return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in parts)


CURRENT: ContextVar[Errand] = ContextVar("errand")


def request_id_from(given: str | None) -> str:
    """The caller's id for its request, if it is a plain one; else a new one.

    >>> request_id_from("trace-0123456789")
    'trace-0123456789'
    >>> len(request_id_from("two words"))
    32
    """
    if given is not None and _GIVEN_ID.fullmatch(given):
        return given
    return secrets.token_hex(16)
