"""Where the previous prompts of sessions are kept: the protocol of a store."""

from __future__ import annotations

from typing import Protocol

from mba_integrations.core.config.settings import PerformanceSettings
from mba_integrations.core.turns.previous import PreviousPrompt


class SessionStore(Protocol):
    """Keeps the previous prompt of each workspace and session. It does not decide who follows it.

    1. `recall` gives a prompt equal to the one that `remember` was last given for the same
       workspace (`prompt.workspace_id`) and session, or None where it knows none.
    2. A workspace sees its own sessions only, and cannot push out those of another.
    3. `forget` takes a session out of every workspace; one that is not known is no error.
    4. `limits` are the workspace's settings of this moment: `max_sessions` and
       `session_idle_seconds` say what may be forgotten. Forgetting early costs a prompt cache its
       beginning and nothing else, so a store may lose what it keeps.
    5. All may be called from several threads at once, and by several allocators. Of two calls of
       `remember` at the same time, one holds as a whole.

    A store of another process can keep `prompt.to_dict()` and give `PreviousPrompt.from_dict` of
    it.
    """

    def recall(
        self, workspace_id: str, session_id: str, limits: PerformanceSettings, /
    ) -> PreviousPrompt | None: ...

    def remember(
        self, session_id: str, prompt: PreviousPrompt, limits: PerformanceSettings, /
    ) -> None: ...

    def forget(self, session_id: str, /) -> None: ...
