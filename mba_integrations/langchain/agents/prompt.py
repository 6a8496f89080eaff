"""What a model receives: the system message, the conversation's part, and memories.

`conversation` decides on messages and the core on memories; here both get their tokens. Messages
are copied where they change, and nothing of the request is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage

from mba_integrations.conversation.besides import choose_besides
from mba_integrations.conversation.draft import Draft, Planned, Request
from mba_integrations.conversation.older import Chooser
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.counting.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.langchain.agents.memory_message import (
    ChosenMemories,
    MemoryChoice,
    memory_message,
)
from mba_integrations.langchain.agents.request_budget import RequestBudget
from mba_integrations.langchain.agents.threads import AgentThread
from mba_integrations.langchain.messages.reading import WORDING, sent_messages

_MAX_LISTED = 50
"""Ids of each kind in a decision; checkpoints hold one for each call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPrompt:
    """What the model receives.

    Attributes:
        messages: The messages, without the system message.
        system_message: The system message, with the memories where they belong there.
        tokens: What both cost, framing included.
        decision: What was decided, JSON-ready.
    """

    messages: list[AnyMessage]
    system_message: SystemMessage | None
    tokens: int
    decision: dict[str, Any]


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
        own = thread.counter.message_tokens([system])[0] if system is not None else 0
        thread.conversation.update(messages)
        request = Request(
            budget_tokens=budget.tokens,
            source=budget.source,
            besides=(("system message", own),),
            frame_tokens=REPLY_FRAME_TOKENS,
            recent_share=self.recent_share,
            conversation_share=self._conversation_share(memories),
            wording=WORDING,
        )
        chooser = Chooser(allocator=self.allocator, workspace_id=self.conversation_id)
        draft = Draft(thread.conversation, request, chooser)
        choice = self._choice(thread, draft.query, system, memories)
        chosen = choose_besides(draft, choice.within)
        return _prompt(messages, system, request, thread, draft.finish(chosen.tokens), chosen)

    def _choice(
        self,
        thread: AgentThread,
        query: str,
        system: SystemMessage | None,
        memories: Sequence[MemoryItem],
    ) -> MemoryChoice:
        rendering = self.allocator.workspace(self.workspace_id).rendering
        return MemoryChoice(
            session=self.allocator.session(thread.session_id),
            workspace_id=self.workspace_id,
            memories=memories,
            query=query,
            layout=memory_message(
                rendering, thread.counter, self.introduction, system if self.in_system else None
            ),
        )

    def _conversation_share(self, memories: Sequence[MemoryItem]) -> float:
        config = self.allocator.workspace(self.workspace_id)
        return config.share(MemoryTier.WORKING) if memories else 1.0


def _prompt(
    messages: Sequence[BaseMessage],
    system: SystemMessage | None,
    request: Request,
    thread: AgentThread,
    planned: Planned,
    chosen: ChosenMemories,
) -> PlannedPrompt:
    """The messages in their order, the memories before the last human message."""
    sent: list[Any] = sent_messages(messages, planned)
    if isinstance(chosen.message, SystemMessage):
        system = chosen.message
    elif chosen.message is not None:
        before = None if planned.question is None else planned.places.index(planned.question)
        sent.insert(len(sent) if before is None else before, chosen.message)
    return PlannedPrompt(
        messages=sent,
        system_message=system,
        tokens=planned.tokens,
        decision=_decision(messages, request, thread, planned, chosen),
    )


def _decision(
    messages: Sequence[BaseMessage],
    request: Request,
    thread: AgentThread,
    planned: Planned,
    chosen: ChosenMemories,
) -> dict[str, Any]:
    shortened = [messages[place].id or f"message-{place}" for place in sorted(planned.texts)]
    memories = chosen.allocation
    omitted = {} if memories is None else memories.omission_counts()
    return {
        "budget_tokens": request.budget_tokens,
        "used_tokens": planned.tokens,
        "system_tokens": request.fixed_tokens - request.frame_tokens,
        "pinned_tokens": planned.pinned_tokens,
        "recent_tokens": planned.recent_tokens,
        "memory_tokens": chosen.tokens,
        "messages": len(messages),
        "messages_sent": len(planned.places),
        "messages_left_out": len(messages) - len(planned.places) - planned.unusable,
        "messages_unusable": planned.unusable,
        "results_shortened": shortened[:_MAX_LISTED],
        "memories": list(memories.selected_ids[:_MAX_LISTED]) if memories else [],
        "memories_omitted": {reason.value: count for reason, count in omitted.items()},
        "counter": thread.counter.id,
        "exact": thread.counter.exact,
    }
