"""Lexical search over a list of texts: BM25 scores of every text for a query.

Total: no query and no text raises, whatever its length, script or punctuation; what shares no term
with the query scores 0. Building is linear in the text; a query costs a pass over the postings of
its distinct terms. The index of a changed list is made from that of the earlier one: O(n) copies
of small numbers, the terms of the new texts, and now and then a merge of postings. It scores as
one built anew, bit for bit.

Two texts, of two and of four terms, so of three in the mean; both have "apple", one has "pie". The
weight of a term is log(1 + (n - f + 0.5) / (f + 0.5)) where f of n texts have it. A text adds to
it, for each term, count / (count + 1.2 * (0.25 + 0.75 * length / mean)): a second "apple" adds less
than the first, and a long text must say a word more often.

>>> index = LexicalIndex.build(["apple pie", "apple and sky, sky, sky"])
>>> {term: round(weight, 3) for term, weight in index.term_weights("apple pie").items()}
{'appl': 0.182, 'pie': 0.693}
>>> [round(score, 3) for score in index.scores("apple pie").tolist()]
[0.461, 0.073]
>>> round(0.182 / (1 + 1.2 * (0.25 + 0.75 * 2 / 3)) + 0.693 / 1.9, 3)
0.461

How a text is cut into terms is left to `terms`, putting scores on a scale to `value.relevance`.

Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009),
with the idf of Lucene, which is never negative.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots
from mba_integrations.core.search.postings import Postings, appended, merged
from mba_integrations.core.search.term_numbers import TermNumbers
from mba_integrations.core.search.terms import is_near_stop_word, words_of
from mba_integrations.core.search.text_traits import TextTraits
from mba_integrations.core.search.words.spellings import can_be_misspelt

# k1 and b are the values of Lucene; evidence recall moves by under 1 point for k1 in [0.9, 1.5].
_K1 = 1.2
_B = 0.75
_RESPELT_PART = 0.7
"""What a word counts that is met in its nearest spelling only."""
_MOST_RESPELT = 16
"""Words of a query, the first, whose nearest spelling is looked for."""
_MAX_QUERY_CHARS = 100_000  # bounds a query at about 0.1 s of cutting it into terms


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalColumns:
    """What an index holds of its texts.

    Attributes:
        numbers: Numbers of the terms, shared with indexes of other moments.
        slots: Numbers of the texts.
        parts: Postings, no slot in two of them; also of texts that have gone.
        sizes: Terms of the text of each slot, int32.
        frequencies: Texts that have each term, without those that have gone, int32. Terms that are
            numbered beyond its end are of another moment.
        total: Terms of all texts, without those that have gone.
        in_order: Whether terms are numbered as they first appear in the texts.
    """

    numbers: TermNumbers
    slots: Slots
    parts: tuple[Postings, ...]
    sizes: IntArray
    frequencies: IntArray
    total: int
    in_order: bool

    def compact(self) -> LexicalColumns:
        """The same with rows as slots, postings in one part at most, and without terms that no
        text has any more where those are most.
        """
        slots = self.slots
        whole = merged(self.parts)
        if slots.of_row is not None or slots.count > slots.size:
            whole = whole.renumbered(slots.row_of)
        compacted = replace(
            self,
            slots=Slots.for_rows(slots.size),
            parts=(whole,) if whole.size else (),
            sizes=slots.by_row(self.sizes),
        )
        used = int(np.count_nonzero(self.frequencies))
        return compacted._without_unused_terms() if 2 * used < len(self.frequencies) else compacted

    def _without_unused_terms(self) -> LexicalColumns:
        used = np.flatnonzero(self.frequencies)
        names = self.numbers.terms()
        number_of = np.zeros(len(self.frequencies), dtype=np.int32)
        number_of[used] = np.arange(len(used))
        return replace(
            self,
            numbers=TermNumbers([names[term] for term in used.tolist()]),
            parts=tuple(replace(part, terms=number_of[part.terms]) for part in self.parts),
            frequencies=self.frequencies[used],
        )


class _AskedTerm(NamedTuple):
    """A term of a query.

    Attributes:
        word: How the query writes it, or the term of a word that has several.
        term: What texts are compared with; the nearest spelling where none has the word's own.
        number: Its number; -1 if no text has it.
        frequency: Texts that have it.
        part: What it counts.
    """

    word: str
    term: str
    number: int
    frequency: int
    part: float = 1.0


class LexicalIndex:
    """BM25 over texts. Made by `build`; not changed by queries.

    >>> index = LexicalIndex.build(["Kate likes skiing.", "The weather is fine."])
    >>> index.scores("Who skis?") > 0
    array([ True, False])
    """

    traits: TextTraits

    def __init__(self, texts: Sequence[str], columns: LexicalColumns, traits: TextTraits) -> None:
        self.traits = traits
        self.columns = columns
        self._texts = texts
        self._last_asked: tuple[str, tuple[_AskedTerm, ...]] | None = None

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Index of *texts*; text *i* is row *i* of every score array."""
        numbers = TermNumbers()
        cut = numbers.cut(texts)
        postings = Postings.of_texts(cut, first_slot=0)
        columns = LexicalColumns(
            numbers=numbers,
            slots=Slots.for_rows(len(texts)),
            parts=(postings,) if postings.size else (),
            sizes=cut.sizes,
            frequencies=_added(np.zeros(0, dtype=np.int32), postings, len(numbers), 1),
            total=len(cut.terms),
            in_order=True,
        )
        return cls(texts, columns, TextTraits(texts))

    def changed(self, texts: Sequence[str], rows: RowMap) -> LexicalIndex:
        """Index of other texts, of which *rows* says what they were.

        Args:
            texts: The texts.
            rows: Their rows here; a row that is not fresh has the same text. Only fresh ones are
                cut into terms.
        """
        before = self.columns
        fresh = [texts[row] for row in rows.fresh.tolist()]
        cut = before.numbers.cut(fresh)
        new = Postings.of_texts(cut, first_slot=before.slots.count)
        gone, gone_total = self._gone(rows)
        frequencies = _added(before.frequencies, new, len(before.numbers), 1)
        columns = LexicalColumns(
            numbers=before.numbers,
            slots=before.slots.changed(rows),
            parts=appended(before.parts, new),
            sizes=np.concatenate([before.sizes, cut.sizes]),
            frequencies=_added(frequencies, gone, len(frequencies), -1),
            total=before.total + len(cut.terms) - gone_total,
            in_order=before.in_order
            and rows.origin is None
            and cut.first_new == len(before.frequencies),
        )
        if columns.slots.is_sparse:
            columns = columns.compact()
        return LexicalIndex(texts, columns, self.traits.changed(texts, rows))

    def _gone(self, rows: RowMap) -> tuple[Postings, int]:
        """Postings of the texts that go, and how many terms they have."""
        # Cut once more rather than remembered: terms of all texts would take more than the index.
        texts = [self._texts[row] for row in rows.gone.tolist()]
        cut = self.columns.numbers.cut(texts)
        return Postings.of_texts(cut, first_slot=0), len(cut.terms)

    def __len__(self) -> int:
        return self.columns.slots.size

    def scores(self, query: str) -> FloatArray:
        """BM25 of every text, shape (n,), float32, at least 0.

        A term counts once however often the query repeats it; what stands beyond the first
        100,000 characters of the query does not count.
        """
        met = self._met(query)
        return self._scores_of_terms([one.number for one in met], [one.part for one in met])

    def best_possible(self, query: str) -> float:
        """BM25 of a text of mean length that has each term of *query* once; terms that no text
        has weigh like the rarest.
        """
        # A text of mean length adds 1.2 to the one below the line.
        return sum(self._idf(one.frequency) for one in self._asked(query)) / (1.0 + _K1)

    def coverage(self, query: str) -> FloatArray:
        """Share of the terms of *query* that each text has, weighed by rarity, shape (n,).

        Terms that no text has weigh like the rarest, so a text may have every term that is known
        and still not all of the query. All 0 for a query without terms.

        >>> LexicalIndex.build(["apple pie", "sky"]).coverage("apple sky").round(2).tolist()
        [0.5, 0.5]
        """
        columns = self.columns
        covered = np.zeros(columns.slots.count, dtype=np.float64)
        for one in self._met(query):
            for part in columns.parts:
                covered[part.slots_of(one.number)] += one.part * self._idf(one.frequency)
        total = sum(self._idf(one.frequency) for one in self._asked(query))
        return columns.slots.by_row(covered / max(total, 1e-12))

    def term_weights(self, query: str) -> dict[str, float]:
        """Inverse document frequency of each term of *query* that a text has, > 0."""
        return {one.term: one.part * self._idf(one.frequency) for one in self._met(query)}

    def holders(self, query: str, *, most: int) -> dict[str, BoolArray]:
        """Which texts have each word of *query*, shape (n,): the *most* rarest, the rarest first.

        A word of several terms, such as an identifier, is told by its terms.

        >>> index = LexicalIndex.build(["Kate skis.", "Kate sings."])
        >>> for word, has in index.holders("Where did Kate ski?", most=9).items():
        ...     print(word, has.tolist())
        ski [True, False]
        Kate [True, True]
        """
        rarest = sorted(self._met(query), key=lambda one: one.frequency)[:most]
        return {one.word: self._has_number(one.number) for one in rarest}

    def _has_number(self, number: int) -> BoolArray:
        has = np.zeros(self.columns.slots.count, dtype=bool)
        for part in self.columns.parts:
            has[part.slots_of(number)] = True
        return self.columns.slots.by_row(has)

    def terms(self, text: str) -> Sequence[str]:
        """The terms of a text, as they are compared."""
        return self.columns.numbers.splitter.terms(text)

    def scores_of_rare_terms(
        self, rows: Sequence[int], *, besides: str, count: int
    ) -> list[FloatArray]:
        """BM25 of every text for the *count* rarest terms of each of *rows*, each shape (n,).

        Terms of *besides*, and terms that no other text has, do not count. Of equally rare terms
        those that an earlier text has come first.
        """
        known = {one.number for one in self._met(besides)}
        return [self._scores_of_terms(self._rare_terms(row, known, count)) for row in rows]

    def _rare_terms(self, row: int, besides: set[int], count: int) -> list[int]:
        frequencies = self.columns.frequencies
        shared = [
            term for term in self.numbers_in(row) if frequencies[term] > 1 and term not in besides
        ]
        rarest = sorted(int(frequencies[term]) for term in shared)[:count]
        by_frequency: dict[int, list[int]] = {frequency: [] for frequency in rarest}
        for term in shared:
            if (frequency := int(frequencies[term])) in by_frequency:
                by_frequency[frequency].append(term)
        # Numbers stand for the order of appearance only until texts change; two indexes of the same
        # texts must choose alike, whatever else one of them has seen.
        place = int if self.columns.in_order else _FirstPlaces(self).__getitem__
        groups = by_frequency.values()
        ordered = (sorted(group, key=place) if len(group) > 1 else group for group in groups)
        return list(chain.from_iterable(ordered))[:count]

    def first_row(self, term: int) -> int:
        """The first row that has a term, which some text has."""
        slots = self.columns.slots
        found = np.concatenate([part.slots_of(term) for part in self.columns.parts])
        rows = slots.row_of[found]
        return int(rows[rows >= 0].min())

    def numbers_in(self, row: int) -> list[int]:
        """Numbers of the terms of a text, each once, in order of appearance."""
        return self._numbers(self.terms(self._texts[row]))

    def _met(self, query: str) -> list[_AskedTerm]:
        """Terms of a query that a text has, each once; the nearest spelling for one that none
        has."""
        met: dict[int, _AskedTerm] = {}
        for one in self._asked(query):
            # As it is written it counts in full, also where a slip before it means the same.
            if one.number >= 0 and (one.number not in met or one.part > met[one.number].part):
                met[one.number] = one
        return list(met.values())

    def _asked(self, query: str) -> tuple[_AskedTerm, ...]:
        """The terms of a query, each once; those of the last query are kept."""
        last = self._last_asked
        if last is None or last[0] != query:
            last = self._last_asked = (query, tuple(self._terms_asked(query)))
        return last[1]

    def _terms_asked(self, query: str) -> Iterator[_AskedTerm]:
        seen: set[str] = set()
        tries = _MOST_RESPELT
        for word in words_of(query[:_MAX_QUERY_CHARS]):
            terms = self.terms(word)
            for term in terms:
                if term in seen:
                    continue
                seen.add(term)
                one = self._as_written(word if len(terms) == 1 else term, term)
                if one.number < 0 and one.word is word and tries and self._is_slip(word, term):
                    tries -= 1
                    one = self._nearest(word, term) or one
                yield one

    def _as_written(self, word: str, term: str) -> _AskedTerm:
        number = self.columns.numbers.number(term)
        if number is None or not self._has(number):
            return _AskedTerm(word, term, -1, 0)
        return _AskedTerm(word, term, number, int(self.columns.frequencies[number]))

    def _is_slip(self, word: str, term: str) -> bool:
        """Whether a word that no text has may be another one that is written wrongly."""
        return can_be_misspelt(term) and not is_near_stop_word(word)

    def _nearest(self, word: str, term: str) -> _AskedTerm | None:
        frequencies = self.columns.frequencies
        number = self.columns.numbers.nearest(term, frequencies=frequencies)
        if number is None:
            return None
        meant = self.columns.numbers.term(number)
        return _AskedTerm(
            f"{word} ~ {meant}", meant, number, int(frequencies[number]), _RESPELT_PART
        )

    def _numbers(self, terms: Sequence[str]) -> list[int]:
        """Numbers of the terms that a text has, each once, in order of appearance."""
        found = map(self.columns.numbers.number, dict.fromkeys(terms))
        return [number for number in found if number is not None and self._has(number)]

    def _has(self, number: int) -> bool:
        frequencies = self.columns.frequencies
        return number < len(frequencies) and bool(frequencies[number])

    def _idf(self, frequency: int) -> float:
        return math.log1p((len(self) - frequency + 0.5) / (frequency + 0.5))

    @cached_property
    def _norms(self) -> FloatArray:
        """What the length of each slot's text adds to a count below the line, float32."""
        mean = self.columns.total / max(1, len(self))
        norms = self.columns.sizes.astype(np.float32)
        norms *= np.float32(_K1 * _B / max(mean, 1e-9))
        norms += np.float32(_K1 * (1.0 - _B))
        return norms

    def _scores_of_terms(
        self, terms: list[int], parts: Sequence[float] | None = None
    ) -> FloatArray:
        """BM25 of every text for terms, of which each counts in part; in full for None."""
        columns = self.columns
        scores = np.zeros(columns.slots.count, dtype=np.float32)
        weights = [self._idf(int(columns.frequencies[term])) for term in terms]
        if parts is not None:
            weights = [weight * part for weight, part in zip(weights, parts, strict=True)]
        for part in columns.parts if terms else ():
            part.add_scores(scores, terms, weights, self._norms)
        return columns.slots.by_row(scores)


class _FirstPlaces(dict[int, tuple[int, int]]):
    """Where each term first appears: the first row that has it, and the place there.

    A text is cut once for all of its terms: equal texts have as many terms in common as they are
    long.
    """

    def __init__(self, index: LexicalIndex) -> None:
        self._index = index
        self._places: dict[int, dict[int, int]] = {}

    def __missing__(self, term: int) -> tuple[int, int]:
        row = self._index.first_row(term)
        if row not in self._places:
            numbers = self._index.numbers_in(row)
            self._places[row] = {number: place for place, number in enumerate(numbers)}
        self[term] = row, self._places[row][term]
        return self[term]


def _added(frequencies: IntArray, postings: Postings, terms: int, sign: int) -> IntArray:
    """Frequencies of the first *terms* terms with the texts of the postings, or without them."""
    result = np.zeros(max(terms, len(frequencies)), dtype=np.int32)
    result[: len(frequencies)] = frequencies
    result[postings.terms] += sign * np.diff(postings.starts).astype(np.int32)
    return result
