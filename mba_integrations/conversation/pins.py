"""What must be sent: system messages, the message that waits for its answer, the open round.

The results of an open round may be shortened, down to their placeholders, and only as far as
needed. What then does not fit is refused, before a model is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.conversation.history import Costs, Place
from mba_integrations.conversation.message import Message
from mba_integrations.core.arrays import IntArray
from mba_integrations.core.dialogue.exchanges import Exchange, Round
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.errors import PinnedOverBudgetError

_RESULTS = "their results, shortened"
Part = tuple[str, int]
"""Something that is sent, in words, with its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What an error calls the parts, in the words of the framework."""

    question: str = "last user message"
    system: str = "system messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What must be sent.

    Attributes:
        places: Places of the messages.
        open_results: Those of the open round's results that may be shortened.
        question: Place of the message that waits for its answer; None without one.
        parts: What must be sent, in words, with its tokens at the least.
        limit_tokens: To how much each open result is shortened; None leaves them whole.
    """

    places: IntArray
    open_results: IntArray
    question: int | None
    parts: tuple[Part, ...]
    limit_tokens: int | None


def pins_of(
    messages: Sequence[Message],
    costs: Costs,
    last: Exchange | None,
    room_tokens: int,
    *,
    calls_may_wait: bool = False,
    wording: Wording,
) -> Pins:
    """What must be sent of a conversation. It may need more than there is room.

    Args:
        messages: The conversation.
        costs: What it costs.
        last: Its last exchange, if that waits for an answer.
        room_tokens: Room for it. Open results are shortened only if they have to be.
        calls_may_wait: Whether calls that wait for results belong to the open round.
        wording: For the parts.
    """
    system = np.flatnonzero(costs.kind == Place.SYSTEM)
    rounds = _open_rounds(messages, last, calls_may_wait=calls_may_wait)
    asked = _asked(last, has_round=bool(rounds))
    in_rounds = _places(place for one in rounds for place in one.places)
    short = in_rounds[costs.full[in_rounds] > costs.least[in_rounds]]
    calls = np.setdiff1d(in_rounds, short)
    fixed = np.concatenate([system, asked, calls])
    left = room_tokens - int(costs.full[fixed].sum())
    name = wording.question if last is not None and last.has_question else "last message"
    parts = [
        (wording.system, int(costs.full[system].sum())),
        (name, int(costs.full[asked].sum())),
        ("open tool calls", int(costs.full[calls].sum())),
        (_RESULTS, int(costs.least[short].sum())),
    ]
    return Pins(
        places=np.concatenate([fixed, short]),
        open_results=short,
        question=last.start if last is not None and last.has_question else None,
        parts=tuple(part for part in parts if part[1]),
        limit_tokens=_result_limit(costs.full[short], costs.least[short], left),
    )


def check_pins(parts: Sequence[Part], budget_tokens: int, source: str) -> None:
    """Refuse a budget that what must be sent does not fit in.

    Args:
        parts: What must be sent.
        budget_tokens: The budget.
        source: Where the budget comes from, in words.

    Raises:
        PinnedOverBudgetError: With the arithmetic.

    >>> check_pins([("framing", 3), ("last user message", 9)], 8, "budget_tokens")
    Traceback (most recent call last):
    ...
    mba_integrations.core.errors.PinnedOverBudgetError: what must be sent needs 12 tokens (framing \
3, last user message 9), the budget is 8 (budget_tokens; 4 over). Raise the budget or shorten the \
last user message.
    """
    parts = [part for part in parts if part[1]]
    needed = sum(tokens for _, tokens in parts)
    if needed <= budget_tokens:
        return
    listed = ", ".join(f"{name} {tokens:,}" for name, tokens in parts)
    largest = max(parts, key=lambda part: part[1])[0]
    hint = f"shorten the {largest}" if largest != _RESULTS else "call fewer tools at once"
    raise PinnedOverBudgetError(
        f"what must be sent needs {needed:,} tokens ({listed}), the budget is {budget_tokens:,} "
        f"({source}; {needed - budget_tokens:,} over). Raise the budget or {hint}.",
        needed_tokens=needed,
        budget_tokens=budget_tokens,
    )


def _open_rounds(
    messages: Sequence[Message], last: Exchange | None, *, calls_may_wait: bool
) -> list[Round]:
    """The round that waits for an answer, and each in which the user said something besides."""
    if last is None:
        return []
    waits = last.waiting if calls_may_wait and last.waiting is not None else last.open_round
    rounds = [one for one in last.rounds if one is not waits and _has_words(messages, one)]
    return rounds if waits is None else [*rounds, waits]


def _has_words(messages: Sequence[Message], one: Round) -> bool:
    return any(messages[place].role is Role.USER for place in one.results)


def _asked(last: Exchange | None, *, has_round: bool) -> IntArray:
    """The user message; where there is none, the last message stands for it."""
    if last is None:
        return _places(())
    if last.has_question:
        return _places([last.start])
    return _places(() if has_round else last.talk[-1:])


def _places(places: Iterable[int]) -> IntArray:
    return np.fromiter(places, dtype=np.int64)


def _result_limit(full: IntArray, least: IntArray, room: int) -> int | None:
    """The largest limit with which the results fit; None where they fit whole, else at least 0.

    One limit for all: results that are shorter stay whole, and what they leave goes to the longer.
    """
    if not len(full) or int(full.sum()) <= room:
        return None
    low, high = 0, int(full.max())
    while high - low > 1:
        middle = (low + high) // 2
        used = int(np.minimum(full, np.maximum(least, middle)).sum())
        low, high = (middle, high) if used <= room else (low, middle)
    return low
