"""`Tallies`: how often what happened since the service began.

Labels come from closed sets, such as tiers: whoever counts sees to it, since each is kept for good.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Event(StrEnum):
    """What is counted, by which labels."""

    ERASURE = "erasure"
    """Erasures; no label."""
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
    SPEND = "spend"
    """Calls by what budgets said: `admitted`, `shrunk`, `warned`, `blocked`."""
    TOOL = "tool"
    """Calls of tools of MCP, by tool and by `ok`, `refused`, `failed`."""


class Tallies:
    """Counts of events. Thread-safe."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Event, tuple[str, ...]]] = Counter()
        self._lock = threading.Lock()

    def count(self, event: Event, *labels: str, by: int = 1) -> None:
        """Count an event."""
        with self._lock:
            self._counts[event, labels] += by

    def of(self, event: Event) -> Mapping[tuple[str, ...], int]:
        """How often an event happened, by labels."""
        with self._lock:
            return {labels: n for (one, labels), n in self._counts.items() if one is event}
