"""What must be sent, what the newest messages are, and what is left to choose from.

The last human message, system messages and an open tool round are pinned. If all fits, all is
sent. Otherwise long results of closed rounds are shortened; the newest exchanges are kept as a
window; all before it is left to the core's choice.

The window is a function of the messages and the budget: it begins at a multiple of half its size,
counted from the beginning of the conversation. So it moves rarely, and a provider's prompt cache
keeps what stands before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from langchain_core.messages import BaseMessage

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.langchain.conversation import Conversation, Costs, Standing
from mba_integrations.langchain.message_units import Exchange

_LONG_RESULT_PART = 8
"""A result of more than an eighth of the budget is long."""
_LEAST_LIMIT_TOKENS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What must be sent.

    Attributes:
        places: Places of the messages.
        open_results: Those of the open round's results, which may be shortened.
        last_human: Place of the last human message; None without one.
        costs: What must be sent, in words, with its tokens at the least.
        limit_tokens: To how much each open result is shortened; None leaves them whole.
        tokens: What the messages cost in all, shortened if they have to be.
    """

    places: IntArray
    open_results: IntArray
    last_human: int | None
    costs: tuple[tuple[str, int], ...]
    limit_tokens: int | None
    tokens: int


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


def pins_of(conversation: Conversation, costs: Costs, room: int) -> Pins:
    """What must be sent of a conversation within *room* tokens, framing apart.

    `tokens` may be over the room: then nothing can be sent.
    """
    last = _last_exchange(conversation.exchanges)
    system = np.flatnonzero(costs.standing == Standing.SYSTEM)
    human = last.start if last is not None and last.has_human else None
    rounds = _open_round(last)
    asked = [human] if human is not None else [] if rounds else _last_head(last)
    results = np.array(rounds[1:], dtype=np.int64)
    calls = np.array(rounds[:1], dtype=np.int64)
    fixed = np.concatenate([system, np.array(asked, dtype=np.int64), calls]).astype(np.int64)
    fixed_tokens = int(costs.full[fixed].sum())
    limit = _result_limit(costs.full[results], costs.least[results], room - fixed_tokens)
    whole = costs.full if limit is None else costs.limited(limit)
    shown = [
        ("system messages in the state", int(costs.full[system].sum())),
        ("last human message", int(costs.full[asked].sum()) if human is not None else 0),
        ("last message", int(costs.full[asked].sum()) if human is None else 0),
        ("open tool calls", int(costs.full[calls].sum())),
        ("their results, shortened", int(costs.least[results].sum())),
    ]
    return Pins(
        places=np.concatenate([fixed, results]),
        open_results=results,
        last_human=human,
        costs=tuple((name, tokens) for name, tokens in shown if tokens),
        limit_tokens=limit,
        tokens=fixed_tokens + int(whole[results].sum()),
    )


def check_pins(pins: Pins, others: Sequence[tuple[str, int]], budget_tokens: int, of: str) -> None:
    """Refuse a budget that what must be sent does not fit in.

    Args:
        pins: What must be sent of the messages.
        others: What else must be sent, with its tokens.
        budget_tokens: The budget.
        of: Where the budget comes from, in words.

    Raises:
        PinnedOverBudgetError: With the arithmetic.
    """
    parts = [*((name, tokens) for name, tokens in others if tokens), *pins.costs]
    needed = sum(tokens for _, tokens in parts)
    if needed <= budget_tokens:
        return
    listed = ", ".join(f"{name} {tokens:,}" for name, tokens in parts)
    largest = max(parts, key=lambda part: part[1])[0]
    raise PinnedOverBudgetError(
        f"what must be sent needs {needed:,} tokens ({listed}), the budget is {budget_tokens:,} "
        f"({of}; {needed - budget_tokens:,} over). Raise the budget or shorten the {largest}.",
        needed_tokens=needed,
        budget_tokens=budget_tokens,
    )


def window_of(
    conversation: Conversation, costs: Costs, pins: Pins, *, room: int, limit: int, recent: int
) -> Window:
    """Divide the messages that are not pinned.

    Args:
        conversation: The messages.
        costs: What they cost.
        pins: What is sent anyway.
        room: Tokens for the messages that are not pinned.
        limit: Tokens to which long results are shortened where not all fits.
        recent: Tokens that the newest messages may have before others are chosen.
    """
    free = costs.standing == Standing.UNIT
    free[pins.places] = False
    places = np.flatnonzero(free)
    if int(costs.full[places].sum()) <= room:
        return _all_of(places, costs.full)
    sent = costs.limited(limit)
    if int(sent[places].sum()) <= room:
        return _all_of(places, _restored(places, costs.full, sent, room))
    boundary = _boundary(conversation.exchanges, np.where(free, sent, 0), min(recent, room))
    newest = places[places >= boundary]
    return Window(
        recent=newest,
        older=places[places < boundary],
        sent=sent,
        recent_tokens=int(sent[newest].sum()),
    )


def _all_of(places: IntArray, sent: IntArray) -> Window:
    none = np.zeros(0, dtype=np.int64)
    tokens = int(sent[places].sum())
    return Window(recent=places, older=none, sent=sent, recent_tokens=tokens)


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


def _boundary(exchanges: Sequence[Exchange], cost: IntArray, recent: int) -> int:
    """Where the window begins: at the first exchange at or after the step from which it fits."""
    before = np.concatenate([[0], np.cumsum(cost)])
    step = max(1, recent // 2)
    over = max(0, int(before[-1]) - recent)
    starts = np.array([*_starts(exchanges), len(cost)])
    place = int(np.searchsorted(before[starts], -(-over // step) * step))
    return int(starts[min(place, len(starts) - 1)])


def _starts(exchanges: Sequence[Exchange]) -> list[int]:
    """Where a window may begin: at an exchange, or at a unit of the last one."""
    starts = [exchange.start for exchange in exchanges]
    if exchanges:
        last = exchanges[-1]
        units = [*last.head, *(one.start for one in last.rounds)]
        starts += sorted(place for place in units if place > last.start)
    return starts


def _last_exchange(exchanges: Sequence[Exchange]) -> Exchange | None:
    return exchanges[-1] if exchanges else None


def _last_head(exchange: Exchange | None) -> list[int]:
    """Without a human message, the last message stands for it."""
    if exchange is None or not exchange.head:
        return []
    return [exchange.head[-1]]


def _open_round(exchange: Exchange | None) -> list[int]:
    """Places of the tool round that the model is to answer: one that nothing usable follows."""
    if exchange is None or not exchange.rounds:
        return []
    newest = exchange.rounds[-1]
    if exchange.head and exchange.head[-1] >= newest.end:
        return []
    return list(newest.places)


def _result_limit(full: IntArray, least: IntArray, room: int) -> int | None:
    """The largest limit with which the results fit; None where they fit whole, else at least 0."""
    if not len(full) or int(full.sum()) <= room:
        return None
    low, high = 0, int(full.max())
    while high - low > 1:
        middle = (low + high) // 2
        used = int(np.minimum(full, np.maximum(least, middle)).sum())
        low, high = (middle, high) if used <= room else (low, middle)
    return low


def query_of(messages: Sequence[BaseMessage], pins: Pins) -> str:
    """What is asked: the text of the last human message, else of the last message."""
    if pins.last_human is not None:
        return str(messages[pins.last_human].text)
    return str(messages[-1].text) if messages else ""
