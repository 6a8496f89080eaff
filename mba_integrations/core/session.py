"""Sessions: the allocator's call with the previous prompt remembered.

What is remembered is a `PreviousPrompt` for each workspace and session: the prompt and its items'
ids, not the pool. A workspace keeps `performance.max_sessions` of them, the longest unused goes
first, and one that was unused for `performance.session_idle_seconds` is forgotten. No workspace can
push out the sessions of another.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import PerformanceSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.turns.previous import PreviousPrompt

if TYPE_CHECKING:
    from mba_integrations.core.allocator import MemoryBudgetAllocator


@dataclass(frozen=True, slots=True)
class _Remembered:
    prompt: PreviousPrompt
    used_at: datetime


class SessionMemory:
    """The previous prompt of each workspace and session. Thread-safe.

    Args:
        clock: The present, with a time zone.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._prompts: dict[str, OrderedDict[str, _Remembered]] = {}
        self._lock = threading.Lock()

    def recall(
        self, workspace_id: str, session_id: str, settings: PerformanceSettings
    ) -> PreviousPrompt | None:
        """The previous prompt; None where there is none or it is too old."""
        now = self._clock()
        with self._lock:
            prompts = self._prompts.get(workspace_id, OrderedDict())
            _forget_idle(prompts, now, settings.session_idle_seconds)
            known = prompts.get(session_id)
            return known.prompt if known else None

    def remember(
        self, session_id: str, prompt: PreviousPrompt, settings: PerformanceSettings
    ) -> None:
        """Take the place of the session's previous prompt."""
        now = self._clock()
        with self._lock:
            prompts = self._prompts.setdefault(prompt.workspace_id, OrderedDict())
            prompts[session_id] = _Remembered(prompt, now)
            prompts.move_to_end(session_id)
            _forget_idle(prompts, now, settings.session_idle_seconds)
            while len(prompts) > settings.max_sessions:
                prompts.popitem(last=False)

    def forget(self, session_id: str) -> None:
        """Forget a session in every workspace."""
        with self._lock:
            for prompts in self._prompts.values():
                prompts.pop(session_id, None)

    def count(self, workspace_id: str) -> int:
        """How many sessions of the workspace are remembered."""
        with self._lock:
            return len(self._prompts.get(workspace_id, ()))


def _forget_idle(
    prompts: OrderedDict[str, _Remembered], now: datetime, idle_seconds: float
) -> None:
    """Drop what was unused for longer; the longest unused stands first."""
    while prompts:
        oldest = next(iter(prompts.values()))
        if now - oldest.used_at <= timedelta(seconds=idle_seconds):
            return
        prompts.popitem(last=False)


class AllocationSession:
    """One conversation, run or thread whose prompts follow each other.

    Made by `MemoryBudgetAllocator.session`. Holds nothing itself: two sessions of one id are the
    same session, in one thread or in several. Give prompts that are written side by side, such as
    one of history and one of documents, sessions of their own. Of two calls at the same time, the
    later to end is what the next call follows.

    Args:
        allocator: What allocates.
        session_id: Any text, not empty.
        memory: Where previous prompts are remembered.
    """

    def __init__(
        self, allocator: MemoryBudgetAllocator, session_id: str, memory: SessionMemory
    ) -> None:
        if not isinstance(session_id, str) or not session_id:
            raise InputError(f"session_id must be a text that is not empty, got {session_id!r}.")
        self.session_id = session_id
        self._allocator = allocator
        self._memory = memory

    def allocate_memory_budget(
        self,
        query: str,
        available_memories: Sequence[MemoryItem] | MemoryPool,
        workspace_id: str = "default",
        budget_tokens: int | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        now: datetime | None = None,
        *,
        reserved_tokens: int | None = None,
        layout: PromptLayout | None = None,
    ) -> Allocation:
        """`MemoryBudgetAllocator.allocate_memory_budget`, following the session's last prompt.

        A call that raises leaves what is remembered as it was.
        """
        settings = self._allocator.workspace(workspace_id).performance
        allocation = self._allocator.allocate_memory_budget(
            query,
            available_memories,
            workspace_id,
            budget_tokens,
            query_embedding,
            now,
            self._memory.recall(workspace_id, self.session_id, settings),
            reserved_tokens=reserved_tokens,
            layout=layout,
        )
        self._memory.remember(self.session_id, allocation.as_previous, settings)
        return allocation

    def previous(self, workspace_id: str = "default") -> PreviousPrompt | None:
        """What the next call in the workspace follows; None for a new or forgotten session."""
        settings = self._allocator.workspace(workspace_id).performance
        return self._memory.recall(workspace_id, self.session_id, settings)

    def forget(self) -> None:
        """Begin anew: the next call in any workspace follows nothing."""
        self._memory.forget(self.session_id)
