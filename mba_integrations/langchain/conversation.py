"""`Conversation`: the messages of a thread with what they cost and how they hang together.

Kept between calls, so that only new messages cost: messages that are the same objects as before,
or equal to them, are not counted again. Nothing handed in is changed. Used under a lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import is_

import numpy as np
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from mba_integrations.core.arrays import IntArray
from mba_integrations.langchain.message_counting import MessageCounter
from mba_integrations.langchain.message_units import Exchange, exchanges_of
from mba_integrations.langchain.tool_results import placeholder_for

_SHORT_RESULT_TOKENS = 32
"""A placeholder is hardly shorter."""


class Standing(IntEnum):
    """What may become of a message."""

    UNIT = 0
    """It is part of a unit, and may stay or go with it."""
    SYSTEM = 1
    """A system message: it stays."""
    UNUSABLE = 2
    """A provider would refuse it, or it stands before the first human message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Tokens of n messages, each of shape (n,).

    Attributes:
        full: Of the message as it is.
        least: Of its placeholder, for the result of a tool; else as `full`.
        standing: Codes of `Standing`.
    """

    full: IntArray
    least: IntArray
    standing: IntArray

    def limited(self, limit_tokens: int) -> IntArray:
        """Of each message, where the results of tools are shortened to *limit_tokens*."""
        floor = np.maximum(self.least, limit_tokens)
        return np.where(self.full > self.least, np.minimum(self.full, floor), self.full)


class Conversation:
    """The messages of one thread.

    Args:
        counter: What counts them.
    """

    def __init__(self, counter: MessageCounter) -> None:
        self.counter = counter
        self.messages: list[BaseMessage] = []
        self.exchanges: list[Exchange] = []
        self._contents: list[object] = []
        self._full: list[int] = []
        self._least: list[int] = []
        self._standing: list[int] = []

    def update(self, messages: Sequence[BaseMessage]) -> int:
        """Take over the messages of now; the place from which they differ from those before."""
        contents: list[object] = [message.content for message in messages]
        unchanged = self._unchanged(messages, contents)
        self._count(messages, unchanged)
        self._contents = contents
        same = unchanged
        while self.exchanges and not _is_complete(self.exchanges[-1], messages, unchanged):
            same = min(same, self.exchanges.pop().start)
        self.exchanges.extend(exchanges_of(messages, same))
        self._mark(same, len(messages))
        return unchanged

    @property
    def costs(self) -> Costs:
        """What the messages cost."""
        return Costs(
            full=np.array(self._full, dtype=np.int64),
            least=np.array(self._least, dtype=np.int64),
            standing=np.array(self._standing, dtype=np.int8),
        )

    def _unchanged(self, messages: Sequence[BaseMessage], contents: list[object]) -> int:
        """How many messages from the beginning are as before."""
        both = min(len(self.messages), len(messages))
        same = _first_other(self.messages, messages)
        same = min(same, _first_other(self._contents, contents))
        while same < both and self._is_same(same, messages[same]):
            same += 1
        return same

    def _is_same(self, place: int, now: BaseMessage) -> bool:
        """Whether a message says what it said before; its content may have been exchanged."""
        before = self.messages[place]
        if before is now:
            return now.content is self._contents[place]
        return type(before) is type(now) and before.__dict__ == now.__dict__

    def _count(self, messages: Sequence[BaseMessage], start: int) -> None:
        fresh = messages[start:]
        full = self.counter.message_tokens(fresh)
        self.messages = list(messages)
        self._full[start:] = full
        self._least[start:] = full
        for place, (message, tokens) in enumerate(zip(fresh, full, strict=True), start=start):
            if isinstance(message, ToolMessage) and tokens > _SHORT_RESULT_TOKENS:
                (least,) = self.counter.message_tokens([placeholder_for(message, tokens)])
                self._least[place] = min(tokens, least)

    def _mark(self, start: int, end: int) -> None:
        self._standing[start:] = [Standing.UNIT] * (end - start)
        with_human = any(exchange.has_human for exchange in self.exchanges[:2])
        for exchange in self._from(start):
            for place in exchange.standing:
                self._standing[place] = Standing.SYSTEM
            for place in exchange.unusable:
                self._standing[place] = Standing.UNUSABLE
        if with_human and self.exchanges and not self.exchanges[0].has_human:
            for place in (*self.exchanges[0].head, *_places_of_rounds(self.exchanges[0])):
                self._standing[place] = Standing.UNUSABLE

    def _from(self, start: int) -> Iterator[Exchange]:
        for exchange in reversed(self.exchanges):
            if exchange.start < start:
                return
            yield exchange


def _first_other(before: Sequence[object], now: Sequence[object]) -> int:
    """The first place that holds another object than before."""
    identical = list(map(is_, before, now))
    return identical.index(False) if False in identical else len(identical)


def _is_complete(exchange: Exchange, messages: Sequence[BaseMessage], unchanged: int) -> bool:
    """Whether an exchange is as it was and has its end where it had it."""
    if exchange.end > unchanged:
        return False
    return exchange.end == len(messages) or isinstance(messages[exchange.end], HumanMessage)


def _places_of_rounds(exchange: Exchange) -> Iterator[int]:
    for one in exchange.rounds:
        yield from one.places
