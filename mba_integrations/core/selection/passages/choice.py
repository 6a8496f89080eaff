"""Which sentences the budget is worth, beside the units that come in whole.

Parts of items and whole units are taken by falling value per token until the budget is full; what
does not fit is skipped, and what is worth less than the price of a token is not looked at. Tokens
of parts are estimates; the selection that follows counts what they make.

O(k log k) for k parts and units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.model import TIERS, OmissionReason
from mba_integrations.core.selection.passages.parts import Offer, Part, Place
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import Selection
from mba_integrations.core.selection.units.displacement import densest_units

WHOLE_FROM = 0.85
"""An item of which so much would be shown is shown whole."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the parts and the units beside them may have.

    Attributes:
        tokens: Together.
        of_tier: In each tier, shape (4,).
    """

    tokens: int
    of_tier: FloatArray

    def more(self, tokens: int) -> Room:
        """With more tokens, or fewer."""
        return Room(max(0, self.tokens + tokens), self.of_tier)


def room_for_parts(
    problem: SelectionProblem, selection: Selection, offers: Sequence[Offer]
) -> Room:
    """What is left where only pins and what is kept of the previous prompt are in the prompt, less
    the headings of tiers that only offers could open."""
    units, plan = problem.units, problem.plan
    unit_of = np.unique(units.unit_of[selection.prompt.rows])
    kept = units.unit_of[list(selection.continuation.beginning)]
    free = unit_of[~units.pinned[unit_of] & ~np.isin(unit_of, kept)]
    used = np.bincount(units.tier[free], weights=units.tokens(free), minlength=len(TIERS))
    limit = plan.tier_cap_tokens if plan.borrowing else plan.tier_tokens
    of_tier = np.maximum(0.0, limit - selection.tier_used_tokens + used)
    unopened = np.setdiff1d([offer.tier for offer in offers], units.tier[unit_of])
    headings = int(problem.opening[unopened.astype(np.int64)].sum())
    left = plan.total_tokens - selection.tokens.needed - headings
    return Room(left + int(used.sum()), of_tier)


def chosen_places(
    problem: SelectionProblem, selection: Selection, offers: Sequence[Offer], room: Room
) -> Mapping[int, list[int]]:
    """Places of the sentences that come in, ascending, by row."""
    beside = _units_beside(problem, selection, offers, room.tokens)
    tokens = problem.units.tokens(beside)
    value = problem.units.value(beside, tokens)
    tiers = problem.units.tier[beside]
    entries = [
        (part.value / part.tokens, part.tokens, offer.tier, number, place)
        for number, offer in enumerate(offers)
        for place, part in enumerate(offer.parts)
        if part.value >= problem.token_price * part.tokens
    ]
    others = zip((value / tokens).tolist(), tokens.tolist(), tiers.tolist(), strict=True)
    entries += [(density, size, tier, -1, 0) for density, size, tier in others]
    # Of equal ones the parts of an item in their order: the first brings in what others need.
    entries.sort(key=lambda entry: -entry[0])
    return _taken(entries, offers, room)


def _taken(
    entries: Sequence[tuple[float, int, int, int, int]],
    offers: Sequence[Offer],
    room: Room,
) -> Mapping[int, list[int]]:
    left, of_tier = room.tokens, room.of_tier.tolist()
    opened: set[int] = set()
    taken: list[Place] = []
    for _, tokens, tier, number, place in entries:
        limit = min(left, int(of_tier[tier]))
        part = Part(0.0, tokens, ()) if number < 0 else offers[number].parts[place]
        if place and number not in opened:
            continue
        if part.tokens > limit:
            shorter = offers[number].opening_within(limit) if number >= 0 and not place else None
            if shorter is None:
                continue
            part = shorter
        left, of_tier[tier] = left - part.tokens, of_tier[tier] - part.tokens
        opened.add(number)
        taken += part.places
    return _by_row(taken)


def _by_row(taken: Sequence[Place]) -> Mapping[int, list[int]]:
    places: dict[int, list[int]] = {}
    for row, place in sorted(taken):
        places.setdefault(row, []).append(place)
    return places


def _units_beside(
    problem: SelectionProblem, selection: Selection, offers: Sequence[Offer], room_tokens: int
) -> IntArray:
    """The densest units that could fill the room without the offers."""
    units = problem.units
    outranked = np.zeros(len(units), dtype=np.bool_)
    rows = np.flatnonzero(selection.reason == OmissionReason.OUTRANKED.code)
    outranked[units.unit_of[rows]] = True
    outranked &= ~units.pinned
    kept = [*selection.continuation.beginning, *selection.continuation.closed.tolist()]
    outranked[units.unit_of[kept]] = False
    outranked[[offer.unit for offer in offers]] = False
    return densest_units(units, units.density, np.flatnonzero(outranked), room_tokens + 1)
