"""Plan what a model receives: pins, the newest messages, memories, and chosen older messages.

Every message is counted with its framing before anything is sent; the sum is at most the budget.
Messages are copied where they change, and nothing of the request is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, SystemMessage

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.langchain.agent_threads import AgentThread
from mba_integrations.langchain.conversation import Conversation
from mba_integrations.langchain.memory_block import MemoryChoice, memory_message
from mba_integrations.langchain.message_plan import check_pins, pins_of, query_of
from mba_integrations.langchain.prompt_draft import PlannedPrompt, PromptDraft
from mba_integrations.langchain.request_budget import RequestBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPlanner:
    """Plans prompts by the settings of a middleware.

    Attributes:
        allocator: Chooses memories and older messages.
        workspace_id: Settings for memories; its share for working memory is the conversation's.
        conversation_id: The workspace in which older messages are chosen.
        recent_share: Part of the conversation's tokens that the newest messages have before others.
        in_system: Whether memories are appended to the system message.
        introduction: Stands before the memories.
    """

    allocator: MemoryBudgetAllocator
    workspace_id: str
    conversation_id: str
    recent_share: float
    in_system: bool = False
    introduction: str = ""

    def plan(
        self,
        thread: AgentThread,
        messages: Sequence[BaseMessage],
        system: SystemMessage | None,
        memories: Sequence[MemoryItem],
        budget: RequestBudget,
    ) -> PlannedPrompt:
        """The prompt of one call; the thread's lock must be held.

        Raises:
            PinnedOverBudgetError: If what must be sent does not fit.
        """
        conversation = thread.conversation
        _take_over(thread, messages)
        costs = conversation.costs
        own = conversation.counter.message_tokens([system])[0] if system is not None else 0
        pins = pins_of(conversation, costs, budget.tokens - own - REPLY_FRAME_TOKENS)
        others = [("system message", own), ("framing", REPLY_FRAME_TOKENS)]
        check_pins(pins, others, budget.tokens, budget.source)
        query = query_of(conversation.messages, pins)
        draft = PromptDraft(
            allocator=self.allocator,
            conversation_id=self.conversation_id,
            thread=thread,
            costs=costs,
            pins=pins,
            query=query,
            memories=self._choice(thread, query, system, memories),
            system=system,
            budget_tokens=budget.tokens,
            fixed_tokens=own + REPLY_FRAME_TOKENS,
            conversation_share=self._conversation_share(memories),
            recent_share=self.recent_share,
        )
        return draft.finish()

    def _choice(
        self,
        thread: AgentThread,
        query: str,
        system: SystemMessage | None,
        memories: Sequence[MemoryItem],
    ) -> MemoryChoice:
        rendering = self.allocator.workspace(self.workspace_id).rendering
        counter = thread.conversation.counter
        return MemoryChoice(
            session=self.allocator.session(thread.session_id),
            workspace_id=self.workspace_id,
            memories=memories,
            query=query,
            layout=memory_message(
                rendering, counter, self.introduction, system if self.in_system else None
            ),
        )

    def _conversation_share(self, memories: Sequence[MemoryItem]) -> float:
        config = self.allocator.workspace(self.workspace_id)
        return config.share(MemoryTier.WORKING) if memories else 1.0


def conversation_workspace(config: WorkspaceConfig) -> WorkspaceConfig:
    """Settings for choosing among messages: those of *config*, all shares to working memory."""
    return config.model_copy(
        update={
            "workspace_id": f"{config.workspace_id}:conversation",
            "working_memory_pct": 1.0,
            "project_memory_pct": 0.0,
            "long_term_memory_pct": 0.0,
            "rag_memory_pct": 0.0,
            "tier_floor_tokens": {},
            "tier_cap_tokens": {},
            "borrowing": True,
            "duplicate_threshold": None,
            "passage_min_tokens": None,
        }
    )


def _take_over(thread: AgentThread, messages: Sequence[BaseMessage]) -> None:
    """Bring what is remembered of a thread to the messages of now.

    An exchange that is not the last one any more is grouped anew.
    """
    before = _last_start(thread.conversation)
    unchanged = thread.conversation.update(messages)
    if _last_start(thread.conversation) != before:
        unchanged = min(unchanged, before)
    thread.older.forget_from(unchanged)


def _last_start(conversation: Conversation) -> int:
    return conversation.exchanges[-1].start if conversation.exchanges else 0
