"""Bring in a part of a long item where the whole cannot come in.

After a selection the best omitted items that are long are tried again by their best sentences:
those that need more tokens than they could have, and those for which only the tokens that are left
over remain. The selection is made anew with the passages in their place and kept if it is worth
more, so a passage never displaces anything of more value.

A passage counts for `PASSAGE_WORTH` of its item, times the part of the query's words that it holds.
Measured by labelled sentences of HotpotQA and 2WikiMultihopQA: of documents of 4 to 40 paragraphs
the best 10 % hold the needed sentence in 40 to 62 % (HotpotQA) and 4 to 9 % (2WikiMultihopQA) of
the cases, where the sentence that is needed second shares no word with the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.model import MemoryItem, MemoryTier, OmissionReason
from mba_integrations.core.search.passages import Passage, best_passage
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import Selection, select

PASSAGE_WORTH = 0.25
LARGEST_PART = 0.25
"""What one passage may take of the budget at most."""
MIN_PASSAGE_TOKENS = 30
"""Less room holds no sentence worth its heading."""
MAX_PASSAGES = 8
MOST_LOOKED_AT = 256
"""Omitted items, best score first, that may be long enough."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A selection in which some items stand as passages.

    Attributes:
        problem: What was chosen from; its tokens and values are those of the passages.
        selection: What was chosen.
        passages: Rows that stand as a passage, with the item that is shown.
    """

    problem: SelectionProblem
    selection: Selection
    passages: Mapping[int, MemoryItem]


def shorten(
    problem: SelectionProblem, selection: Selection, query: str, *, min_tokens: int | None
) -> Shortened:
    """Try passages of long omitted items; the selection as it is if they add nothing.

    Args:
        problem: What the selection was made from.
        selection: The selection; what it follows is followed again.
        query: What the passages should be about.
        min_tokens: Items of fewer tokens stay whole or out; None for all.
    """
    unchanged = Shortened(problem, selection, _in_prompt(problem.shown, selection))
    if min_tokens is None:
        return unchanged
    found = _passages(problem, selection, query, min_tokens)
    if not found:
        return unchanged
    shown = {row: _shown(problem, row, passage) for row, passage in found.items()}
    trial = with_passages(problem, shown, {row: found[row].share for row in found})
    better = select(trial, selection.continuation)
    if better.value <= selection.value:
        return unchanged
    chosen = _in_prompt(trial.shown, better)
    bound = max(better.upper_bound, selection.upper_bound)
    return Shortened(trial, replace(better, upper_bound=bound), chosen)


def _in_prompt(shown: Mapping[int, MemoryItem], selection: Selection) -> Mapping[int, MemoryItem]:
    selected = set(selection.prompt.rows.tolist()) if shown else set()
    return {row: item for row, item in shown.items() if row in selected}


def _passages(
    problem: SelectionProblem, selection: Selection, query: str, min_tokens: int
) -> dict[int, Passage]:
    rooms = _rooms(problem, selection, min_tokens)
    if not rooms:
        return {}
    # Only now: the index of all texts costs more than all the rest where relevance is given.
    lexical = problem.snapshot.lexical
    weights = lexical.term_weights(query)
    found = {}
    for row, room in rooms.items():
        text = problem.snapshot.texts[row]
        max_chars = int(len(text) * room / int(problem.tokens.of(np.array([row]))[0]))
        passage = best_passage(text, weights=weights, terms_of=lexical.terms, max_chars=max_chars)
        if passage is not None:
            found[row] = passage
    return found


def _rooms(problem: SelectionProblem, selection: Selection, min_tokens: int) -> dict[int, int]:
    """Tokens that a passage of each row may have; rows without room for one are left out."""
    left = problem.plan.total_tokens - selection.tokens.needed
    part = int(problem.plan.total_tokens * LARGEST_PART)
    rooms = {}
    for row, tokens in _long_omitted(problem, selection, min_tokens, left):
        large = selection.reason[row] == OmissionReason.TOO_LARGE.code
        room = min(max(part, left) if large else left, tokens // 2)
        if room >= MIN_PASSAGE_TOKENS:
            rooms[row] = room
    return rooms


def _long_omitted(
    problem: SelectionProblem, selection: Selection, min_tokens: int, left: int
) -> list[tuple[int, int]]:
    """Rows that may stand as a passage with their tokens, best score first.

    Those that are too large, and those that were outranked if there is room for a passage; of the
    best `MOST_LOOKED_AT`. Groups and the conversation may not.
    """
    wanted = [OmissionReason.TOO_LARGE]
    if left >= MIN_PASSAGE_TOKENS:
        wanted.append(OmissionReason.OUTRANKED)
    is_open = np.zeros(len(selection.reason), dtype=np.bool_)
    for reason in wanted:
        is_open |= selection.reason == reason.code
    is_open[selection.prompt.rows] = False
    rows: IntArray = np.flatnonzero(is_open)
    if not len(rows):
        return []
    columns = problem.snapshot.columns
    free = ~problem.units.are_joined(rows) & ~columns.pinned[rows] & (problem.score[rows] > 0)
    rows = rows[free & (columns.tier[rows] != MemoryTier.WORKING.code)]
    rows = rows[np.argsort(-problem.score[rows], kind="stable")[:MOST_LOOKED_AT]]
    tokens = problem.tokens.of(rows)
    long = np.flatnonzero(tokens >= min_tokens)[:MAX_PASSAGES]
    return list(zip(rows[long].tolist(), tokens[long].tolist(), strict=True))


def _shown(problem: SelectionProblem, row: int, passage: Passage) -> MemoryItem:
    return replace(problem.snapshot.items[row], content=passage.text)


def with_passages(
    problem: SelectionProblem, shown: Mapping[int, MemoryItem], share: Mapping[int, float]
) -> SelectionProblem:
    """The problem in which some items stand as passages.

    Args:
        problem: The problem.
        shown: The item that is written in place of the one of each row.
        share: Part of the query's words that each passage holds, for the same rows.
    """
    worth = problem.units.worth.of_item.copy()
    for row, part in share.items():
        worth[row] *= PASSAGE_WORTH * part
    changed = problem.with_items(
        problem.tokens.replaced(shown), replace(problem.units.worth, of_item=worth)
    )
    return replace(changed, shown={**problem.shown, **shown})
