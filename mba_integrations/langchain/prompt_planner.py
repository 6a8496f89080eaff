"""Plan what a model receives: pins, the newest messages, memories, and chosen older messages.

Every message is counted with its framing before anything is sent; the sum is at most the budget.
Messages are copied where they change, and nothing of the request is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage, ToolMessage

from mba_integrations.core.allocation import Allocation
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.workspace import WorkspaceConfig
from mba_integrations.langchain.agent_threads import AgentThread
from mba_integrations.langchain.conversation import Conversation, Costs, Standing
from mba_integrations.langchain.memory_block import MemoryMessage, memory_message
from mba_integrations.langchain.message_counting import MessageCounter
from mba_integrations.langchain.message_plan import (
    Pins,
    Window,
    check_pins,
    long_result_limit,
    pins_of,
    query_of,
    window_of,
)
from mba_integrations.langchain.request_budget import RequestBudget

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
    in_system: bool
    introduction: str

    def plan(
        self,
        thread: AgentThread,
        counter: MessageCounter,
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
        last_start = _last_start(conversation)
        unchanged = conversation.update(messages)
        turned = _last_start(conversation) != last_start
        thread.older.forget_from(min(unchanged, last_start) if turned else unchanged)
        costs = conversation.costs
        system_tokens = counter.message_tokens([system])[0] if system is not None else 0
        others = [("system message", system_tokens), ("framing", REPLY_FRAME_TOKENS)]
        fixed = system_tokens + REPLY_FRAME_TOKENS
        pins = pins_of(conversation, costs, budget.tokens - fixed)
        check_pins(pins, others, budget.tokens, budget.source)
        draft = _Draft(self, thread, counter, costs, pins, system, budget.tokens, fixed)
        return draft.finish(memories)


@dataclass(slots=True)
class _Draft:
    """One plan in progress."""

    planner: PromptPlanner
    thread: AgentThread
    counter: MessageCounter
    costs: Costs
    pins: Pins
    system: SystemMessage | None
    budget_tokens: int
    fixed_tokens: int
    pinned_tokens: int = 0
    open_results: dict[int, BaseMessage] = field(default_factory=dict)

    def finish(self, memories: Sequence[MemoryItem]) -> PlannedPrompt:
        conversation = self.thread.conversation
        query = query_of(conversation.messages, self.pins)
        self._shorten_open_round(query)
        room = self.budget_tokens - self.fixed_tokens - self.pinned_tokens
        share = self._conversation_share(memories)
        recent = min(int(self.planner.recent_share * share * self.budget_tokens), room)
        block, layout = self._memories(memories, query, share, room, recent)
        used = block.used_tokens if block is not None else 0
        limit = long_result_limit(self.budget_tokens)
        window = window_of(
            conversation, self.costs, self.pins, room=room - used, limit=limit, recent=recent
        )
        left = room - used - window.recent_tokens
        older, chosen = self._older(window, query, left, limit)
        sent = {int(place) for place in (*self.pins.places, *window.recent, *chosen)}
        shown = self._shown(sorted(sent), window, query)
        tokens = self._total(shown, used)
        out = self._with_memories([shown[place] for place in sorted(shown)], block, layout, shown)
        self.thread.shortened.keep_used()
        decision = self._decision(shown, tokens, block, older, window)
        return PlannedPrompt(
            messages=out[0], system_message=out[1], tokens=tokens, decision=decision
        )

    def _shorten_open_round(self, query: str) -> None:
        """Shorten the open round's results where they have to be, and count what is pinned."""
        self.pinned_tokens = self.pins.tokens
        if self.pins.limit_tokens is None:
            return
        limits = self.costs.limited(self.pins.limit_tokens)
        for place in self.pins.open_results.tolist():
            short = self._short(place, int(limits[place]), query)
            self.open_results[place] = short
            self.pinned_tokens += self.counter.message_tokens([short])[0] - int(limits[place])

    def _short(self, place: int, limit: int, query: str) -> BaseMessage:
        message = self.thread.conversation.messages[place]
        full = int(self.costs.full[place])
        if not isinstance(message, ToolMessage) or limit >= full:
            return message
        return self.thread.shortened.get(message, full, limit, query, self.counter)

    def _conversation_share(self, memories: Sequence[MemoryItem]) -> float:
        if not memories:
            return 1.0
        config = self.planner.allocator.workspace(self.planner.workspace_id)
        return config.share(MemoryTier.WORKING)

    def _memories(
        self,
        memories: Sequence[MemoryItem],
        query: str,
        share: float,
        room: int,
        recent: int,
    ) -> tuple[Allocation | None, MemoryMessage | None]:
        """The chosen memories: within their share, and within what the conversation leaves."""
        free = np.flatnonzero(self.costs.standing == Standing.UNIT)
        free = free[~np.isin(free, self.pins.places)]
        talk = int(self.costs.full[free].sum())
        budget = min(
            max(int((1.0 - share) * self.budget_tokens), room - talk), room - min(recent, talk)
        )
        config = self.planner.allocator.workspace(self.planner.workspace_id)
        system = self.system if self.planner.in_system else None
        layout = memory_message(config.rendering, self.counter, self.planner.introduction, system)
        if not memories or budget <= layout.fixed_tokens(self.counter):
            return None, None
        session = self.planner.allocator.session(self.thread.session_id)
        allocation = session.allocate_memory_budget(
            query,
            memories,
            workspace_id=self.planner.workspace_id,
            budget_tokens=budget,
            layout=layout,
        )
        return (allocation, layout) if allocation.prompt_text else (allocation, None)

    def _older(
        self, window: Window, query: str, left: int, limit: int
    ) -> tuple[Allocation | None, list[int]]:
        """The core's choice among the messages before the window."""
        conversation, older = self.thread.conversation, self.thread.older
        if not len(window.older):
            return None, []
        older.update(conversation, window, limit)
        allocation, chosen = older.choose(
            self.planner.allocator, query, self.planner.conversation_id, left
        )
        used = allocation.used_tokens if allocation is not None else 0
        return allocation, older.with_questions(conversation.exchanges, chosen, left - used)

    def _shown(self, places: Sequence[int], window: Window, query: str) -> dict[int, BaseMessage]:
        """The messages to send by their places, results shortened where they have to be."""
        messages = self.thread.conversation.messages
        shown: dict[int, BaseMessage] = {}
        pinned = set(self.pins.places.tolist())
        for place in places:
            if place in pinned:
                shown[place] = self.open_results.get(place, messages[place])
            else:
                shown[place] = self._short(place, int(window.sent[place]), query)
        return shown

    def _total(self, shown: Mapping[int, BaseMessage], memory_tokens: int) -> int:
        """Tokens of all that is sent; a shortened result is counted as it stands."""
        original = self.thread.conversation.messages
        changed = {place for place, message in shown.items() if message is not original[place]}
        whole = np.array([place for place in shown if place not in changed], dtype=np.int64)
        counted = self.counter.message_tokens([shown[place] for place in changed])
        return int(self.costs.full[whole].sum()) + sum(counted) + memory_tokens + self.fixed_tokens

    def _with_memories(
        self,
        messages: list[BaseMessage],
        block: Allocation | None,
        layout: MemoryMessage | None,
        shown: Mapping[int, BaseMessage],
    ) -> tuple[list[AnyMessage], SystemMessage | None]:
        sent: list[Any] = list(messages)
        if block is None or layout is None:
            return sent, self.system
        message = layout.message(block.prompt_text)
        if isinstance(message, SystemMessage):
            return sent, message
        human = self.pins.last_human
        before = len(sent) if human is None else sum(place < human for place in shown)
        sent.insert(before, message)
        return sent, self.system

    def _decision(
        self,
        shown: Mapping[int, BaseMessage],
        tokens: int,
        block: Allocation | None,
        older: Allocation | None,
        window: Window,
    ) -> dict[str, Any]:
        messages = self.thread.conversation.messages
        unusable = int(np.count_nonzero(self.costs.standing == Standing.UNUSABLE))
        changed = [place for place, message in shown.items() if message is not messages[place]]
        return {
            "budget_tokens": self.budget_tokens,
            "used_tokens": tokens,
            "system_tokens": self.fixed_tokens - REPLY_FRAME_TOKENS,
            "pinned_tokens": self.pinned_tokens,
            "recent_tokens": window.recent_tokens,
            "memory_tokens": block.used_tokens if block is not None else 0,
            "messages": len(messages),
            "messages_sent": len(shown),
            "messages_left_out": len(messages) - len(shown) - unusable,
            "messages_unusable": unusable,
            "results_shortened": [_name(messages[place], place) for place in changed][:_MAX_LISTED],
            "memories": [chosen.id for chosen in block.selected][:_MAX_LISTED] if block else [],
            "memories_omitted": _counts(block),
            "counter": self.counter.id,
            "exact": self.counter.exact,
        }


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


def _last_start(conversation: Conversation) -> int:
    return conversation.exchanges[-1].start if conversation.exchanges else 0


def _name(message: BaseMessage, place: int) -> str:
    return message.id or f"message-{place}"


def _counts(block: Allocation | None) -> dict[str, int]:
    if block is None:
        return {}
    return {reason.value: count for reason, count in block.omission_counts().items()}
