"""Which items may come in as some of their sentences, and what those cost and are worth.

Documents and memories of `min_tokens` or more that are three sentences or more may; what is not
prose, such as a list, only where it is long. So may the results of tools, line by line: their first
line and the errors at their end come with whatever is taken. Pins, other items of the conversation
and other groups stay whole or out.

Of the best `MOST_CANDIDATES` by score; the others are looked at no further.

A unit that may is an `Offer`: what comes in first, and single sentences after it, by falling value
per token. What comes first are as many of its best sentences as give the most per token together
with what the unit costs in any case: the line, a heading, or the other items of a group.

A heading of 5 tokens, and sentences of 10 tokens worth 0.4, 0.3 and 0.1. The first alone gives
0.4 / 15, the first two 0.7 / 25, all three 0.8 / 35: so two come in first, and one where there is
no room for two.

>>> heading = Part(0.0, 5, ())
>>> sentences = [Part(0.4, 10, ((0, 0),)), Part(0.3, 10, ((0, 2),)), Part(0.1, 10, ((0, 1),))]
>>> offer = Offer(unit=0, tier=0, base=heading, sentences=sentences)
>>> [(round(part.value, 1), part.tokens, part.places) for part in offer.parts]
[(0.7, 25, ((0, 0), (0, 2))), (0.1, 10, ((0, 1),))]
>>> offer.opening_within(20)
Part(value=0.4, tokens=15, places=((0, 0),))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, best_rows
from mba_integrations.core.dialogue.roles import Role, role_in
from mba_integrations.core.model import REASONS, MemoryItem, MemoryTier, OmissionReason
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.sentences.error_lines import telling_places
from mba_integrations.core.search.sentences.index import (
    SentenceIndex,
    at_most,
    index_of,
    line_index_of,
    splitter,
)
from mba_integrations.core.selection.dating import is_dated
from mba_integrations.core.selection.passages.shares import sentence_shares
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import Selection

MOST_CANDIDATES = 96
MOST_LOOKED_AT = 256
"""Items, best score first, that may be candidates."""
FEWEST_SENTENCES = 3
LONG_TOKENS = 200
"""From here on also what is not prose may be shortened, and the result of a tool."""
STRONGEST = 6
"""Items whose headings are names for other items' sentences."""
_LINE_TOKENS = 4
"""What a line costs besides its sentences, with a mark."""
_MARK_TOKENS = 2
_MAY = np.isin(
    np.array(REASONS),
    [OmissionReason.OUTRANKED, OmissionReason.TOO_LARGE, OmissionReason.BELOW_PRICE],
)
"""By the code of a reason, whether an item that is out for it may come in by parts."""
_MAX_QUERY_CHARS = 20_000

Place = tuple[int, int]
"""Row of an item, and place of one of its sentences."""


@dataclass(frozen=True, slots=True)
class Part:
    """What comes in together: its value, its tokens by estimate, and its sentences."""

    value: float
    tokens: int
    places: tuple[Place, ...]

    def __add__(self, other: Part) -> Part:
        """Both together."""
        return Part(
            self.value + other.value, self.tokens + other.tokens, self.places + other.places
        )


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A unit that may come in by parts.

    Attributes:
        unit: The unit.
        tier: Code of its tier.
        base: What comes in with whatever is taken.
        sentences: Sentences beside it, by falling value per token.
    """

    unit: int
    tier: int
    base: Part
    sentences: Sequence[Part]

    @cached_property
    def parts(self) -> list[Part]:
        """By falling value per token; the first has to come in before any other."""
        densest, opening, together = 0, None, self.base
        if together.places:
            opening = together
        for count, sentence in enumerate(self.sentences, 1):
            together += sentence
            # Sentences become less dense: once the mean falls it falls for good.
            if opening is not None and _density(together) <= _density(opening):
                break
            densest, opening = count, together
        return [] if opening is None else [opening, *self.sentences[densest:]]

    def opening_within(self, tokens: int) -> Part | None:
        """The largest beginning of the first part that fits; None where none does."""
        together = self.base
        fits = together if together.places and together.tokens <= tokens else None
        for sentence in self.sentences[: 1 + len(self.sentences) - len(self.parts)]:
            together += sentence
            if together.tokens > tokens:
                break
            fits = together
        return fits


def _density(part: Part) -> float:
    return part.value / part.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Sentences of the rows that may be shortened, and what they are worth of their item.

    Attributes:
        of_row: By row.
        shares: By row.
        always: Places that come in with whatever is taken, by row.
        per_token: Whether the worth of an item is that of each of its tokens.
    """

    of_row: Mapping[int, SentenceIndex]
    shares: Mapping[int, FloatArray]
    always: Mapping[int, frozenset[int]]
    per_token: bool

    def values(self, row: int) -> FloatArray:
        """Value of each sentence, as a part of the item's.

        Where the value of an item is its score for each of its tokens, the best sentence has that
        score too, and the others less: so an item ranks no higher for being shortened.
        """
        shares = self.shares[row]
        if not self.per_token:
            return shares
        chars = np.array(self.of_row[row].chars())
        return np.asarray(shares / shares.max() * chars / len(self.of_row[row].text))

    def worth(self, row: int, places: Sequence[int]) -> float:
        """Worth of these sentences, as a part of the item's worth, in [0, 1]."""
        values = self.values(row)[list(places)].sum()
        if not self.per_token or not len(places):
            return min(1.0, float(values))
        chars = np.array(self.of_row[row].chars())[list(places)].sum()
        return min(1.0, float(values * len(self.of_row[row].text) / chars))

    def worth_of(self, row: int, passage: str) -> float:
        """Worth of the sentences that stand in a passage, as a part of the item's worth.

        A passage that was cut in another way is worth the part of the text that it is.
        """
        index = self.of_row.get(row)
        if index is None:
            return 0.0
        places = index.standing_in(passage)
        return self.worth(row, places) if places else min(1.0, len(passage) / len(index.text))


def _always(index: SentenceIndex) -> frozenset[int]:
    """Lines of a result that are always shown: the first, and what tells of errors at the end."""
    lines = [index.sentence(place) for place in range(len(index))]
    return frozenset([0, *telling_places(lines)])


def is_result(item: MemoryItem) -> bool:
    """Whether an item of the conversation is the result of a tool."""
    if item.tier is not MemoryTier.WORKING:
        return False
    return role_in(item.metadata) is Role.RESULT


def index_of_item(item: MemoryItem) -> SentenceIndex:
    """The sentences of an item, or the lines of the result of a tool."""
    return line_index_of(item.content) if is_result(item) else index_of(item.content)


def may_be_shortened(snapshot: PoolSnapshot, row: int) -> bool:
    """Whether an item may come in as a passage of it, however long it is."""
    columns = snapshot.columns
    if columns.pinned[row]:
        return False
    spoken = columns.tier[row] == MemoryTier.WORKING.code or columns.group[row] >= 0
    return not spoken or is_result(snapshot.items[row])


def sentences_of(problem: SelectionProblem, rows: Iterable[int], query: str) -> Sentences:
    """Sentences of the rows, with what they are worth for the query."""
    snapshot = problem.snapshot
    found: dict[int, SentenceIndex] = {}
    always: dict[int, frozenset[int]] = {}
    for row in rows:
        item = snapshot.items[row]
        index = index_of_item(item)
        if len(index):
            found[row] = index
            always[row] = _always(index) if is_result(item) else frozenset()
    terms = splitter().terms(query[:_MAX_QUERY_CHARS])
    shares = sentence_shares(list(found.values()), terms, _strongest(problem))
    return Sentences(
        of_row=found,
        shares=dict(zip(found, shares, strict=True)),
        always=always,
        per_token=problem.units.worth.per_token,
    )


def _strongest(problem: SelectionProblem) -> list[str]:
    """Texts of the strongest items; none where scores are no probabilities of being needed."""
    if problem.units.worth.per_token:
        return []
    return [problem.snapshot.texts[row] for row in best_rows(problem.score, STRONGEST).tolist()]


def candidates(problem: SelectionProblem, selection: Selection, min_tokens: int) -> list[int]:
    """Rows that may be shortened, best score first."""
    snapshot, after = problem.snapshot, selection.continuation
    items = snapshot.items
    stand = [row for row, item in problem.shown.items() if not is_dated(item.content, items[row])]
    kept = [*after.beginning, *after.closed.tolist(), *stand]
    may = _MAY[selection.reason]
    may &= problem.units.per_item(~problem.units.pinned)
    may &= problem.score > 0.0
    may[kept] = False
    rows = np.flatnonzero(may)
    if not len(rows):
        return []
    rows = rows[best_rows(problem.score[rows], MOST_LOOKED_AT)]
    tokens = problem.tokens.of(rows)
    large = tokens >= min_tokens
    rows, is_long = rows[large], tokens[large] >= LONG_TOKENS
    kinds = _kinds_of(snapshot)
    known = zip(rows.tolist(), is_long.tolist(), kinds[rows].tolist(), strict=True)
    found = (
        row
        for row, long, kind in known
        if _may_at(kind if kind != _NOT_READ else _read_kind(snapshot, row, kinds), is_long=long)
    )
    return list(islice(found, MOST_CANDIDATES))


_NOT_READ, _NEVER, _IF_LONG, _ALWAYS = -1, 0, 1, 2
"""Whether an item may be shortened, as far as that hangs on the item alone."""


def _may_at(kind: int, *, is_long: bool) -> bool:
    return kind == _ALWAYS or (kind == _IF_LONG and is_long)


def _kinds_of(snapshot: PoolSnapshot) -> IntArray:
    """The kind of each item, shape (n,); items are read when they are first candidates."""
    known: IntArray | None = snapshot.derived.get("parts")
    if known is None:
        known = np.full(len(snapshot), _NOT_READ, dtype=np.int8)
        snapshot.derived["parts"] = known
    return known


def _read_kind(snapshot: PoolSnapshot, row: int, kinds: IntArray) -> int:
    kinds[row] = kind = _kind(snapshot, row)
    return kind


def _kind(snapshot: PoolSnapshot, row: int) -> int:
    item = snapshot.items[row]
    if not may_be_shortened(snapshot, row):
        return _NEVER
    if is_result(item):
        return _IF_LONG
    if at_most(item.content) < FEWEST_SENTENCES:
        return _NEVER
    index = index_of(item.content)
    if len(index) < FEWEST_SENTENCES:
        return _NEVER
    return _ALWAYS if index.is_prose else _IF_LONG


def offers(problem: SelectionProblem, sentences: Sentences) -> list[Offer]:
    """What the units of the rows may come in by."""
    rows = np.array(list(sentences.of_row), dtype=np.int64)
    tokens, values = problem.tokens.of(rows).tolist(), problem.values(rows).tolist()
    figures = dict(zip(rows.tolist(), zip(tokens, values, strict=True), strict=True))
    rows_of: dict[int, list[int]] = {}
    for row, unit in zip(rows.tolist(), problem.units.unit_of[rows].tolist(), strict=True):
        rows_of.setdefault(unit, []).append(row)
    return [
        Offer(
            unit=unit,
            tier=int(problem.units.tier[unit]),
            **_base_and_sentences(_beside(problem, unit, of_unit), of_unit, sentences, figures),
        )
        for unit, of_unit in rows_of.items()
    ]


def _beside(problem: SelectionProblem, unit: int, rows: list[int]) -> Part:
    """The items of a unit that come in whole with the others."""
    if problem.units.groups is None:
        return Part(0.0, 0, ())
    beside = np.setdiff1d(problem.units.rows(np.array([unit])), rows)
    return Part(float(problem.values(beside).sum()), int(problem.tokens.of(beside).sum()), ())


def _base_and_sentences(
    base: Part,
    rows: list[int],
    sentences: Sentences,
    figures: Mapping[int, tuple[int, float]],
) -> dict[str, Any]:
    offered: list[Part] = []
    for row in rows:
        size, worth = figures[row]
        index, always = sentences.of_row[row], sentences.always[row]
        per_char = max(1, size - _LINE_TOKENS) / max(1, len(index.text))
        base += Part(0.0, _LINE_TOKENS + round(per_char * index.heading_chars()), ())
        values = (worth * sentences.values(row)).tolist()
        for place, (value, chars) in enumerate(zip(values, index.chars(), strict=True)):
            part = Part(value, max(1, round(per_char * chars)) + _MARK_TOKENS, ((row, place),))
            if place in always:
                base += part
            else:
                offered.append(part)
    offered.sort(key=lambda part: (-_density(part), part.places))
    return {"base": base, "sentences": offered}
