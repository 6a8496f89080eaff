"""`MemoryPromotionMiddleware`: memories that are used move nearer, unused ones farther.

After each run the memories that were in the last prompt are noted as used, and those of the store
whose standing is high or low change their tier, by the core's rules. Opt-in: without it the store
is only read.
"""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langgraph.runtime import Runtime

from mba_integrations.core.arguments import checked_text
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.langchain.agents.state import STATE_KEY, MemoryBudgetState, decision_in
from mba_integrations.langchain.memory_sources import PromotedMemories
from mba_integrations.langchain.settings import Setting, keep

_MOVED = "memories_moved"


class MemoryPromotionMiddleware(AgentMiddleware[MemoryBudgetState, Any, Any]):
    """Notes the use of memories in a store and moves them between tiers.

    Args:
        source: The memories, a `LangGraphStoreSource` or a `MemoryServiceSource`; the same that
            `MemoryBudgetMiddleware` has.
        settings: When a memory moves.
        budget_middleware: Name of the middleware whose prompts count.
        name: Of this instance; two instances of one agent need different names.

    Raises:
        InputError: If an argument is something else.
    """

    state_schema = MemoryBudgetState
    source = Setting[PromotedMemories]()
    settings = Setting[PromotionSettings]()
    budget_middleware = Setting[str]()
    name = Setting[str]()

    def __init__(
        self,
        source: PromotedMemories,
        *,
        settings: PromotionSettings | None = None,
        budget_middleware: str = "MemoryBudgetMiddleware",
        name: str = "MemoryPromotionMiddleware",
    ) -> None:
        super().__init__()
        if not isinstance(source, PromotedMemories) or isinstance(source, type):
            kind = type(source).__name__
            raise InputError(
                f"source must be a LangGraphStoreSource or a MemoryServiceSource, got {kind}."
            )
        if settings is not None and not isinstance(settings, PromotionSettings):
            kind = type(settings).__name__
            raise InputError(f"settings must be PromotionSettings, got {kind}.")
        self.tools = []
        keep(
            self,
            source=source,
            settings=PromotionSettings() if settings is None else settings,
            budget_middleware=checked_text("budget_middleware", budget_middleware),
            name=checked_text("name", name),
        )

    def after_agent(self, state: MemoryBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Write to the store, once for each run."""
        used = self._used(state)
        if not used:
            return None
        return self._noted(state, self.source.record(used, runtime, self.settings))

    async def aafter_agent(
        self, state: MemoryBudgetState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """As `after_agent`."""
        used = self._used(state)
        if not used:
            return None
        return self._noted(state, await self.source.arecord(used, runtime, self.settings))

    def _used(self, state: MemoryBudgetState) -> list[str]:
        """Memories of the last prompt that are not noted yet."""
        decision = decision_in(state, self.budget_middleware)
        return [] if _MOVED in decision else list(decision.get("memories", ()))

    def _noted(self, state: MemoryBudgetState, moved: int) -> dict[str, Any]:
        name = self.budget_middleware
        return {STATE_KEY: {name: {**decision_in(state, name), _MOVED: moved}}}
