"""One prompt in the making: its parts in the order in which they take their tokens.

Pins first; then the newest messages and the memories, each at least what is set aside for it; then
older messages by the core's choice; at last what is left over, to memories and shortened results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage, ToolMessage

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arrays import IntArray
from mba_integrations.core.counting.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.langchain.agent_threads import AgentThread
from mba_integrations.langchain.conversation import Costs, Standing
from mba_integrations.langchain.memory_block import ChosenMemories, MemoryChoice
from mba_integrations.langchain.message_plan import Pins, Window, long_result_limit, window_of

_WORTH_USING = 16
"""Fewer tokens are left as they are."""
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


@dataclass(slots=True, kw_only=True)
class PromptDraft:
    """What one prompt is made from, and its parts as they are decided.

    Attributes:
        allocator: Chooses older messages.
        conversation_id: The workspace in which they are chosen.
        thread: The messages, and what is remembered of them.
        costs: What the messages cost.
        pins: What must be sent.
        query: What is asked.
        memories: Chooses memories.
        system: The system message.
        budget_tokens: All that may be sent.
        fixed_tokens: The system message and the priming of the reply.
        conversation_share: Part of the budget that memories cannot take, in [0, 1].
        recent_share: Part of that for the newest messages, in [0, 1].
    """

    allocator: MemoryBudgetAllocator
    conversation_id: str
    thread: AgentThread
    costs: Costs
    pins: Pins
    query: str
    memories: MemoryChoice
    system: SystemMessage | None
    budget_tokens: int
    fixed_tokens: int
    conversation_share: float
    recent_share: float
    _open_results: dict[int, BaseMessage] = field(default_factory=dict)
    _pinned_tokens: int = 0

    def finish(self) -> PlannedPrompt:
        """Decide on every part and put them together."""
        self._shorten_open_round()
        room = self.budget_tokens - self.fixed_tokens - self._pinned_tokens
        share = self.recent_share * self.conversation_share
        recent = min(int(share * self.budget_tokens), room)
        chosen = self.memories.within(self._memory_room(room, recent))
        window, older, left = self._conversation(room - chosen.tokens, recent)
        if left >= _WORTH_USING and chosen.omits_some:
            more = self.memories.within(chosen.tokens + left)
            chosen, left = more, left + chosen.tokens - more.tokens
        places = sorted({*self.pins.places.tolist(), *window.recent.tolist(), *older})
        shown = self._shown(places, window.sent)
        self._lengthen(shown, self.budget_tokens - self._total(shown, chosen))
        self.thread.shortened.keep_used()
        return self._planned(shown, chosen, window)

    def _shorten_open_round(self) -> None:
        """Shorten the open round's results where they have to be, and count what is pinned."""
        self._pinned_tokens = self.pins.tokens
        if self.pins.limit_tokens is None:
            return
        limits = self.costs.limited(self.pins.limit_tokens)
        for place in self.pins.open_results.tolist():
            short = self._short(place, int(limits[place]))
            self._open_results[place] = short
            self._pinned_tokens += self._tokens(short) - int(limits[place])

    def _memory_room(self, room: int, recent: int) -> int:
        """Tokens for memories: their share, or what the conversation does not need."""
        free = self.costs.standing == Standing.UNIT
        free[self.pins.places] = False
        talk = int(self.costs.full[free].sum())
        share = int((1.0 - self.conversation_share) * self.budget_tokens)
        return min(max(share, room - talk), room - min(recent, talk))

    def _conversation(self, room: int, recent: int) -> tuple[Window, list[int], int]:
        """How the messages are divided, which of the older ones come in, and what is left."""
        conversation, older = self.thread.conversation, self.thread.older
        limit = long_result_limit(self.budget_tokens)
        window = window_of(
            conversation, self.costs, self.pins, room=room, limit=limit, recent=recent
        )
        left = room - window.recent_tokens
        if not len(window.older):
            return window, [], left
        older.update(conversation, window, limit)
        chosen = older.choose(self.allocator, self.query, self.conversation_id, left)
        places = older.with_questions(conversation.exchanges, chosen, left)
        return window, places, left - int(window.sent[places].sum())

    def _shown(self, places: Sequence[int], sent: IntArray) -> dict[int, BaseMessage]:
        """The messages to send by their places, results shortened where they have to be."""
        messages = self.thread.conversation.messages
        pinned = set(self.pins.places.tolist())
        shown: dict[int, BaseMessage] = {}
        for place in places:
            if place in pinned:
                shown[place] = self._open_results.get(place, messages[place])
            else:
                shown[place] = self._short(place, int(sent[place]))
        return shown

    def _short(self, place: int, limit: int) -> BaseMessage:
        message = self.thread.conversation.messages[place]
        full = int(self.costs.full[place])
        if not isinstance(message, ToolMessage) or limit >= full:
            return message
        counter = self.thread.conversation.counter
        return self.thread.shortened.get(message, full, limit, self.query, counter)

    def _lengthen(self, shown: dict[int, BaseMessage], left: int) -> None:
        """Give what is left to shortened results, the newest first."""
        for place in reversed(self._changed(shown)):
            if left < _WORTH_USING:
                return
            before = self._tokens(shown[place])
            longer = self._short(place, before + left)
            more = self._tokens(longer) - before
            if more > 0:
                shown[place] = longer
                left -= more

    def _changed(self, shown: Mapping[int, BaseMessage]) -> list[int]:
        """Places of the messages that are not sent as they are, ascending."""
        messages = self.thread.conversation.messages
        return [place for place, message in shown.items() if message is not messages[place]]

    def _total(self, shown: Mapping[int, BaseMessage], chosen: ChosenMemories) -> int:
        """Tokens of all that is sent; a shortened result is counted as it stands."""
        changed = self._changed(shown)
        whole = np.setdiff1d(list(shown), changed).astype(np.int64)
        counter = self.thread.conversation.counter
        counted = sum(counter.message_tokens([shown[place] for place in changed]))
        return self.fixed_tokens + int(self.costs.full[whole].sum()) + counted + chosen.tokens

    def _tokens(self, message: BaseMessage) -> int:
        return self.thread.conversation.counter.message_tokens([message])[0]

    def _planned(
        self, shown: Mapping[int, BaseMessage], chosen: ChosenMemories, window: Window
    ) -> PlannedPrompt:
        """The messages in their order, the memories before the last human message."""
        messages: list[Any] = list(shown.values())
        system = self.system
        if isinstance(chosen.message, SystemMessage):
            system = chosen.message
        elif chosen.message is not None:
            human = self.pins.last_human
            before = len(messages) if human is None else sum(place < human for place in shown)
            messages.insert(before, chosen.message)
        tokens = self._total(shown, chosen)
        return PlannedPrompt(
            messages=messages,
            system_message=system,
            tokens=tokens,
            decision=self._decision(shown, chosen, window, tokens),
        )

    def _decision(
        self,
        shown: Mapping[int, BaseMessage],
        chosen: ChosenMemories,
        window: Window,
        tokens: int,
    ) -> dict[str, Any]:
        messages = self.thread.conversation.messages
        unusable = int(np.count_nonzero(self.costs.standing == Standing.UNUSABLE))
        changed = [messages[place].id or f"message-{place}" for place in self._changed(shown)]
        memories = chosen.allocation
        omitted = {} if memories is None else memories.omission_counts()
        return {
            "budget_tokens": self.budget_tokens,
            "used_tokens": tokens,
            "system_tokens": self.fixed_tokens - REPLY_FRAME_TOKENS,
            "pinned_tokens": self._pinned_tokens,
            "recent_tokens": window.recent_tokens,
            "memory_tokens": chosen.tokens,
            "messages": len(messages),
            "messages_sent": len(shown),
            "messages_left_out": len(messages) - len(shown) - unusable,
            "messages_unusable": unusable,
            "results_shortened": changed[:_MAX_LISTED],
            "memories": [one.id for one in memories.selected][:_MAX_LISTED] if memories else [],
            "memories_omitted": {reason.value: count for reason, count in omitted.items()},
            "counter": self.thread.conversation.counter.id,
            "exact": self.thread.conversation.counter.exact,
        }
