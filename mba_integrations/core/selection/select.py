"""Choose the items that fit, write the prompt, count it, and repair it if it is over.

1. Pins take their place; the units that could not come in have their reason from here on.
2. What is kept of a previous prompt takes its place, and so does the newest exchange.
3. The rest is packed, written and counted; see `fitting`.
4. Of items that say the same one stays, and the others' tokens are packed again.
5. A prompt that still is over loses its largest unit that is not pinned, one at a time; where
   none is left, the best that fits alone comes in.

Each step gets the problem, which nothing changes, and a `Round`, and gives the next one.

Five documents, one token for each character of a line, 5 for the heading and a budget of 75:

    row      0     1     2     3     4
    tokens   20    30    30    90    10
    value    0.9   0.8   0.8   0.9   0.2
    text           same  same

Row 3 is too large for the 70 tokens beside the heading. Of the others 0, 1 and 4 are worth the
most, 1.9 for 60 tokens; 10 stay idle. With a budget of 105 rows 0, 1, 2 and 4 fit, and row 3 could.
Rows 1 and 2 say the same, so row 2 goes, as a duplicate, and its tokens are packed again: row 3
does not fit beside the others, so it is outranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.layout.protocol import PromptTokens
from mba_integrations.core.model import OmissionReason
from mba_integrations.core.selection.assembly import Prompt
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.draft import drop_until_fits, or_one_alone, tier_used_tokens
from mba_integrations.core.selection.duplicates import repeated_rows
from mba_integrations.core.selection.fitting import (
    MOST_PACKINGS,
    Packed,
    Round,
    pack_round,
    pack_to_fit,
    round_after,
    round_without,
)
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.room import omission_codes, room_of_pins

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What came into the prompt, and why the rest did not.

    Attributes:
        prompt: The written prompt with its rows.
        tokens: What it costs.
        tier_used_tokens: Tokens of each tier's section, shape (4,).
        value: Value of the selected items.
        upper_bound: No selection that respects the rules is worth more.
        proven_optimal: Whether packing proved that there is none better.
        reason: For each item the code of the reason that holds if it is omitted, shape (n,).
        repaired: How many units were taken out because the counted prompt was over.
        continuation: What the prompt follows in the end; its beginning may be shorter than asked.
    """

    prompt: Prompt
    tokens: PromptTokens
    tier_used_tokens: IntArray
    value: float
    upper_bound: float
    proven_optimal: bool
    reason: IntArray
    repaired: int
    continuation: Continuation


def select(problem: SelectionProblem, continuation: Continuation = NOTHING_BEFORE) -> Selection:
    """The selection of one prompt.

    Args:
        problem: What is chosen from.
        continuation: What the prompt follows; the units of its beginning come in.

    Raises:
        PinnedOverBudgetError: If the pinned items do not fit.
        BudgetError: If a prompt without items does not.
    """
    pins = room_of_pins(problem)
    codes = omission_codes(problem, pins)
    first = round_after(problem, continuation, _open(problem, codes), beside_pins=pins)
    fitted = pack_to_fit(problem, first)
    bound = max(
        fitted.packing.upper_bound + first.room.forced_value(problem.units),
        continuation.upper_bound,
    )
    distinct = _without_repeats(
        problem, first, fitted, lambda begin: pack_to_fit(problem, begin), repacks=MOST_PACKINGS
    )
    shortened, repaired = drop_until_fits(problem, distinct.packed.draft)
    draft = or_one_alone(problem, shortened, codes)
    value = float(problem.values(draft.rows).sum())
    is_best = not draft.continuation.beginning or value >= bound * (1 - _ROUNDING)
    return Selection(
        prompt=draft.prompt,
        tokens=draft.tokens,
        tier_used_tokens=tier_used_tokens(problem, draft.prompt),
        value=value,
        upper_bound=max(bound, value),
        proven_optimal=distinct.packed.packing.proven_optimal
        and not repaired
        and is_best
        and draft is shortened,
        reason=_item_codes(problem, codes, distinct.repeats, draft.rows),
        repaired=repaired,
        continuation=draft.continuation,
    )


def packed(problem: SelectionProblem, continuation: Continuation) -> Packed:
    """What packing chooses where nothing is kept, not written.

    Args:
        problem: What is chosen from.
        continuation: Of two items that say the same, the one that goes ahead by it stays.

    Raises:
        PinnedOverBudgetError: If the pinned items do not fit.
    """
    pins = room_of_pins(problem)
    is_open = _open(problem, omission_codes(problem, pins))
    begin = round_after(problem, continuation.cut(0), is_open, beside_pins=pins)
    return _without_repeats(
        problem,
        begin,
        pack_round(problem, begin),
        lambda round_: pack_round(problem, round_),
        repacks=MOST_PACKINGS - 1,
    ).packed


def _open(problem: SelectionProblem, codes: IntArray) -> BoolArray:
    """Units that packing may choose from, shape (m,)."""
    outranked: BoolArray = codes == OmissionReason.OUTRANKED.code
    return outranked & ~problem.units.pinned


class _HasRows(Protocol):
    @property
    def rows(self) -> IntArray: ...


P = TypeVar("P", bound=_HasRows)


@dataclass(frozen=True, slots=True)
class _Distinct(Generic[P]):
    """What is packed when no two items say the same.

    Attributes:
        packed: What the last packing gave.
        repeats: Rows that were left out, each with the row that says the same.
    """

    packed: P
    repeats: dict[int, int]


def _without_repeats(
    problem: SelectionProblem,
    begin: Round,
    packed: P,
    pack: Callable[[Round], P],
    *,
    repacks: int,
) -> _Distinct[P]:
    """Leave out what another packed item says, and pack its tokens again, at most so often."""
    repeats: dict[int, int] = {}
    for _ in range(repacks):
        found = repeated_rows(problem, packed.rows, begin.continuation)
        if not found:
            break
        repeats |= found
        begin = round_without(problem, begin, found)
        packed = pack(begin)
    return _Distinct(packed, repeats)


def _item_codes(
    problem: SelectionProblem, codes: IntArray, repeats: dict[int, int], rows: IntArray
) -> IntArray:
    """Code of each item's reason; a repetition is one only of an item that is in the prompt."""
    of_items = problem.units.per_item(codes)
    if not repeats:
        return of_items
    pairs = np.array(list(repeats.items()), dtype=np.int64)
    of_items = of_items.copy()
    of_items[pairs[np.isin(pairs[:, 1], rows), 0]] = OmissionReason.DUPLICATE.code
    return of_items
