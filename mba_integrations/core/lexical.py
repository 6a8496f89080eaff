"""Lexical search over a fixed list of texts: BM25 scores of every text for a query.

Total: no query and no text raises, whatever its length, script or punctuation; what shares no term
with the query scores 0. Building is linear in the text; a query costs what bm25s needs to add up
the postings of its distinct terms.

How a text is cut into terms is `search_terms`' job; putting scores on a scale is `relevance`'s.

Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009);
bm25s (Lù, 2024) holds the scores as a sparse matrix.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.search_terms import TermSplitter
from mba_integrations.core.text_traits import TextTraits

# k1 and b are the values of Lucene; evidence recall moves by under 1 point for k1 in [0.9, 1.5].
_K1 = 1.2
_B = 0.75
_MAX_QUERY_CHARS = 100_000  # bounds a query at about 0.1 s of cutting it into terms


class LexicalIndex:
    """BM25 over texts. Made by `build`; not changed by queries.

    >>> index = LexicalIndex.build(["Kate likes skiing.", "The weather is fine."])
    >>> index.scores("Who skis?") > 0
    array([ True, False])
    """

    traits: TextTraits

    def __init__(
        self,
        texts: Sequence[str],
        rows: list[list[int]],
        splitter: TermSplitter,
        vocabulary: dict[str, int],
    ) -> None:
        self._texts = texts
        self.traits = TextTraits(texts)
        self._size = len(rows)
        self._splitter = splitter
        self._vocabulary = vocabulary
        self._flat_terms = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
        self._row_ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        self._frequencies = _document_frequencies(rows, len(vocabulary))
        self._idf = _idf(self._frequencies, self._size)
        self._bm25: Any = _bm25(rows, vocabulary) if any(rows) else None

    @classmethod
    def build(cls, texts: Sequence[str], *, known: LexicalIndex | None = None) -> LexicalIndex:
        """Index of *texts*; text *i* is row *i* of every score array.

        Args:
            texts: What to index.
            known: An index of other texts. Those that are in both are not cut into terms again,
                which is the larger part of the work; the scores are the same.
        """
        if known is None:
            splitter, vocabulary, cut = TermSplitter(), dict[str, int](), dict[str, int]()
        else:
            splitter, vocabulary, cut = known._splitter, dict(known._vocabulary), known._places
        rows = [
            known._terms_of_row(cut[text]).tolist()
            if known is not None and text in cut
            else _numbered(splitter.terms(text), vocabulary)
            for text in texts
        ]
        return cls(texts, rows, splitter, vocabulary)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: row for row, text in enumerate(self._texts)}

    def _terms_of_row(self, row: int) -> IntArray:
        start = self._row_ends[row - 1] if row else 0
        return self._flat_terms[start : self._row_ends[row]]

    def __len__(self) -> int:
        return self._size

    def scores(self, query: str) -> FloatArray:
        """BM25 of every text, shape (n,), float32, at least 0.

        A term counts once however often the query repeats it; what stands beyond the first
        100,000 characters of the query does not count.
        """
        return self._scores_of_terms(self._known_terms(query))

    def best_possible(self, query: str) -> float:
        """BM25 of a text of mean length that has each term of *query* once; terms that no text
        has weigh like the rarest.
        """
        terms = set(self._query_terms(query))
        known = [self._idf[self._vocabulary[term]] for term in terms if term in self._vocabulary]
        rarest = _idf(np.zeros(1), self._size)[0]
        return float((sum(known) + rarest * (len(terms) - len(known))) / (1.0 + _K1))

    def term_weights(self, query: str) -> dict[str, float]:
        """Inverse document frequency of each term of *query* that a text has, > 0."""
        vocabulary = self._vocabulary
        known = (term for term in self._splitter.terms(query) if term in vocabulary)
        return {term: float(self._idf[vocabulary[term]]) for term in known}

    def terms(self, text: str) -> Sequence[str]:
        """The terms of a text, as they are compared."""
        return self._splitter.terms(text)

    def scores_of_rare_terms(
        self, rows: Sequence[int], *, besides: str, count: int
    ) -> list[FloatArray]:
        """BM25 of every text for the *count* rarest terms of each of *rows*, each shape (n,).

        Terms of *besides*, and terms that no other text has, do not count.
        """
        known = self._known_terms(besides)
        return [self._scores_of_terms(self._rare_terms(row, known, count)) for row in rows]

    def _rare_terms(self, row: int, besides: list[int], count: int) -> list[int]:
        terms = np.unique(self._terms_of_row(row))
        shared = terms[self._frequencies[terms] > 1]
        shared = shared[~np.isin(shared, besides)]
        rarest = shared[np.argsort(self._frequencies[shared], kind="stable")[:count]]
        return [int(term) for term in rarest]

    def _query_terms(self, query: str) -> list[str]:
        return self._splitter.terms(query[:_MAX_QUERY_CHARS])

    def _known_terms(self, query: str) -> list[int]:
        found = (self._vocabulary.get(term) for term in self._query_terms(query))
        return sorted({term for term in found if term is not None})

    def _scores_of_terms(self, terms: list[int]) -> FloatArray:
        if not terms or self._bm25 is None:
            return np.zeros(self._size, dtype=np.float32)
        scores: FloatArray = self._bm25.get_scores_from_ids(terms)
        return scores


def _numbered(terms: list[str], vocabulary: dict[str, int]) -> list[int]:
    return [vocabulary.setdefault(term, len(vocabulary)) for term in terms]


def _document_frequencies(rows: list[list[int]], terms: int) -> IntArray:
    frequencies = np.zeros(terms, dtype=np.int64)
    for row in rows:
        frequencies[list(set(row))] += 1
    return frequencies


def _idf(frequencies: FloatArray | IntArray, size: int) -> FloatArray:
    return np.asarray(np.log1p((size - frequencies + 0.5) / (frequencies + 0.5)))


def _bm25(rows: list[list[int]], vocabulary: dict[str, int]) -> Any:
    """The caller handles texts without a term: bm25s divides by the mean length."""
    bm25s = import_module("bm25s")  # takes 0.15 s, so it waits until an index is built
    # On import bm25s sets its logger to DEBUG, and then logs every build.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    index = bm25s.BM25(k1=_K1, b=_B, method="lucene", backend="numpy")
    index.index((rows, vocabulary), create_empty_token=False, show_progress=False)
    return index
