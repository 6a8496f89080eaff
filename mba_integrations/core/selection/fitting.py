"""Pack what is open to choice, until what was packed fits as it is written.

Packing works on the tokens of single lines. In OpenAI's encodings their sum is the count of the
prompt; elsewhere it may not be, so the prompt is written and counted, and packed again with as many
tokens as it was over or under.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.packing.pack import Packing
from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.draft import Draft, write_draft
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.prospects import pack_prospects
from mba_integrations.core.selection.room import Room, room_beside, room_of_pins

MOST_PACKINGS = 4
"""Tries of one kind; a prompt that still is over then loses items one at a time."""


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
    """The round in which the beginning is kept; nothing is kept where that is over the budget.

    Args:
        problem: What is chosen from.
        continuation: What the prompt follows.
        is_open: Units that may be chosen where nothing is kept, shape (m,).
        beside_pins: The room beside the pins alone, where it is known.
    """
    room = room_beside(problem, continuation) if continuation.beginning else beside_pins
    if room is None:
        continuation = continuation.cut(0)
        room = room_of_pins(problem)
    out = [*continuation.beginning, *continuation.closed.tolist()]
    return Round(continuation, room, _without(problem, is_open, out))


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
    packing = pack_prospects(
        tiers,
        units,
        units.density,
        lambda chosen_from: room.packing_problem(units, chosen_from, extra),
        room.shares(extra),
        room.opening,
    )
    rows = units.rows(np.concatenate([room.forced, packing.chosen]))
    return Packed(rows, packing, packing.used_tokens + room.forced_tokens)


def pack_to_fit(problem: SelectionProblem, begin: Round) -> Fitted:
    """Pack, and pack again while the written prompt is over, or under the summed tokens.

    Returns the most valuable draft that fits, else the last, with the first packing: that one had
    the budget that bounds and proofs speak of.
    """
    budget = problem.plan.total_tokens
    everything = np.count_nonzero(begin.is_open)
    extra, best, best_value = 0, None, -1.0
    first: Packing | None = None
    for _ in range(MOST_PACKINGS):
        packed = pack_round(problem, begin, extra=extra)
        first = first or packed.packing
        draft = write_draft(problem, packed.rows, begin.continuation)
        over = draft.needed - budget
        if over <= 0 and packed.packing.value > best_value:
            best, best_value = draft, packed.packing.value
        filled = packed.summed_tokens <= draft.needed or len(packed.packing.chosen) == everything
        if over <= 0 and filled:
            break
        extra = extra - over if over > 0 else _stretch(budget, packed.summed_tokens, draft.needed)
    return Fitted(best or draft, first or packed.packing)


def _stretch(budget: int, summed: int, needed: int) -> int:
    """Tokens to add to the budget of sums, where a prompt counts for less than its lines.

    >>> _stretch(100, 150, 100)
    50
    """
    return int(budget * (summed / max(1, needed) - 1.0))
