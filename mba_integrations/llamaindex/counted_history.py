"""A chat history with the tokens of its messages and turns, kept from one call to the next.

A history grows at its end, so a call counts what is new and looks at the rest only to see that it
is as it was: about a microsecond for each message.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock

from mba_integrations.llamaindex.message_tokens import MessageTokens
from mba_integrations.llamaindex.template_variables import TemplateGuard
from mba_integrations.llamaindex.turns import SYSTEM_ROLES, Turn, turn_of


@dataclass(frozen=True, slots=True, eq=False)
class CountedMessage:
    """A message with its tokens, and the state that they hold for; equal to itself only."""

    message: ChatMessage
    state: tuple[object, ...]
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Messages that come in together; equal to itself only.

    Attributes:
        places: Their places in the history, ascending.
        tokens: Their tokens with framing.
    """

    places: tuple[int, ...]
    tokens: int

    @property
    def id(self) -> str:
        """Unique among units of one history, since none shares a message with another."""
        return str(self.places[0])


@dataclass(frozen=True, slots=True, eq=False)
class CountedTurn:
    """A turn with its units.

    Attributes:
        turn: The turn.
        may_be_open: Whether it could end with an open round.
        places: Places of all messages from its user message to the next.
        messages: Those messages.
        whole: The turn without an open round.
        talk: The turn without any round; the same unit as `whole` where it has none.
    """

    turn: Turn
    may_be_open: bool
    places: list[int]
    messages: list[CountedMessage]
    whole: Unit
    talk: Unit


@dataclass(frozen=True, slots=True, eq=False)
class CountedHistory:
    """A history as it is for one call.

    Attributes:
        messages: All messages.
        system: Places of system messages.
        turns: From the first to the last.
        awaits_answer: Whether the last turn waits for its answer, and so must be there.
    """

    messages: list[CountedMessage]
    system: tuple[int, ...]
    turns: list[CountedTurn]
    awaits_answer: bool

    def unit(self, places: Iterable[int]) -> Unit:
        """The messages at some places as a unit."""
        taken = tuple(places)
        return Unit(taken, sum(self.messages[place].tokens for place in taken))

    @property
    def required(self) -> tuple[int, ...]:
        """Places of what must be there."""
        if not self.awaits_answer:
            return self.system
        last = self.turns[-1].turn
        return (*self.system, last.user, *last.open_round)

    @property
    def open_results(self) -> tuple[int, ...]:
        """Places of the results in the open round."""
        return self.turns[-1].turn.open_round[1:] if self.awaits_answer else ()

    def in_order(self, places: Iterable[int]) -> list[int]:
        """Places as they are to be sent: as they stand, but no system message within a round.

        Providers want the results right behind their call.
        """
        first = self.turns[0].turn.user if self.turns else len(self.messages)
        within = [place for place in self.system if place > first]
        moved: dict[int, int] = {}
        for turn in (one.turn for one in self.turns if within):
            for calls in filter(None, (*turn.rounds, turn.open_round)):
                between = within[bisect(within, calls[0]) : bisect(within, calls[-1])]
                moved |= dict.fromkeys(between, calls[0])
        return sorted(places, key=lambda place: (moved.get(place, place), place not in moved))

    def optional(self) -> list[tuple[Unit, ...]]:
        """What may be left out, oldest first; each in its variants, the longest first.

        A turn that lost its tool rounds still is a question with its answer. Of the last turn the
        user message alone may stay. While it waits for its answer, its parts are units.
        """
        past = self.turns[:-1] if self.turns else []
        units: list[tuple[Unit, ...]] = [
            (one.whole,) if one.whole is one.talk else (one.whole, one.talk) for one in past
        ]
        if not self.turns:
            return units
        last = self.turns[-1]
        if self.awaits_answer:
            parts = [*last.turn.rounds, *((place,) for place in last.turn.answers)]
            return [*units, *((self.unit(part),) for part in sorted(parts))]
        return [*units, (last.whole, last.talk, self.unit([last.turn.user]))]


class HistoryCounter:
    """Counts one conversation again and again.

    Args:
        tokens: What counts messages.
        guard: Defuses template variables, which may change a count.
    """

    def __init__(self, tokens: MessageTokens, guard: TemplateGuard) -> None:
        self.tokens = tokens
        self._guard = guard
        self._messages: list[CountedMessage] = []
        self._turns: list[CountedTurn] = []

    def count(self, messages: Sequence[ChatMessage], *, user_follows: bool) -> CountedHistory:
        """The history; what is as it was at the last call is not counted again.

        Args:
            messages: All messages.
            user_follows: Whether the caller appends a user message, so that nothing in the history
                waits for an answer.
        """
        self._messages = self._counted(messages)
        roles = [message.role for message in messages]
        spoken = [place for place, role in enumerate(roles) if role not in SYSTEM_ROLES]
        system = tuple(place for place, role in enumerate(roles) if role in SYSTEM_ROLES)
        begins = [k for k, place in enumerate(spoken) if roles[place] is MessageRole.USER]
        self._turns = [
            self._turn(number, spoken[begin:end], end == len(spoken) and not user_follows)
            for number, (begin, end) in enumerate(pairwise([*begins, len(spoken)]))
        ]
        awaits = bool(self._turns) and not user_follows and self._turns[-1].turn.awaits_answer
        return CountedHistory(self._messages, system, self._turns, awaits)

    def _counted(self, messages: Sequence[ChatMessage]) -> list[CountedMessage]:
        before = self._messages
        known = len(before)
        counted = []
        for place, message in enumerate(messages):
            state = _state(message)
            if place < known:
                one = before[place]
                if one.message is message and one.state == state:
                    counted.append(one)
                    continue
            tokens = self.tokens.of(self._guard.message(message))
            counted.append(CountedMessage(message, state, tokens))
        return counted

    def _turn(self, number: int, places: list[int], may_be_open: bool) -> CountedTurn:
        messages = [self._messages[place] for place in places]
        if number < len(self._turns):
            known = self._turns[number]
            same = known.places == places and known.messages == messages
            if same and known.may_be_open == may_be_open:
                return known
        turn = turn_of([one.message for one in messages], places, may_be_open=may_be_open)
        tokens = dict(zip(places, (one.tokens for one in messages), strict=True))
        whole = Unit(turn.whole, sum(tokens[place] for place in turn.whole))
        talk = Unit(turn.talk, sum(tokens[place] for place in turn.talk)) if turn.rounds else whole
        return CountedTurn(turn, may_be_open, places, messages, whole, talk)


def _state(message: ChatMessage) -> tuple[object, ...]:
    """What the tokens of a message depend on, as far as it is changed in place: its texts."""
    blocks = message.blocks
    if len(blocks) == 1 and isinstance(blocks[0], TextBlock):
        return (blocks[0].text,)
    return tuple(block.text if isinstance(block, TextBlock) else id(block) for block in blocks)
