"""The talk in working memory: its items in order, and the exchanges that they make.

Items with a role are talk; those of working memory, and those of other tiers that come from the
conversation that runs, which is the source of the newest item of working memory. A conversation is
a source within a tier. A talk whose items name no roles, such as that of two people, has no
exchanges.

Five items of working memory. What an assistant says before the first question is of no exchange:

    place in order   0          1      2          3      4
    role             assistant  user   assistant  user   assistant
    exchange         -1         0      0          1      1

One pass over the items that may be talk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.dialogue.exchanges import begins_exchange, exchanges_of
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.dialogue.spoken import Spoken, spoken
from mba_integrations.core.model import MemoryItem, MemoryTier

_WORKING = MemoryTier.WORKING.code
_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)


class Placed(Protocol):
    """Where n items stand, each of shape (n,): tier, source (-1 unknown), time and position (NaN
    unknown)."""

    @property
    def tier(self) -> IntArray: ...
    @property
    def source(self) -> IntArray: ...
    @property
    def created_seconds(self) -> FloatArray: ...
    @property
    def position(self) -> FloatArray: ...


@dataclass(frozen=True, kw_only=True)
class Talk:
    """k items of a talk, conversation after conversation, each in order.

    Attributes:
        rows: Their rows, shape (k,).
        said: What is read of each.
        exchange: Number of the exchange of each, ascending; -1 before a question, shape (k,).
        running: Rows of working memory from the conversation that runs, in order, whether they
            name a role or not, shape (r,).
        newest: Rows of the newest exchange that was answered, with what follows it, in order; none
            where no roles are known.
    """

    rows: IntArray
    said: tuple[Spoken, ...]
    exchange: IntArray
    running: IntArray
    newest: IntArray

    @cached_property
    def round(self) -> IntArray:
        """Number of the round of tool calls of each, whether all its calls are answered or not; -1
        for none, shape (k,)."""
        found = np.full(len(self.rows), -1, dtype=np.int64)
        count = 0
        for start, end in self._exchanges_with_calls():
            for exchange in exchanges_of(self.said[start:end]):
                waiting = () if exchange.waiting is None else (exchange.waiting,)
                for one in (*exchange.rounds, *waiting):
                    found[[start + place for place in one.places]] = count
                    count += 1
        return found

    def _exchanges_with_calls(self) -> Iterator[tuple[int, int]]:
        """Where each exchange that has calls begins and ends."""
        starts = np.flatnonzero(np.diff(self.exchange, prepend=-2))
        calls = np.flatnonzero([bool(one.calls) for one in self.said])
        for number in np.unique(np.searchsorted(starts, calls, side="right") - 1).tolist():
            end = starts[number + 1] if number + 1 < len(starts) else len(self.rows)
            yield int(starts[number]), int(end)


def talk_of(items: Sequence[MemoryItem], columns: Placed, working: IntArray) -> Talk:
    """The talk of some items.

    Args:
        items: All items.
        columns: Where they stand.
        working: Rows of working memory, ascending.
    """
    if not len(working):
        return Talk(rows=_NO_ROWS, said=(), exchange=_NO_ROWS, running=_NO_ROWS, newest=_NO_ROWS)
    ordered = _ordered(columns, working)
    runs = columns.source[_newest(columns, working)]
    running = ordered[columns.source[ordered] == runs]
    elsewhere = (columns.tier != _WORKING) & (columns.source == runs) & (runs >= 0)
    may_be = np.concatenate([ordered, _ordered(columns, np.flatnonzero(elsewhere))])
    read = [(row, spoken(items[row].metadata)) for row in may_be.tolist()]
    talk = [(row, one) for row, one in read if one is not None and one.role is not Role.SYSTEM]
    rows = np.array([row for row, _ in talk], dtype=np.int64)
    said = tuple(one for _, one in talk)
    exchange = _numbers(columns, rows, np.array([begins_exchange(one) for one in said], dtype=bool))
    in_running = np.isin(rows, running)
    newest = _answered(rows[in_running], exchange[in_running])
    return Talk(rows=rows, said=said, exchange=exchange, running=running, newest=newest)


def _ordered(columns: Placed, rows: IntArray) -> IntArray:
    """Rows by tier, source, time, position and input."""
    seconds = np.nan_to_num(columns.created_seconds[rows], nan=-np.inf)
    places = np.nan_to_num(columns.position[rows], nan=-np.inf)
    keys = (rows, places, seconds, columns.source[rows], columns.tier[rows])
    ordered: IntArray = rows[np.lexsort(keys)]
    return ordered


def _newest(columns: Placed, rows: IntArray) -> int:
    """The row with the latest time, then position, then input."""
    seconds = np.nan_to_num(columns.created_seconds[rows], nan=-np.inf)
    places = np.nan_to_num(columns.position[rows], nan=-np.inf)
    return int(rows[np.lexsort((rows, places, seconds))[-1]])


def _numbers(columns: Placed, rows: IntArray, begins: BoolArray) -> IntArray:
    """Number of each row's exchange; -1 for rows that stand before the first of theirs."""
    if not len(rows):
        return rows
    other = np.diff(columns.source[rows], prepend=-2) != 0
    other |= np.diff(columns.tier[rows], prepend=-1) != 0
    # Place of the last question, and of the conversation's begin: a question in between counts.
    places = np.arange(len(rows))
    asked = np.maximum.accumulate(np.where(begins, places, -1))
    begun = np.maximum.accumulate(np.where(other, places, 0))
    return np.where(asked >= begun, np.cumsum(begins) - 1, -1)


def _answered(rows: IntArray, exchange: IntArray) -> IntArray:
    """Rows from the last exchange of more than its question on; all where none is answered."""
    if not len(exchange) or exchange[-1] < 0:
        return rows[:0]
    known = exchange[exchange >= 0]
    numbers, counts = np.unique(known, return_counts=True)
    answered = numbers[counts > 1]
    first = answered[-1] if len(answered) else numbers[-1]
    newest: IntArray = rows[exchange >= first]
    return newest
