"""`MemoryPromotionMiddleware`: memories that are used move nearer, unused ones farther.

After each run the memories that were in the last prompt are noted as used, and those of the store
whose standing is high or low change their tier, by the core's rules. Opt-in: without it the store
is only read.
"""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langgraph.runtime import Runtime

from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.langchain.agents.state import STATE_KEY, MemoryBudgetState, decision_in
from mba_integrations.langchain.agents.store_source import LangGraphStoreSource

_MOVED = "memories_moved"


class MemoryPromotionMiddleware(AgentMiddleware[MemoryBudgetState, Any, Any]):
    """Notes the use of memories in a store and moves them between tiers.

    Args:
        source: The memories; the same that `MemoryBudgetMiddleware` has.
        settings: When a memory moves.
        budget_middleware: Name of the middleware whose prompts count.
        name: Of this instance; two instances of one agent need different names.

    Raises:
        InputError: If *source* is something else.
    """

    state_schema = MemoryBudgetState

    def __init__(
        self,
        source: LangGraphStoreSource,
        *,
        settings: PromotionSettings | None = None,
        budget_middleware: str = "MemoryBudgetMiddleware",
        name: str = "MemoryPromotionMiddleware",
    ) -> None:
        super().__init__()
        if not isinstance(source, LangGraphStoreSource):
            kind = type(source).__name__
            raise InputError(f"source must be a LangGraphStoreSource, got {kind}.")
        self.tools = []
        self._name = name
        self._source = source
        self._settings = settings or PromotionSettings()
        self._budget_middleware = budget_middleware

    @property
    def name(self) -> str:
        """The name of this instance, in traces and among the agent's middleware."""
        return self._name

    def after_agent(self, state: MemoryBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Write to the store, once for each run."""
        used = self._used(state)
        if not used:
            return None
        return self._noted(state, self._source.record(used, runtime, self._settings))

    async def aafter_agent(
        self, state: MemoryBudgetState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """As `after_agent`."""
        used = self._used(state)
        if not used:
            return None
        return self._noted(state, await self._source.arecord(used, runtime, self._settings))

    def _used(self, state: MemoryBudgetState) -> list[str]:
        """Memories of the last prompt that are not noted yet."""
        decision = decision_in(state, self._budget_middleware)
        return [] if _MOVED in decision else list(decision.get("memories", ()))

    def _noted(self, state: MemoryBudgetState, moved: int) -> dict[str, Any]:
        name = self._budget_middleware
        return {STATE_KEY: {name: {**decision_in(state, name), _MOVED: moved}}}
