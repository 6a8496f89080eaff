"""`Tallies`: how often what happened since the service began.

Labels come from closed sets, such as tiers: whoever counts sees to it, since each is kept for good.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Event(StrEnum):
    """What is counted, by which labels."""

    BUSY = "busy"
    """Transactions that were given up since the store was busy, by `read` and `write`."""
    ERASING = "erasing"
    """Erasures that have begun and not ended; no label."""
    ERASURE = "erasure"
    """Erasures; no label."""
    LAPSED = "lapsed"
    """Jobs that were taken over since their worker's lease ran out, by kind."""
    LET_GO = "let_go"
    """Memories that retention let go, by what became of them."""
    MOVE = "move"
    """Memories that moved between tiers by a review, by the tier they moved to."""
    GATEWAY = "gateway"
    """Calls of the gateway, by level and by `done`, `failed`, `refused`."""
    GATEWAY_OVERHEAD = "gateway_overhead"
    """Microseconds that the gateway took of them; no label."""
    GATEWAY_ROUTE = "gateway_route"
    """Its routes, by level and by `kept`, `routed`, `shadowed`."""
    GATEWAY_TOKENS = "gateway_tokens"
    """Tokens of its calls, by `input`, `output`, `cached`, `memory`, `saved`."""
    POOL = "pool"
    """Recalls by what the pool of their workspace did: `hit`, `apply`, `load`; `evict`."""
    REPLY_TOKENS = "reply_tokens"
    """Tokens of the replies of tools of MCP that have a budget; no label."""
    SPEND = "spend"
    """Calls by what budgets said: `admitted`, `shrunk`, `warned`, `blocked`."""
    TOOL = "tool"
    """Calls of tools of MCP, by tool and by `ok`, `refused`, `failed`."""


BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
"""Seconds up to which times are counted apart."""


@dataclass(slots=True)
class Times:
    """How long something took, in classes by `BOUNDS`, the last for all that took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Tallies:
    """Counts of events. Thread-safe."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Event, tuple[str, ...]]] = Counter()
        self._times: dict[str, Times] = {}
        self._lock = threading.Lock()

    def count(self, event: Event, *labels: str, by: int = 1) -> None:
        """Count an event."""
        with self._lock:
            self._counts[event, labels] += by

    def of(self, event: Event) -> Mapping[tuple[str, ...], int]:
        """How often an event happened, by labels."""
        with self._lock:
            return {labels: n for (one, labels), n in self._counts.items() if one is event}

    def spend(self, what: str, seconds: float) -> None:
        """Count the time of something that was done."""
        with self._lock:
            self._times.setdefault(what, Times()).add(seconds)

    @property
    def times(self) -> Mapping[str, Times]:
        """How long what took: transactions of workspaces by `read` and `write`."""
        with self._lock:
            return {
                what: replace(found, counts=[*found.counts]) for what, found in self._times.items()
            }
