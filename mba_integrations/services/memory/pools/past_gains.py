"""`PastGains`: what more tokens would have bought in past recalls, kept once it was found.

A recall that is asked again of the memories of then gives the same under the same settings, so each
is asked once; a pin stands as it stood when it was. Only numbers are kept, no text and no id of a
memory. Bounded: the workspace that was looked at longest ago goes first, and in each the recall
that was found first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from mba_integrations.core.model import MemoryTier

MOST_WORKSPACES = 100
MOST_RECALLS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What more tokens for a tier would have bought in one recall.

    Attributes:
        value: By how much the prompt would be worth more.
        entering: How many memories would come in.
    """

    value: float
    entering: int


Gains = Mapping[MemoryTier, Gain]


@dataclass(frozen=True, slots=True, eq=False)
class WorkspaceGains:
    """What is known of a workspace's recalls, for as long as it stands as it did. Thread-safe.

    Attributes:
        standing: Under which settings it was found.
    """

    standing: Hashable
    _found: OrderedDict[str, Gains | None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, allocation_ids: list[str]) -> dict[str, Gains | None]:
        """What is known, by recall; None for one that cannot be asked again."""
        with self._lock:
            return {one: self._found[one] for one in allocation_ids if one in self._found}

    def keep(self, allocation_id: str, gains: Gains | None) -> None:
        """Keep what was found for a recall."""
        with self._lock:
            self._found[allocation_id] = gains
            while len(self._found) > MOST_RECALLS:
                self._found.popitem(last=False)


class PastGains:
    """What is known of the recalls of all workspaces. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, WorkspaceGains] = OrderedDict()
        self._lock = threading.Lock()

    def within(self, workspace_id: str, standing: Hashable) -> WorkspaceGains:
        """What is known of a workspace that stands so; nothing where it stood otherwise before.

        What is kept in it after the workspace was dropped is kept nowhere else.
        """
        with self._lock:
            found = self._kept.get(workspace_id)
            if found is None or found.standing != standing:
                found = self._kept[workspace_id] = WorkspaceGains(standing)
            self._kept.move_to_end(workspace_id)
            while len(self._kept) > MOST_WORKSPACES:
                self._kept.popitem(last=False)
            return found

    def drop(self, workspace_id: str) -> None:
        """Forget what is known of a workspace."""
        with self._lock:
            self._kept.pop(workspace_id, None)
