"""Pack what is open to choice, until what was packed fits as it is written.

Packing works on the tokens of single lines. In OpenAI's encodings their sum is the count of the
prompt; elsewhere it may not be, so the prompt is written and counted, and packed again with as many
tokens as it was over or under, or with half of what is left where it was far over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.packing.pack import Packing
from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.draft import Draft, write_draft
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.room import Room, room_beside, room_of_pins
from mba_integrations.core.selection.units.displacement import least_density
from mba_integrations.core.selection.units.prospects import pack_prospects

MOST_PACKINGS = 4
"""Tries of one kind; a prompt that still is over then loses items one at a time."""
MOST_HALVINGS = 10
"""Of the tokens that are left; what is found is within a thousandth of them."""
_FAR_OVER = 1 / 8
"""Share of the budget; merges across lines of any tokenizer that is known take less."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one packing begins with.

    Attributes:
        continuation: What the prompt follows.
        room: What is left beside pins and what is kept.
        is_open: Units that may be chosen, shape (m,).
    """

    continuation: Continuation
    room: Room
    is_open: BoolArray


@dataclass(frozen=True, slots=True)
class Packed:
    """Units that packing chose beside the forced ones; as rows, not written."""

    rows: IntArray
    packing: Packing
    summed_tokens: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A draft and the packing that it comes from."""

    draft: Draft
    packing: Packing

    @property
    def rows(self) -> IntArray:
        """Rows of the draft."""
        return self.draft.rows


def round_after(
    problem: SelectionProblem,
    continuation: Continuation,
    is_open: BoolArray,
    *,
    beside_pins: Room | None = None,
) -> Round:
    """The round in which the beginning is kept and the newest exchange comes in first.

    Where both are over the budget beside the pins, nothing is kept; where the exchange alone is, it
    is open to choice.

    Args:
        problem: What is chosen from.
        continuation: What the prompt follows.
        is_open: Units that may be chosen where nothing is kept, shape (m,).
        beside_pins: The room beside the pins alone, where it is known.
    """
    for followed in (continuation, continuation.cut(0)):
        if followed.beginning or len(problem.recent):
            room = room_beside(problem, followed)
            if room is not None:
                return _begun(problem, followed, room, is_open)
    room = beside_pins or room_of_pins(problem)
    return _begun(problem, continuation.cut(0), room, is_open)


def _begun(
    problem: SelectionProblem, continuation: Continuation, room: Room, is_open: BoolArray
) -> Round:
    still_open = _without(problem, is_open, continuation.closed.tolist())
    still_open[room.forced] = False
    return Round(continuation, room, still_open)


def round_without(problem: SelectionProblem, before: Round, rows: Iterable[int]) -> Round:
    """The round after *before* in which *rows* stay out.

    Where one of them is kept, the beginning ends before it, and what stood behind it in the
    beginning is open to choice again.
    """
    gone = set(rows)
    beginning = before.continuation.beginning
    count = next((place for place, row in enumerate(beginning) if row in gone), None)
    following = before
    if count is not None:
        is_open = before.is_open.copy()
        is_open[problem.units.unit_of[list(beginning[count:])]] = True
        following = round_after(problem, before.continuation.cut(count), is_open)
    return replace(following, is_open=_without(problem, following.is_open, list(gone)))


def _without(problem: SelectionProblem, is_open: BoolArray, rows: list[int]) -> BoolArray:
    closed = is_open.copy()
    closed[problem.units.unit_of[rows]] = False
    return closed


def pack_round(problem: SelectionProblem, begin: Round, *, extra: int = 0) -> Packed:
    """The packing of the open units in what room there is, with *extra* tokens."""
    units, room = problem.units, begin.room
    tiers = units.of_tiers(problem.snapshot.tier_rows)
    if not begin.is_open.all():
        tiers = tuple(of_tier[begin.is_open[of_tier]] for of_tier in tiers)
    density = units.density
    total = max(0, room.total + extra)
    least = least_density(units, density, tiers, total) if room.borrowing else 0.0
    packing = pack_prospects(
        tiers,
        units,
        density,
        lambda chosen_from: room.packing_problem(units, chosen_from, extra, least),
        room.kept(extra, least),
    )
    rows = units.rows(np.concatenate([room.forced, packing.chosen]))
    return Packed(rows, packing, packing.used_tokens + room.forced_tokens)


class _Tries:
    """Packings of one round with more tokens and fewer, and the best of those that fit.

    Attributes:
        is_filled: Whether more tokens would bring nothing to the last one.
        summed_tokens: Tokens of its lines.
    """

    def __init__(self, problem: SelectionProblem, begin: Round) -> None:
        self._problem, self._begin = problem, begin
        self._kept: Fitted | None = None
        self._most = -1.0
        self.is_filled = False
        self.summed_tokens = 0

    def over(self, extra: int) -> int:
        """Pack with *extra* tokens and write: how many tokens the prompt is over the budget."""
        packed = pack_round(self._problem, self._begin, extra=extra)
        draft = write_draft(self._problem, packed.rows, self._begin.continuation)
        over = draft.needed - self._problem.plan.total_tokens
        everything = len(packed.packing.chosen) == np.count_nonzero(self._begin.is_open)
        self.is_filled = packed.summed_tokens <= draft.needed or everything
        self.summed_tokens = packed.summed_tokens
        self._keep(draft, packed.packing, fits=over <= 0)
        return over

    def _keep(self, draft: Draft, packing: Packing, *, fits: bool) -> None:
        """Keep the draft if it is the best that fits, or while none does; and the first packing."""
        first = self._kept.packing if self._kept else packing
        if fits and packing.value > self._most:
            self._most = packing.value
        elif fits or self._most >= 0.0:
            return
        self._kept = Fitted(draft, first)

    def bisect(self, low: int, high: int) -> None:
        """Halve what is between *low*, which fits or leaves nothing, and *high*, which is over."""
        for _ in range(MOST_HALVINGS):
            if high - low <= 1:
                return
            middle = (low + high) // 2
            low, high = (low, middle) if self.over(middle) > 0 else (middle, high)

    @property
    def fitted(self) -> Fitted:
        """The best that fits, else the last; there is one after the first call of `over`."""
        return cast("Fitted", self._kept)


def pack_to_fit(problem: SelectionProblem, begin: Round) -> Fitted:
    """Pack, and pack again while the written prompt is over, or under the summed tokens.

    A prompt that is a little over is packed again without so many tokens. One that is far over has
    a counter whose counts do not add up: taking off what it is over may leave nothing, so what
    fits is found by halves. For words to the power of 1.3, rounded down, 52 lines of 10 words have
    19 tokens each and fill 1,000 tokens; as one text they are 3,394, which is 2,394 over. The
    halves end at 20 lines, which are 980 as one text.

    Returns the most valuable draft that fits, else the last, with the first packing: that one had
    the budget that bounds and proofs speak of.
    """
    budget, tries = problem.plan.total_tokens, _Tries(problem, begin)
    extra, fits = 0, -begin.room.total
    for _ in range(MOST_PACKINGS):
        over = tries.over(extra)
        if over > budget * _FAR_OVER:
            tries.bisect(fits, extra)
            break
        if over > 0:
            extra -= over
        elif tries.is_filled:
            break
        else:
            fits = max(fits, extra)
            extra = _stretch(budget, tries.summed_tokens, over + budget)
    return tries.fitted


def _stretch(budget: int, summed: int, needed: int) -> int:
    """Tokens to add to the budget of sums, where a prompt counts for less than its lines.

    >>> _stretch(100, 150, 100)
    50
    """
    return int(budget * (summed / max(1, needed) - 1.0))
