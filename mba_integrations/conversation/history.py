"""`History`: the messages of one conversation with what they cost and how they hang together.

Kept between calls, so that only new messages cost: messages that are the same objects as before, or
equal to them, are not read again, and the exchanges before the first change stay. Equal to a
history made anew from the same messages. Looking at a message that stayed costs some 0.2
microseconds.

Nothing handed in is changed. Used under a lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import is_
from typing import Generic

import numpy as np
from pydantic import BaseModel

from mba_integrations.conversation.message import Framework, Message, Reader
from mba_integrations.conversation.results import placeholder_for
from mba_integrations.core.arguments import says_the_same
from mba_integrations.core.arrays import IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.exchanges import Exchange, begins_exchange, exchanges_of

_SHORT_RESULT_TOKENS = 32
"""A placeholder is hardly shorter."""


class Place(IntEnum):
    """What may become of a message."""

    FREE = 0
    """It may be sent or left out, with what it belongs to."""
    SYSTEM = 1
    """A system message: it is sent."""
    UNUSABLE = 2
    """A provider would refuse it, or it stands before the first user message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Tokens of n messages, each of shape (n,).

    Attributes:
        full: Of the message as it is.
        least: Of its placeholder, for a result that can be shortened; else as `full`.
        kind: Codes of `Place`.
    """

    full: IntArray
    least: IntArray
    kind: IntArray

    def limited(self, limit_tokens: int) -> IntArray:
        """Of each message, where results are shortened to *limit_tokens*."""
        floor = np.maximum(self.least, limit_tokens)
        return np.where(self.full > self.least, np.minimum(self.full, floor), self.full)


class History(Generic[Framework]):
    """The messages of one conversation.

    Args:
        reader: Reads messages.
        question_first: Whether nothing but system messages is usable where no user message is.
            Without it a conversation may consist of what an assistant says.
    """

    def __init__(self, reader: Reader[Framework], *, question_first: bool = False) -> None:
        self.reader = reader
        self._question_first = question_first
        self.messages: list[Message] = []
        self.exchanges: list[Exchange] = []
        self._given: list[Framework] = []
        self._marks: list[object] = []
        self._costs = np.zeros((3, 0), dtype=np.int64)

    @property
    def costs(self) -> Costs:
        """What the messages cost."""
        full, least, kind = self._costs
        return Costs(full=full, least=least, kind=kind)

    @property
    def last(self) -> Exchange | None:
        """The last exchange; None without messages."""
        return self.exchanges[-1] if self.exchanges else None

    def update(self, messages: Sequence[Framework]) -> int:
        """Take over the messages of now; the place up to which all is as it was.

        It is the start of an exchange. What was derived from exchanges beyond it has to be derived
        anew, also for messages that are the same: a result may have lost its call.
        """
        marks = self.reader.marks(messages)
        unchanged = self._unchanged(messages, marks)
        self.messages[unchanged:] = self.reader.read(messages[unchanged:])
        self._given, self._marks = list(messages), marks
        start = self._regroup(unchanged)
        self._costs = np.concatenate([self._costs[:, :start], self._costs_from(start)], axis=1)
        return start

    def _unchanged(self, messages: Sequence[Framework], marks: list[object]) -> int:
        """How many messages from the beginning are as before."""
        both = min(len(self._given), len(messages))
        is_object = np.fromiter(map(is_, self._given, messages), dtype=bool, count=both)
        is_mark = np.fromiter(map(is_, self._marks, marks), dtype=bool, count=both)
        for place in np.flatnonzero(~(is_object & is_mark)).tolist():
            before, now = self._given[place], messages[place]
            if not (says_the_same(self._marks[place], marks[place]) and _same_message(before, now)):
                return int(place)
        return both

    def _regroup(self, unchanged: int) -> int:
        """Find the exchanges again; the start of the first that may be another one."""
        start, last = unchanged, True
        while self.exchanges and not self._stands(self.exchanges[-1], unchanged, was_last=last):
            start, last = min(start, self.exchanges.pop().start), False
        self.exchanges.extend(exchanges_of(self.messages, start))
        return start

    def _stands(self, exchange: Exchange, unchanged: int, *, was_last: bool) -> bool:
        """Whether an exchange is as it was, and ends where it did.

        One that is the last no longer, or is it now, is read again: calls that wait turn into
        calls that nobody answered, and its parts come in one by one or together.
        """
        if exchange.end > unchanged or (exchange.end == len(self.messages)) != was_last:
            return False
        return was_last or begins_exchange(self.messages[exchange.end])

    def _costs_from(self, start: int) -> IntArray:
        fresh = self.messages[start:]
        counter = self.reader.counter
        tokens = [message.tokens for message in fresh]
        least = [_least_tokens(message, counter) for message in fresh]
        costs = np.array([tokens, least, [Place.FREE] * len(fresh)], dtype=np.int64)
        for exchange in self._exchanges_from(start):
            for kind, places in (
                (Place.SYSTEM, exchange.system),
                (Place.UNUSABLE, self._unusable(exchange)),
            ):
                costs[2, np.array(places, dtype=np.int64) - start] = kind
        return costs

    def _exchanges_from(self, start: int) -> Iterator[Exchange]:
        for exchange in reversed(self.exchanges):
            if exchange.start < start:
                return
            yield exchange

    def _unusable(self, exchange: Exchange) -> tuple[int, ...]:
        """Places that are not sent, but for calls that wait where the caller has their results."""
        waiting = exchange.waiting.places if exchange.waiting is not None else ()
        if exchange.has_question or not (self._question_first or len(self.exchanges) > 1):
            return (*exchange.unusable, *waiting)
        return (*exchange.unusable, *waiting, *exchange.places)


def _least_tokens(message: Message, counter: TokenCounter) -> int:
    if message.bare_tokens is None or message.tokens <= _SHORT_RESULT_TOKENS:
        return message.tokens
    return min(message.tokens, message.bare_tokens + counter.count(placeholder_for(message)))


def _same_message(before: object, now: object) -> bool:
    """As `says_the_same`; of a pydantic model by its fields alone.

    What such a model compares besides is nothing that is sent, and takes ten times as long.
    """
    if isinstance(before, BaseModel) and type(before) is type(now):
        return says_the_same(vars(before), vars(now))
    return says_the_same(before, now)
