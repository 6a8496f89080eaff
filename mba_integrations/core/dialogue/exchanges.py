"""Take a conversation apart into exchanges, and those into rounds of tool calls.

An exchange is a user message with all that follows it up to the next one. A round is a message with
tool calls and the results that follow it, one for each call; system messages may stand between
them. What a provider would refuse, a result without its call or a call without its result, belongs
to no round. Calls that the conversation ends with may still be answered: they wait.

A worked example. The second call is never answered, and one result has no call:

    0  user       Where is it?          talk of the first exchange
    1  assistant  calls a, b            a round: 1, 3, 4
    2  system     Be brief.             stays, and is sent before the round
    3  tool       answers b
    4  tool       answers a
    5  assistant  calls c               unusable: nothing answers c
    6  assistant  It is in Oslo.        talk
    7  tool       answers d             unusable: nothing calls d
    8  user       Thanks.               the second exchange

An id may be unknown: an empty one stands for any call, or is answered by any result. A result in a
user message, as Anthropic has them, is a result like others; if the message says more than that, it
does not begin an exchange, since it has to follow its call.

One pass over the messages; only those from the start of a changed exchange on need it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mba_integrations.core.dialogue.roles import Role


class Said(Protocol):
    """What is read of a message.

    Attributes:
        role: Who says it.
        call_ids: Ids of the calls that it makes, "" for one whose id is not known.
        answers: Ids of the calls that it answers. A message of the role `RESULT` without any
            answers one call, whichever waits.
    """

    @property
    def role(self) -> Role: ...
    @property
    def call_ids(self) -> Sequence[str]: ...
    @property
    def answers(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Round:
    """A message with tool calls and its results, as places of messages."""

    call: int
    results: tuple[int, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """All of them, in order."""
        return (self.call, *self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A user message with all that follows it, as places of messages.

    Attributes:
        start: The first message.
        end: After the last one.
        has_question: Whether it begins with a user message; only the first may not.
        talk: The user message and what is said without tools.
        rounds: Rounds whose calls are all answered, in order.
        waiting: The round that the conversation ends with, as far as it is answered; None if all
            its calls are, or if something follows it.
        system: System messages.
        unusable: What a provider would refuse.
    """

    start: int
    end: int
    has_question: bool
    talk: tuple[int, ...]
    rounds: tuple[Round, ...] = ()
    waiting: Round | None = None
    system: tuple[int, ...] = ()
    unusable: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the talk and of the rounds, in order."""
        return tuple(sorted((*self.talk, *(place for one in self.rounds for place in one.places))))

    @property
    def open_round(self) -> Round | None:
        """The last round if all its calls are answered and the assistant says nothing after it."""
        if not self.rounds or (self.talk and self.talk[-1] > self.rounds[-1].call):
            return None
        return self.rounds[-1]


def begins_exchange(message: Said) -> bool:
    """Whether a message is a user's, and no result."""
    return message.role is Role.USER and not message.answers


def exchanges_of(messages: Sequence[Said], start: int = 0) -> Iterator[Exchange]:
    """The exchanges from *start* on, which must be the start of one.

    >>> from types import SimpleNamespace as Message
    >>> talk = [Message(role=role, call_ids=(), answers=()) for role in (Role.USER, Role.ASSISTANT)]
    >>> [exchange.talk for exchange in exchanges_of(talk * 2)]
    [(0, 1), (2, 3)]
    """
    while start < len(messages):
        end = start + 1
        while end < len(messages) and not begins_exchange(messages[end]):
            end += 1
        yield _Reading(messages, start, end).exchange()
        start = end


class _Reading:
    """One exchange while it is read."""

    def __init__(self, messages: Sequence[Said], start: int, end: int) -> None:
        self._messages = messages
        self._start, self._end = start, end
        self._talk: list[int] = []
        self._rounds: list[Round] = []
        self._waiting: Round | None = None
        self._system: list[int] = []
        self._unusable: list[int] = []

    def exchange(self) -> Exchange:
        place = self._start
        while place < self._end:
            message = self._messages[place]
            calls = _open_calls(message)
            if message.role is Role.SYSTEM:
                self._system.append(place)
            elif calls:
                place = self._read_round(place, calls)
                continue
            elif _is_result(message):
                self._unusable.append(place)
            else:
                self._talk.append(place)
            place += 1
        return Exchange(
            start=self._start,
            end=self._end,
            has_question=begins_exchange(self._messages[self._start]),
            talk=tuple(self._talk),
            rounds=tuple(self._rounds),
            waiting=self._waiting,
            system=tuple(self._system),
            unusable=tuple(self._unusable),
        )

    def _read_round(self, call: int, calls: list[str]) -> int:
        """Read a call and what may answer it; the place of the message that follows."""
        results: list[int] = []
        strays: list[int] = []
        place = call + 1
        while place < self._end:
            message = self._messages[place]
            if message.role is Role.SYSTEM:
                self._system.append(place)
            elif _is_result(message):
                (results if _take_answers(calls, message) else strays).append(place)
            else:
                break
            place += 1
        found = Round(call, tuple(results))
        self._unusable += strays
        if not calls:
            self._rounds.append(found)
        elif place == len(self._messages):
            self._waiting = found
        else:
            self._unusable += found.places
        return place


def _open_calls(message: Said) -> list[str]:
    """Ids of a message's calls that it does not answer itself, as with a provider's own tools."""
    if message.role is not Role.ASSISTANT or not message.call_ids:
        return []
    return [one for one in message.call_ids if not one or one not in message.answers]


def _is_result(message: Said) -> bool:
    """Whether a message has to follow a call."""
    if message.role is Role.ASSISTANT:
        return any(one not in message.call_ids for one in message.answers)
    return message.role is Role.RESULT or bool(message.answers)


def _take_answers(calls: list[str], message: Said) -> bool:
    """Take out of *calls* what a message answers; nothing if one of its answers has no call.

    Each call is answered once: a second result of the same call would be refused.
    """
    left = list(calls)
    for answered in message.answers or ("",):
        if answered in left:
            left.remove(answered)
        elif "" in left:
            left.remove("")
        elif left and not answered:
            left.pop(0)
        else:
            return False
    calls[:] = left
    return True


def sending_order(exchanges: Iterable[Exchange], places: Iterable[int]) -> list[int]:
    """Places in the order in which providers take them: no system message within a round.

    One that stands between a call and its results is sent before the call, and so is one after a
    call that waits: its results are appended.

    >>> within = Exchange(
    ...     start=0, end=4, has_question=True, talk=(0,), rounds=(Round(1, (3,)),), system=(2,)
    ... )
    >>> sending_order([within], [0, 1, 2, 3])
    [0, 2, 1, 3]
    """
    before: dict[int, int] = {}
    for exchange in exchanges:
        for call, end in _spans(exchange) if exchange.system else ():
            within = (place for place in exchange.system if call < place < end)
            before |= dict.fromkeys(within, call)
    return sorted(places, key=lambda place: (before.get(place, place), place not in before, place))


def _spans(exchange: Exchange) -> Iterator[tuple[int, int]]:
    """Where each round begins, and where its last result stands or will stand."""
    for one in exchange.rounds:
        yield one.call, one.results[-1]
    if exchange.waiting is not None:
        yield exchange.waiting.call, exchange.end
