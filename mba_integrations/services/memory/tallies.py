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
    POOL = "pool"
    """Recalls by what the pool of their workspace did: `hit`, `apply`, `load`; `evict`."""
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
