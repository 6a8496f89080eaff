"""Have a selection follow the previous prompt.

What is kept of it goes in first, in its order; an item that stood as a passage stays that passage.
The rest is chosen as ever. With a `stability` of 0 nothing is kept: items that are chosen again
stand before new ones in their section, and that is all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.model import MemoryItem
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.dating import is_dated, with_dates
from mba_integrations.core.selection.passages.parts import sentences_of
from mba_integrations.core.selection.passages.shortening import with_passages
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.turns.previous import Carried
from mba_integrations.core.turns.weighing import Lead, weigh_kept


@dataclass(frozen=True, slots=True)
class Followed:
    """What is chosen from, and what the prompt follows.

    Attributes:
        problem: The problem; kept items that stood as passages are those passages in it.
        continuation: What the prompt follows.
    """

    problem: SelectionProblem
    continuation: Continuation


def follow(
    problem: SelectionProblem, carried: Carried, query: str, *, stability: float
) -> Followed:
    """Decide how much of the previous prompt is kept.

    Args:
        problem: What is chosen from.
        carried: What of the previous prompt is among its candidates.
        query: What passages that are kept are compared with.
        stability: Part of its tokens that an item does not pay for if it is kept, in [0, 1].
    """
    if not carried.rows and not carried.changing:
        return Followed(problem, NOTHING_BEFORE)
    if stability <= 0.0:
        return Followed(problem, Continuation(ahead=carried.rows))
    kept = weigh_kept(problem, _lead(problem, carried, query), stability=stability)
    beginning = carried.rows[: kept.count]
    shown = {row: item for row, item in carried.shown.items() if row in beginning}
    continuation = Continuation(
        beginning=beginning,
        opens=carried.opens[: kept.count],
        ahead=(*_new_pins(problem, carried), *carried.rows),
        changing=carried.changing,
        closed=kept.closed,
        upper_bound=kept.upper_bound,
    )
    return Followed(_as_it_stood(problem, shown, query), continuation)


def _new_pins(problem: SelectionProblem, carried: Carried) -> list[int]:
    """Pins that were not in the previous prompt: they stay, so they come before other new items."""
    pinned = np.flatnonzero(problem.snapshot.columns.pinned)
    return [int(row) for row in pinned if row not in carried.rows]


def _lead(problem: SelectionProblem, carried: Carried, query: str) -> Lead:
    """The carried items that could be kept, priced as they stood in the previous prompt."""
    rows = np.array(carried.rows[: carried.lead], dtype=np.int64)
    before = _as_it_stood(problem, carried.shown, query)
    return Lead(
        rows=rows,
        opens=np.array(carried.opens[: carried.lead], dtype=bool),
        tokens=before.tokens.of(rows),
        value=before.values(rows),
    )


def _as_it_stood(
    problem: SelectionProblem, shown: Mapping[int, MemoryItem], query: str
) -> SelectionProblem:
    """Items have the dates that they stood with, or are the passages, worth what their sentences
    match now."""
    items = problem.snapshot.items
    dates = [row for row, item in shown.items() if is_dated(item.content, items[row])]
    passages = {row: item for row, item in shown.items() if row not in dates}
    problem = with_dates(problem, dates)
    if not passages:
        return problem
    sentences = sentences_of(problem, passages, query)
    worth = {row: sentences.worth_of(row, item.content) for row, item in passages.items()}
    return with_passages(problem, passages, worth)
