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
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots
from mba_integrations.core.search.postings import Postings, appended
from mba_integrations.core.search.term_numbers import CutTexts, TermNumbers
from mba_integrations.core.search.terms import words_of
from mba_integrations.core.search.text_traits import TextTraits
from mba_integrations.core.search.words.asked import AskedWord, AskedWords
from mba_integrations.core.search.words.languages import ENGLISH
from mba_integrations.core.search.words.lexical_columns import LexicalColumns, WholeTexts
from mba_integrations.core.search.words.written_terms import cut_written

# k1 and b are the values of Lucene; evidence recall moves by under 1 point for k1 in [0.9, 1.5].
BM25_K1 = 1.2
BM25_B = 0.75
_MOST_SHARED = 12
"""Terms of a text, the rarest, that others may share with it."""
_MOST_CUT = 16
"""Texts whose terms are kept: the likeliest are cut for more than one step of a call."""
_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
_MAX_QUERY_CHARS = 100_000  # bounds a query at about 0.1 s of cutting it into terms


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
        self._last_asked: tuple[str, tuple[AskedWord, ...]] | None = None
        self._last_cut: dict[int, list[int]] = {}

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Index of *texts*; text *i* is row *i* of every score array."""
        numbers = TermNumbers()
        return cls._of_cut(texts, numbers, numbers.cut(texts))

    @classmethod
    def of_written(
        cls,
        texts: Sequence[str],
        written: Sequence[str | None],
        whole: WholeTexts | None = None,
    ) -> LexicalIndex:
        """The same from what `written_terms` gave of each text; None where that is not known.

        Args:
            texts: The texts.
            written: Their terms.
            whole: Of what these are a part; None where they are all.
        """
        numbers = TermNumbers()
        return cls._of_cut(texts, numbers, cut_written(texts, written, numbers), whole)

    @classmethod
    def _of_cut(
        cls,
        texts: Sequence[str],
        numbers: TermNumbers,
        cut: CutTexts,
        whole: WholeTexts | None = None,
    ) -> LexicalIndex:
        postings = Postings.of_texts(cut, first_slot=0)
        frequencies = _added(np.zeros(0, dtype=np.int32), postings, len(numbers), 1)
        columns = LexicalColumns(
            numbers=numbers,
            slots=Slots.for_rows(len(texts)),
            parts=(postings,) if postings.size else (),
            sizes=cut.sizes,
            languages=cut.languages,
            frequencies=frequencies if whole is None else whole.known_of(numbers, frequencies),
            total=len(cut.terms),
            in_order=True,
            whole=whole,
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
            languages=np.concatenate([before.languages, cut.languages]),
            frequencies=_added(frequencies, gone, len(frequencies), -1),
            total=before.total + len(cut.terms) - gone_total,
            in_order=before.in_order
            and rows.origin is None
            and cut.first_new == len(before.frequencies),
            whole=before.whole,
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
        by_language: dict[frozenset[int] | None, dict[int, float]] = {}
        for word in self._met(query):
            weight = word.weight
            for term in word.terms:
                weights = by_language.setdefault(term.languages, {})
                weights[term.number] = max(weight, weights.get(term.number, 0.0))
        return self._scores_by_language(by_language)

    def best_possible(self, query: str) -> float:
        """BM25 of a text of mean length that has each term of *query* once; terms that no text
        has weigh like the rarest.
        """
        # A text of mean length adds 1.2 to the one below the line.
        return sum(word.rarity for word in self._asked(query)) / (1.0 + BM25_K1)

    def coverage(self, query: str) -> FloatArray:
        """Share of the terms of *query* that each text has, weighed by rarity, shape (n,).

        Terms that no text has weigh like the rarest, so a text may have every term that is known
        and still not all of the query. All 0 for a query without terms.

        >>> LexicalIndex.build(["apple pie", "sky"]).coverage("apple sky").round(2).tolist()
        [0.5, 0.5]
        """
        columns = self.columns
        covered = np.zeros(columns.slots.count, dtype=np.float64)
        for word in self._met(query):
            for slots in self._slots_with_word(word):
                covered[slots] += word.weight
        total = sum(word.rarity for word in self._asked(query))
        return columns.slots.by_row(covered / max(total, 1e-12))

    def term_weights(self, query: str) -> dict[str, float]:
        """Inverse document frequency of each term of *query* that a text has, > 0."""
        return _weights(self._asked(query))

    def term_weights_of(self, row: int) -> dict[str, float]:
        """The same of a text of the index."""
        slots = self.columns.slots
        language = self.columns.languages[row if slots.of_row is None else slots.of_row[row]]
        return _weights(self._words.of(words_of(self._texts[row]), int(language)))

    def holders(self, query: str, *, most: int) -> dict[str, BoolArray]:
        """Which texts have each word of *query*, shape (n,): the *most* rarest, the rarest first.

        A word of several terms, such as an identifier, is told by its terms.

        >>> index = LexicalIndex.build(["Kate skis.", "Kate sings."])
        >>> for word, has in index.holders("Where did Kate ski?", most=9).items():
        ...     print(word, has.tolist())
        ski [True, False]
        Kate [True, True]
        """
        rarest = sorted(self._met(query), key=lambda word: word.frequency)[:most]
        return {word.text: self.columns.slots.by_row(self._has_word(word)) for word in rarest}

    def _slots_with_word(self, word: AskedWord) -> Iterable[IntArray]:
        """Slots of the texts that have a word, each once, in parts."""
        if len(word.terms) == 1 and word.terms[0].languages is None:
            return [part.slots_of(word.terms[0].number) for part in self.columns.parts]
        return [np.flatnonzero(self._has_word(word))]

    def _has_word(self, word: AskedWord) -> BoolArray:
        """Whether the text of each slot has a word."""
        found = np.zeros(self.columns.slots.count, dtype=bool)
        for term in word.terms:
            has = np.zeros_like(found)
            for part in self.columns.parts:
                has[part.slots_of(term.number)] = True
            found |= has if term.languages is None else has & self._written_in(term.languages)
        return found

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
        known = {term.number for word in self._met(besides) for term in word.terms}
        return [self._scores_of_terms(self._rare_terms(row, known, count)) for row in rows]

    def rarity_shared(self, row: int, *, besides: str, most: int) -> dict[int, float]:
        """Rows of the texts that share terms with that of *row*, each with the summed rarity of
        these terms, in [0, 1] each.

        Terms of *besides*, and those that more than *most* texts have, do not count.

        >>> index = LexicalIndex.build(["Ada met Max Orr", "Orr, Max: 0178", "Max ran", "Ada ran"])
        >>> index.rarity_shared(0, besides="Who met Ada?", most=2)
        {1: 0.5}
        """
        known = {term.number for word in self._met(besides) for term in word.terms}
        shared: dict[int, float] = {}
        for term in self._rare_terms(row, known, _MOST_SHARED):
            frequency = int(self.columns.frequencies[term])
            if frequency <= most:
                rarity = 1.0 - math.log(frequency) / math.log(self.columns.text_count)
                for other in self._rows_of(self._slots_with(term)).tolist():
                    shared[other] = shared.get(other, 0.0) + rarity
        shared.pop(row, None)
        return shared

    def rows_with_all(self, terms: Collection[str]) -> IntArray:
        """Rows of the texts that have every one of different *terms*, in any order of rows; none
        without terms.

        >>> index = LexicalIndex.build(["Ada King", "King of all", "Ada", "the King and Ada"])
        >>> sorted(index.rows_with_all(["ada", "king"]).tolist())
        [0, 3]
        """
        met = map(self.columns.numbers.number, terms)
        numbers = [term for term in met if term is not None and self.columns.has(term)]
        if not terms or len(numbers) < len(terms):
            return _NO_ROWS
        rarest, *others = sorted(numbers, key=lambda term: int(self.columns.frequencies[term]))
        found = self._slots_with(rarest)
        for term in others:
            found = found[np.isin(found, self._slots_with(term))]
        return self._rows_of(found)

    def _rows_of(self, slots: IntArray) -> IntArray:
        """Rows of the texts in some slots; a slot whose text is gone has none."""
        rows = slots if self.columns.slots.of_row is None else self.columns.slots.row_of[slots]
        return np.asarray(rows[rows >= 0], dtype=np.int64)

    def _slots_with(self, term: int) -> IntArray:
        return np.concatenate([part.slots_of(term) for part in self.columns.parts])

    def _rare_terms(self, row: int, besides: set[int], count: int) -> list[int]:
        terms = [term for term in self.numbers_in(row) if term not in besides]
        frequencies = self.columns.frequencies[terms].tolist()
        shared = [pair for pair in zip(terms, frequencies, strict=True) if pair[1] > 1]
        by_frequency: dict[int, list[int]] = {}
        for frequency in sorted([frequency for _, frequency in shared])[:count]:
            by_frequency[frequency] = []
        for term, frequency in shared:
            if frequency in by_frequency:
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
        rows = slots.row_of[self._slots_with(term)]
        return int(rows[rows >= 0].min())

    def numbers_in(self, row: int) -> list[int]:
        """Numbers of the terms of a text, each once, in order of appearance."""
        known = self._last_cut.get(row)
        if known is None:
            if len(self._last_cut) >= _MOST_CUT:
                self._last_cut = {}
            known = self._last_cut[row] = self._cut(row)
        return known

    def _cut(self, row: int) -> list[int]:
        return self.columns.numbers.known(dict.fromkeys(self.terms(self._texts[row])))

    def _met(self, query: str) -> list[AskedWord]:
        """Words of a query that a text has, each once."""
        return [word for word in self._asked(query) if word.frequency]

    def _asked(self, query: str) -> tuple[AskedWord, ...]:
        """The words of a query, each once; those of the last query are kept."""
        last = self._last_asked
        if last is None or last[0] != query:
            words = words_of(query[:_MAX_QUERY_CHARS])
            last = self._last_asked = (query, self._words.of(words))
        return last[1]

    @cached_property
    def _words(self) -> AskedWords:
        languages = np.unique(self.columns.slots.by_row(self.columns.languages))
        return AskedWords(self.columns, tuple(languages.tolist()) or (ENGLISH,))

    def _written_in(self, languages: frozenset[int]) -> BoolArray:
        """Whether the text of each slot is in one of the languages."""
        return np.isin(self.columns.languages, sorted(languages))

    @cached_property
    def _norms(self) -> FloatArray:
        """What the length of each slot's text adds to a count below the line, float32."""
        mean = self.columns.mean_size
        norms = self.columns.sizes.astype(np.float32)
        norms *= np.float32(BM25_K1 * BM25_B / max(mean, 1e-9))
        norms += np.float32(BM25_K1 * (1.0 - BM25_B))
        return norms

    def _scores_of_terms(self, terms: list[int]) -> FloatArray:
        frequencies = self.columns.frequencies
        found = zip(terms, frequencies[terms].tolist(), strict=True)
        weights = {term: self.columns.rarity(frequency) for term, frequency in found}
        return self._scores_by_language({None: weights})

    def _scores_by_language(
        self, by_language: Mapping[frozenset[int] | None, Mapping[int, float]]
    ) -> FloatArray:
        """BM25 of every text, shape (n,), for the terms that are meant in its language.

        Args:
            by_language: Weights of terms by number, for texts of these languages; None for all.
        """
        columns = self.columns
        total = np.zeros(columns.slots.count, dtype=np.float32)
        for languages, weights in by_language.items():
            scores = total if languages is None else np.zeros_like(total)
            for part in columns.parts if weights else ():
                part.add_scores(scores, list(weights), list(weights.values()), self._norms)
            if languages is not None:
                total += np.where(self._written_in(languages), scores, np.float32(0.0))
        return columns.slots.by_row(total)


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


def _weights(words: Iterable[AskedWord]) -> dict[str, float]:
    """Weight of each term of the words that a text has."""
    return {term.text: word.weight for word in words for term in word.terms}


def _added(frequencies: IntArray, postings: Postings, terms: int, sign: int) -> IntArray:
    """Frequencies of the first *terms* terms with the texts of the postings, or without them."""
    result = np.zeros(max(terms, len(frequencies)), dtype=np.int32)
    result[: len(frequencies)] = frequencies
    result[postings.terms] += sign * np.diff(postings.starts).astype(np.int32)
    return result
