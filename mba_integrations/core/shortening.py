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
from mba_integrations.core.passages import Passage, best_passage
from mba_integrations.core.selection import REASONS, Selection, Selector

PASSAGE_WORTH = 0.25
LARGEST_PART = 0.25
"""What one passage may take of the budget at most."""
MIN_PASSAGE_TOKENS = 30
"""Less room holds no sentence worth its heading."""
MAX_PASSAGES = 8


@dataclass(frozen=True, slots=True)
class Shortened:
    """A selection in which some items stand as passages.

    Attributes:
        selector: What chose; its tokens and values are those of the passages.
        selection: What it chose.
        passages: Rows that stand as a passage, with the item that is shown.
    """

    selector: Selector
    selection: Selection
    passages: Mapping[int, MemoryItem]


def shorten(
    selector: Selector, selection: Selection, query: str, *, min_tokens: int | None
) -> Shortened:
    """Try passages of long omitted items; the selection as it is if they add nothing.

    Args:
        selector: What made the selection.
        selection: The selection.
        query: What the passages should be about.
        min_tokens: Items of fewer tokens stay whole or out; None for all.
    """
    unchanged = Shortened(selector, selection, {})
    if min_tokens is None:
        return unchanged
    found = _passages(selector, selection, query, min_tokens)
    if not found:
        return unchanged
    shown = {row: _shown(selector, row, passage) for row, passage in found.items()}
    trial = _with_passages(selector, found, shown)
    better = trial.select()
    if better.value <= selection.value:
        return unchanged
    chosen = {row: item for row, item in shown.items() if row in better.prompt.rows}
    bound = max(better.upper_bound, selection.upper_bound)
    return Shortened(trial, replace(better, upper_bound=bound), chosen)


def _passages(
    selector: Selector, selection: Selection, query: str, min_tokens: int
) -> dict[int, Passage]:
    rooms = _rooms(selector, selection, min_tokens)
    if not rooms:
        return {}
    # Only now: the index of all texts costs more than all the rest where relevance is given.
    lexical = selector.snapshot.lexical
    weights = lexical.term_weights(query)
    found = {}
    for row, room in rooms.items():
        text = selector.snapshot.texts[row]
        max_chars = int(len(text) * room / int(selector.tokens[row]))
        passage = best_passage(text, weights=weights, terms_of=lexical.terms, max_chars=max_chars)
        if passage is not None:
            found[row] = passage
    return found


def _rooms(selector: Selector, selection: Selection, min_tokens: int) -> dict[int, int]:
    """Tokens that a passage of each row may have; rows without room for one are left out."""
    left = selector.plan.total_tokens - selection.tokens.needed
    part = int(selector.plan.total_tokens * LARGEST_PART)
    rooms = {}
    for row in _long_omitted(selector, selection, min_tokens):
        large = REASONS[selection.reason[row]] is OmissionReason.TOO_LARGE
        room = min(max(part, left) if large else left, int(selector.tokens[row]) // 2)
        if room >= MIN_PASSAGE_TOKENS:
            rooms[row] = room
    return rooms


def _long_omitted(selector: Selector, selection: Selection, min_tokens: int) -> list[int]:
    """Rows that may stand as a passage, best score first; groups and the conversation may not."""
    columns = selector.snapshot.columns
    reasons = [REASONS.index(OmissionReason.TOO_LARGE), REASONS.index(OmissionReason.OUTRANKED)]
    open_rows = np.isin(selection.reason, reasons) & (selector.tokens >= min_tokens)
    open_rows &= (columns.group < 0) & ~columns.pinned & (selector.score > 0)
    open_rows &= columns.tier != list(MemoryTier).index(MemoryTier.WORKING)
    open_rows[selection.prompt.rows] = False
    rows: IntArray = np.flatnonzero(open_rows)
    best = rows[np.argsort(-selector.score[rows], kind="stable")[:MAX_PASSAGES]]
    return [int(row) for row in best]


def _shown(selector: Selector, row: int, passage: Passage) -> MemoryItem:
    return replace(selector.snapshot.items[row], content=passage.text)


def _with_passages(
    selector: Selector, found: Mapping[int, Passage], shown: Mapping[int, MemoryItem]
) -> Selector:
    rows = list(found)
    written = selector.layout.item_tokens([shown[row] for row in rows], selector.counter)
    tokens, value = selector.tokens.copy(), selector.value.copy()
    tokens[rows] = np.maximum(written, 1)
    worth = np.array([PASSAGE_WORTH * found[row].share for row in rows])
    # A value that grows with the tokens, as that of a Mem0 score, is that of the shorter text.
    per_token = selector.value_per_token
    scale = tokens[rows] / selector.tokens[rows] if per_token else np.ones(len(rows))
    value[rows] = selector.value[rows] * worth * scale
    return replace(selector, tokens=tokens, value=value, shown=shown)
