"""The recent window: the newest messages, which are sent before others are chosen.

If all fits, all is sent. Otherwise long results are shortened, the newest exchanges are the window,
and all before it is left to the core's choice. An exchange of more than a quarter of the budget
stands in the window with its question and its answers, and its rounds are left to the choice,
unless it is the newest that is over and has room as a whole.

The window is a function of the messages and the budget: it begins at a multiple of half its size,
counted from the beginning of the conversation. So it moves rarely, and a provider's prompt cache
keeps what stands before it. Five exchanges of 30 tokens and a window of 60, whose step is 30:

    messages so far   over   step reached   window
    90                30     30             30 to 90
    100               40     60             60 to 100
    120               60     60             60 to 120
    150               90     90             90 to 150

Where the window has all the room, it moves with every message instead and leaves nothing unused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.conversation.history import Costs
from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.dialogue.exchanges import Exchange

_LONG_RESULT_PART = 8
"""A result of more than an eighth of the budget is long."""
_LEAST_LIMIT_TOKENS = 64
_LARGE_EXCHANGE_PART = 4
"""An exchange of more than a quarter of the budget is large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How the messages that are not pinned are divided.

    Attributes:
        recent: Places of what is sent, shape (k,).
        older: Places to choose from, shape (m,).
        sent: Tokens of each message as it would be sent, shape (n,).
        recent_tokens: Tokens of `recent`.
    """

    recent: IntArray
    older: IntArray
    sent: IntArray
    recent_tokens: int


def long_result_limit(budget_tokens: int) -> int:
    """Tokens that the result of a closed round may have where not all fits: a power of two.

    >>> long_result_limit(4_000), long_result_limit(100)
    (256, 64)
    """
    part = max(budget_tokens // _LONG_RESULT_PART, _LEAST_LIMIT_TOKENS)
    return 1 << (part.bit_length() - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Tokens of the parts.

    Attributes:
        budget: All that may be sent.
        free: For the messages that are not pinned.
        recent: For the newest messages before others are chosen.
        only_recent: Whether no others are chosen.
    """

    budget: int
    free: int
    recent: int
    only_recent: bool


def window_of(
    exchanges: Sequence[Exchange], costs: Costs, free: BoolArray, rooms: Rooms, *, waits: bool
) -> Window:
    """Divide the messages that are not pinned.

    Args:
        exchanges: The conversation.
        costs: What it costs.
        free: Which messages may be sent or left out, shape (n,).
        rooms: Tokens of the parts.
        waits: Whether the last exchange waits for an answer, so that it may come in in parts.
    """
    places = np.flatnonzero(free)
    if int(costs.full[places].sum()) <= rooms.free:
        return _all_of(places, costs.full)
    limit = long_result_limit(rooms.budget)
    sent = costs.limited(limit)
    if int(sent[places].sum()) <= rooms.free:
        return _all_of(places, _restored(places, costs.full, sent, rooms.free))
    cost = np.where(free, sent, 0)
    past = exchanges[:-1] if waits else exchanges
    recent = min(rooms.recent, rooms.free)
    large = max(limit, rooms.budget // _LARGE_EXCHANGE_PART)
    apart = _rounds_apart(past, cost, large, max(large, recent))
    step = 1 if rooms.only_recent else max(1, recent // 2)
    starts = [exchange.start for exchange in exchanges]
    starts += _units(exchanges[-1]) if waits and exchanges else []
    boundary = _boundary(starts, np.where(apart, 0, cost), recent, step)
    is_recent = (places >= boundary) & ~apart[places]
    newest = places[is_recent]
    return Window(
        recent=newest,
        older=places[:0] if rooms.only_recent else places[~is_recent],
        sent=sent,
        recent_tokens=int(sent[newest].sum()),
    )


def _all_of(places: IntArray, sent: IntArray) -> Window:
    tokens = int(sent[places].sum())
    return Window(recent=places, older=places[:0], sent=sent, recent_tokens=tokens)


def _restored(places: IntArray, full: IntArray, sent: IntArray, room: int) -> IntArray:
    """Tokens with as many results whole as fit, the newest first."""
    left = room - int(sent[places].sum())
    sent = sent.copy()
    for place in places[full[places] > sent[places]][::-1]:
        more = int(full[place] - sent[place])
        if more <= left:
            sent[place] = full[place]
            left -= more
    return sent


def _rounds_apart(
    exchanges: Sequence[Exchange], cost: IntArray, large: int, large_newest: int
) -> BoolArray:
    """Which messages are part of a round of a large exchange."""
    apart = np.zeros(len(cost), dtype=bool)
    if exchanges:
        ends = exchanges[-1].end
        sums = np.add.reduceat(cost[:ends], [exchange.start for exchange in exchanges])
        most = np.full(len(sums), large)
        most[-1] = large_newest
        for number in np.flatnonzero(sums > most).tolist():
            apart[[place for one in exchanges[number].rounds for place in one.places]] = True
    return apart


def _units(exchange: Exchange) -> list[int]:
    """Where the parts of an exchange begin, after its first message."""
    units = [*exchange.talk, *(one.call for one in exchange.rounds)]
    return sorted(place for place in units if place > exchange.start)


def _boundary(starts: Sequence[int], cost: IntArray, recent: int, step: int) -> int:
    """Where the window begins: at the first start at or after the step from which it fits."""
    before = np.concatenate([[0], np.cumsum(cost)])
    places = np.array([*starts, len(cost)])
    over = max(0, int(before[-1]) - recent)
    place = int(np.searchsorted(before[places], -(-over // step) * step))
    return int(places[min(place, len(places) - 1)])
