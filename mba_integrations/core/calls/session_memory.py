"""Sessions in memory: the `SessionStore` of an allocator that is given none.

What is remembered is a `PreviousPrompt` for each workspace and session: the prompt and its items'
ids, not the pool. A workspace keeps `performance.max_sessions` of them, the longest unused goes
first, and one that was unused for `performance.session_idle_seconds` is forgotten. No workspace can
push out the sessions of another.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mba_integrations.core.calls.present import utc_now
from mba_integrations.core.config.settings import PerformanceSettings
from mba_integrations.core.live import LiveHandle
from mba_integrations.core.turns.previous import PreviousPrompt


@dataclass(frozen=True, slots=True)
class _Remembered:
    prompt: PreviousPrompt
    used_at: datetime


class SessionMemory(LiveHandle):
    """The previous prompt of each workspace and session: a `SessionStore`. Thread-safe.

    Args:
        clock: The present, with a time zone; by default the system's.
    """

    _holds = "the prompts that it remembers"
    _instead = (
        "Give the allocators of several processes a SessionStore of your own that they share, such "
        "as a database; it can keep prompt.to_dict()."
    )

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._prompts: dict[str, OrderedDict[str, _Remembered]] = {}
        self._lock = threading.Lock()

    def recall(
        self, workspace_id: str, session_id: str, limits: PerformanceSettings, /
    ) -> PreviousPrompt | None:
        """The previous prompt; None where there is none or it is too old."""
        now = self._clock()
        with self._lock:
            prompts = self._prompts.get(workspace_id, OrderedDict())
            _forget_idle(prompts, now, limits.session_idle_seconds)
            known = prompts.get(session_id)
            return known.prompt if known else None

    def remember(
        self, session_id: str, prompt: PreviousPrompt, limits: PerformanceSettings, /
    ) -> None:
        """Take the place of the session's previous prompt."""
        now = self._clock()
        with self._lock:
            prompts = self._prompts.setdefault(prompt.workspace_id, OrderedDict())
            prompts[session_id] = _Remembered(prompt, now)
            prompts.move_to_end(session_id)
            _forget_idle(prompts, now, limits.session_idle_seconds)
            while len(prompts) > limits.max_sessions:
                prompts.popitem(last=False)

    def forget(self, session_id: str, /) -> None:
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
