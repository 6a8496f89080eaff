"""One prompt of a conversation in the making: its parts in the order in which they take tokens.

Pins first; then what a caller sends besides, such as memories, and the recent window, each at least
what is set aside for it; then older messages by the core's choice; at last what is left over, to
shortened results. Every message is counted with its framing before it is sent; the sum is at most
the budget.

    draft = conversation.draft(messages, request, chooser)    # may refuse
    memories = choose_within(draft.room_besides())
    left_tokens = draft.fill(memories.tokens)                 # what is left could go to memories
    planned = draft.finish(memories.tokens)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

import numpy as np

from mba_integrations.conversation.asked import searched_for
from mba_integrations.conversation.conversation import Conversation
from mba_integrations.conversation.history import Costs, Place
from mba_integrations.conversation.message import Framework
from mba_integrations.conversation.older import Chooser
from mba_integrations.conversation.pins import Part, Wording, check_pins, pins_of
from mba_integrations.conversation.window import Rooms, Window, long_result_limit, window_of
from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.dialogue.exchanges import sending_order
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.result.allocation import Allocation

_WORTH_USING_TOKENS = 16
"""Fewer tokens are left as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a prompt is wanted for.

    Attributes:
        budget_tokens: All that may be sent, with `besides` and `frame_tokens`.
        source: Where the budget comes from, in words.
        besides: What must be sent besides the conversation, with its tokens.
        frame_tokens: What a prompt that is not empty costs besides.
        query: What older messages are chosen for; None for the text of the last user message, with
            the exchange that it hangs on.
        query_embedding: Vector of the query, where messages are embedded.
        recent_share: Part of the conversation's tokens for the newest messages before others are
            chosen, in [0, 1]. At 1 no others are chosen.
        conversation_share: Part of the budget that nothing besides can take, in [0, 1].
        waits: Whether the last user message waits for its answer. It does not where another one
            follows, which the caller appends.
        calls_may_wait: Whether the caller appends the results of calls that still wait.
        wording: For errors.
    """

    budget_tokens: int
    source: str = "budget_tokens"
    besides: tuple[Part, ...] = ()
    frame_tokens: int = 0
    query: str | None = None
    query_embedding: FloatArray | None = None
    recent_share: float = 0.5
    conversation_share: float = 1.0
    waits: bool = True
    calls_may_wait: bool = False
    wording: Wording = field(default_factory=Wording)

    @property
    def fixed_tokens(self) -> int:
        """Tokens of what is sent besides, with the frame."""
        return sum(tokens for _, tokens in self.besides) + self.frame_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is sent of a conversation.

    Attributes:
        places: Places of the messages in the order in which they are sent: as they stand, but no
            system message within a round.
        texts: Texts of shortened results by their places.
        full_tokens: What those results cost in full.
        question: Place of the message that waits for its answer; None without one.
        tokens: What the messages cost, with what is sent besides and the frame.
        pinned_tokens: Of what must be sent.
        recent_tokens: Of the recent window.
        unusable: How many messages a provider would refuse.
        allocation: The choice among older messages; None where there was nothing to choose.
    """

    places: tuple[int, ...]
    texts: Mapping[int, str]
    full_tokens: Mapping[int, int]
    question: int | None
    tokens: int
    pinned_tokens: int
    recent_tokens: int
    unusable: int
    allocation: Allocation | None


class Draft(Generic[Framework]):
    """One prompt, decided on part by part; see the module.

    Args:
        conversation: The messages; its lock is held until the draft is finished.
        request: What the prompt is wanted for.
        chooser: Chooses older messages.

    Raises:
        PinnedOverBudgetError: If what must be sent does not fit.
    """

    def __init__(
        self, conversation: Conversation[Framework], request: Request, chooser: Chooser
    ) -> None:
        self._conversation = conversation
        self._request = request
        self._chooser = chooser
        self._history = conversation.history
        self._costs: Costs = conversation.history.costs
        room = request.budget_tokens - request.fixed_tokens
        self._pins = pins_of(
            self._history.messages,
            self._costs,
            self._history.last if request.waits else None,
            room,
            calls_may_wait=request.calls_may_wait,
            wording=request.wording,
        )
        besides = (*request.besides, *self._pins.parts)
        if any(tokens for _, tokens in besides):
            parts = (*request.besides, ("framing", request.frame_tokens), *self._pins.parts)
            check_pins(parts, request.budget_tokens, request.source)
        self._texts: dict[int, str] = {}
        self._pinned_tokens = self._shorten_open_round()
        self._window: Window | None = None
        self._older: list[int] = []
        self._allocation: Allocation | None = None

    @property
    def query(self) -> str:
        """What older messages are chosen for."""
        if self._request.query is not None:
            return self._request.query
        messages = self._history.messages
        users = (one for one in reversed(messages) if one.role is Role.USER)
        question = next(users, messages[-1]).text if messages else ""
        return searched_for(question, ((one.role, one.text) for one in reversed(messages)))

    @property
    def room_tokens(self) -> int:
        """Tokens beside what must be sent."""
        taken = self._request.fixed_tokens + self._pinned_tokens
        return max(0, self._request.budget_tokens - taken)

    def room_besides(self) -> int:
        """Tokens for what is sent besides: its share, or what the conversation does not need.

        The newest messages have their part first.
        """
        room, budget = self.room_tokens, self._request.budget_tokens
        talk = int(self._costs.full[self._free()].sum())
        share = int((1.0 - self._request.conversation_share) * budget)
        return min(max(share, room - talk), room - min(self._recent_tokens, talk))

    def fill(self, besides_tokens: int = 0) -> int:
        """Decide on the window and on older messages; the tokens that are left.

        Args:
            besides_tokens: What is sent besides takes, of `room_tokens`.
        """
        window = self._window = self._filled(self.room_tokens - besides_tokens)
        taken = window.recent_tokens + int(window.sent[self._older].sum())
        return self.room_tokens - besides_tokens - taken

    def finish(self, besides_tokens: int = 0) -> Planned:
        """Put the parts together, and give what is left to shortened results, the newest first.

        Args:
            besides_tokens: What is sent besides takes now.
        """
        window = self._window or self._filled(self.room_tokens - besides_tokens)
        free = sorted({*window.recent.tolist(), *self._older})
        for place in free:
            self._shorten(place, int(window.sent[place]))
        places = sending_order(self._history.exchanges, [*self._pins.places.tolist(), *free])
        fixed = self._request.fixed_tokens + besides_tokens
        self._lengthen(self._request.budget_tokens - fixed - self._tokens(places))
        self._conversation.shortened.keep_used()
        unusable = np.flatnonzero(self._costs.kind == Place.UNUSABLE)
        return Planned(
            places=tuple(places),
            texts=self._texts,
            full_tokens={place: self._history.messages[place].tokens for place in self._texts},
            question=self._pins.question,
            tokens=fixed + self._tokens(places) if places or self._request.besides else 0,
            pinned_tokens=self._pinned_tokens,
            recent_tokens=window.recent_tokens,
            unusable=len(np.setdiff1d(unusable, self._pins.places)),
            allocation=self._allocation,
        )

    @property
    def _recent_tokens(self) -> int:
        """What the newest messages may have before others are chosen.

        A part of the budget and not of the room: the window's steps must not move with the pins.
        """
        share = self._request.recent_share * self._request.conversation_share
        return min(int(share * self._request.budget_tokens), self.room_tokens)

    def _filled(self, room: int) -> Window:
        """Divide the messages that are not pinned, and choose among the older ones."""
        request = self._request
        only_recent = request.recent_share >= 1.0
        rooms = Rooms(
            budget=request.budget_tokens,
            free=room,
            recent=room if only_recent else self._recent_tokens,
            only_recent=only_recent,
        )
        exchanges = self._history.exchanges
        window = window_of(exchanges, self._costs, self._free(), rooms, waits=request.waits)
        left = room - window.recent_tokens
        self._older = self._chosen(window, left) if len(window.older) and left > 0 else []
        return window

    def _free(self) -> BoolArray:
        """Which messages may be sent or left out."""
        free: BoolArray = self._costs.kind == Place.FREE
        free[self._pins.places] = False
        return free

    def _chosen(self, window: Window, room: int) -> list[int]:
        """Places of the older messages that the core chooses, rounds with their questions."""
        older, request = self._conversation.older, self._request
        limit = long_result_limit(request.budget_tokens)
        messages, exchanges = self._history.messages, self._history.exchanges
        older.update(messages, exchanges, window, limit, waits=request.waits)
        chosen = older.choose(self._chooser, self.query, room, request.query_embedding)
        self._allocation = chosen
        if chosen is None:
            return []
        return older.with_questions(exchanges, older.places_of(chosen), room)

    def _shorten_open_round(self) -> int:
        """Shorten the open round's results where they have to be; tokens of what is pinned."""
        if self._pins.limit_tokens is not None:
            limits = self._costs.limited(self._pins.limit_tokens)
            for place in self._pins.open_results.tolist():
                self._shorten(place, int(limits[place]))
        return self._tokens(self._pins.places.tolist())

    def _shorten(self, place: int, limit_tokens: int) -> None:
        """Send a result in at most so many tokens, whole if it has no more."""
        message = self._history.messages[place]
        if message.bare_tokens is None or limit_tokens >= message.tokens:
            self._texts.pop(place, None)
        else:
            counter = self._history.reader.counter
            self._texts[place] = self._conversation.shortened.get(
                place, message, limit_tokens, self.query, counter
            )

    def _lengthen(self, left: int) -> None:
        for place in sorted(self._texts, reverse=True):
            if left < _WORTH_USING_TOKENS:
                return
            text, before = self._texts[place], self._tokens([place])
            self._shorten(place, before + left)
            more = self._tokens([place]) - before
            if more > 0:
                left -= more
            else:
                self._texts[place] = text

    def _tokens(self, places: Sequence[int]) -> int:
        """Tokens of messages as they are sent; a shortened result is counted as it stands."""
        texts = [place for place in places if place in self._texts]
        counts = self._history.reader.counter.count_batch([self._texts[one] for one in texts])
        bare = sum(self._history.messages[place].bare_tokens or 0 for place in texts)
        whole = [place for place in places if place not in self._texts]
        return int(self._costs.full[whole].sum()) + bare + sum(counts)
