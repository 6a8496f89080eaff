"""Candidates by the words of a question: BM25 over all memories of a large workspace.

Terms are those that the core cuts, which stand beside each text. They are looked for in the parts,
and in memories that no part covers by reading these. Postgres' own full text search is not used:
`@@` is no leakproof operator, so under row-level security no index serves it, and it knows no BM25.

    1  texts that have each term, from the parts and from what they do not cover
    2  the rarest terms, as many as may be ranked by
    3  their postings, one part after the other: a score for each place that has one of them

Memory is bounded by the postings of one part and the places that are kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ARRAY, Text, bindparam, func

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.search.lexical import BM25_B, BM25_K1
from mba_integrations.core.search.terms import TermSplitter, words_of
from mba_integrations.core.search.words.languages import ENGLISH, language_of
from mba_integrations.core.search.words.lexical_columns import WholeTexts
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.prefetch.parts import (
    Part,
    listed,
    sizes_between,
    uncovered,
)
from mba_integrations.services.store.statements.prefetch.postings import Pairs, bm25
from mba_integrations.services.store.tables.memories import memory
from mba_integrations.services.store.tables.words import word_posting

MOST_TERMS = 64
"""Of a question, the rarest, that places are ranked by."""
_MOST_PAIRS = 4_000_000
"""Pairs of a term and a text that a ranking may read: 28 MB, and about 0.1 s."""
_STEP = 50_000


@dataclass(frozen=True, slots=True)
class Ranked:
    """Places and how well their texts match, n of them, the best first once they are joined.

    Attributes:
        scores: Shape (n,).
        places: Shape (n,).
    """

    scores: FloatArray
    places: IntArray

    def joined(self, other: Ranked, most: int) -> Ranked:
        """The best of both; of equal ones that which was added first."""
        scores = np.concatenate([self.scores, other.scores])
        places = np.concatenate([self.places, other.places])
        order = np.lexsort((places, -scores))[:most]
        return Ranked(scores[order], places[order])


_NOTHING = Ranked(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class WordIndex:
    """The words of a workspace at one moment. Made by `of`.

    Attributes:
        reading: The scope.
        parts: What is in parts.
        gaps: Places that are not, first and last of each range.
        gap_texts: How many memories stand there.
        gap_terms: How many terms these have together.
    """

    reading: Reading
    parts: tuple[Part, ...]
    gaps: tuple[tuple[int, int | None], ...]
    gap_texts: int
    gap_terms: int

    @classmethod
    def of(cls, reading: Reading) -> WordIndex:
        """The words of the scope's workspace."""
        parts = listed(reading)
        gaps = tuple(uncovered(parts))
        sizes = [sizes_between(reading, *gap) for gap in gaps]
        return cls(
            reading,
            tuple(one for one in parts if one.texts),
            gaps,
            sum(texts for texts, _ in sizes),
            sum(terms for _, terms in sizes),
        )

    @property
    def texts(self) -> int:
        """How many texts there are, with those that left since their part was made."""
        return self.gap_texts + sum(part.texts for part in self.parts)

    @property
    def terms(self) -> int:
        """How many terms they have together."""
        return self.gap_terms + sum(part.terms for part in self.parts)

    @property
    def mean_size(self) -> float:
        """Terms of a text in the mean."""
        return self.terms / max(self.texts, 1)

    def terms_of(self, text: str) -> frozenset[str]:
        """The terms that a text's words are in the languages of the workspace."""
        words = words_of(text)
        codes = {ENGLISH, language_of(words)}
        codes.update(code for part in self.parts for code in part.languages)
        splitter = TermSplitter()
        return frozenset(term for code in codes for term in splitter.terms_in(words, code))

    def search(
        self,
        asked: Sequence[Iterable[str]],
        *,
        most: int,
        rarer_than: int | None = None,
        most_terms: int = MOST_TERMS,
    ) -> WordHits:
        """The places that each of some sets of terms ranks highest.

        Args:
            asked: The sets.
            most: How many places to give of each.
            rarer_than: Terms that as many texts have, or more, are passed over; None for none.
            most_terms: How many terms of a set are ranked by, the rarest ones.
        """
        sets = [frozenset(terms) for terms in asked]
        wanted = sorted(frozenset().union(*sets))
        beside = self._uncovered_having(wanted)
        frequencies = Counter(self._frequencies(wanted))
        frequencies.update(term for counts, _, _ in beside for term in counts)
        rarest = [self._rarest(frequencies, one, rarer_than, most_terms) for one in sets]
        weights = {term: self._rarity(frequencies[term]) for terms in rarest for term in terms}
        ranked = [self._ranked_beside(beside, terms, weights) for terms in rarest]
        for part in self.parts if weights else ():
            pairs = self._pairs(part, weights)
            for place, terms in enumerate(rarest):
                found = self._ranked_in(part, [pairs[one] for one in terms if one in pairs])
                ranked[place] = ranked[place].joined(found, most)
        return WordHits([one.joined(_NOTHING, most) for one in ranked], dict(frequencies))

    def whole(self, frequencies: Mapping[str, int]) -> WholeTexts:
        """What a part of the texts has to know of all."""
        return WholeTexts(texts=self.texts, terms=self.terms, frequencies=frequencies)

    def _rarity(self, frequency: int) -> float:
        texts = max(self.texts, frequency)
        return math.log1p((texts - frequency + 0.5) / (frequency + 0.5))

    def _rarest(
        self,
        frequencies: Mapping[str, int],
        terms: frozenset[str],
        rarer_than: int | None,
        most_terms: int,
    ) -> list[str]:
        most = self.texts + 1 if rarer_than is None else rarer_than
        known = ((frequencies.get(term, 0), term) for term in terms)
        pairs = 0
        chosen: list[str] = []
        for count, term in sorted(one for one in known if 0 < one[0] < most)[:most_terms]:
            pairs += count
            if chosen and pairs > _MOST_PAIRS:
                break
            chosen.append(term)
        return chosen

    def _frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        known = [part.part for part in self.parts]
        statement = (
            self.reading.select(word_posting, word_posting.c.term, func.sum(word_posting.c.texts))
            .where(among(word_posting.c.term, terms), word_posting.c.part.in_(known))
            .group_by(word_posting.c.term)
        )
        found = self.reading.execute(statement) if known and terms else ()
        return {term: int(count) for term, count in found}

    def _pairs(self, part: Part, weights: Mapping[str, float]) -> dict[str, tuple[Pairs, float]]:
        """Pairs and weights of the terms that a part has."""
        statement = self.reading.select(word_posting, word_posting.c.term, word_posting.c.pairs)
        statement = statement.where(
            among(word_posting.c.term, list(weights)), word_posting.c.part == part.part
        )
        return {
            term: (Pairs.from_bytes(pairs), weights[term])
            for term, pairs in self.reading.execute(statement)
        }

    def _ranked_in(self, part: Part, found: Sequence[tuple[Pairs, float]]) -> Ranked:
        if not found:
            return _NOTHING
        scores = np.zeros(part.last_seq - part.first_seq + 1, dtype=np.float32)
        for pairs, weight in found:
            scores[pairs.places] += bm25(pairs, weight, self.mean_size)
        having = np.flatnonzero(scores)
        return Ranked(scores[having], having + part.first_seq)

    def _uncovered_having(self, terms: Sequence[str]) -> list[tuple[Counter[str], int, int]]:
        """Of memories that no part covers and that have one of the terms: how often they have
        which, how many terms they have, and their places."""
        if not self.gap_texts or not terms:
            return []
        wanted = frozenset(terms)
        found = []
        for first, last in self._steps():
            for seq, kept in self._having(first, last, terms):
                cut = kept.split("\n")[1:]
                found.append((Counter(one for one in cut if one in wanted), len(cut), seq))
        return found

    def _steps(self) -> Iterator[tuple[int, int]]:
        """The gaps in ranges of so many places that what is read of one stays small."""
        end = workspaces.change_seq(self.reading)
        for first, last in self.gaps:
            last = end if last is None else last
            for start in range(first, last + 1, _STEP):
                yield start, min(start + _STEP - 1, last)

    def _having(self, first: int, last: int, terms: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Places and written terms of the memories in a range that have one of the terms."""
        lines = func.string_to_array(memory.c.terms, "\n", type_=ARRAY(Text))
        statement = self.reading.select(memory, memory.c.added_seq, memory.c.terms).where(
            memory.c.state == MemoryState.ACTIVE,
            memory.c.added_seq.between(first, last),
            lines.op("&&")(bindparam(None, list(terms), type_=ARRAY(Text))),
        )
        return ((seq, kept) for seq, kept in self.reading.execute(statement))

    def _ranked_beside(
        self,
        beside: Sequence[tuple[Counter[str], int, int]],
        terms: Iterable[str],
        weights: Mapping[str, float],
    ) -> Ranked:
        wanted = {term: weights[term] for term in terms}
        scores: dict[int, float] = {}
        for counts, size, seq in beside:
            below = BM25_K1 * (1.0 - BM25_B + BM25_B * size / max(self.mean_size, 1e-9))
            met = ((term, count) for term, count in counts.items() if term in wanted)
            score = sum(wanted[term] * count / (count + below) for term, count in met)
            if score:
                scores[seq] = score
        return Ranked(
            np.array(list(scores.values()), dtype=np.float32),
            np.array(list(scores), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class WordHits:
    """What terms find.

    Attributes:
        ranked: Of each set of terms, the best first.
        frequencies: Texts that have each term.
    """

    ranked: list[Ranked]
    frequencies: dict[str, int]
