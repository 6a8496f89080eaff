"""Postings of a term in bytes, and BM25 over them: who has a term, how often, in a text how long.

    texts at places 1007 (12 terms, "kate" twice) and 1031 (9 terms, once) of a part from 1000 on

    7 31 | 12 9 | 2 1      places from the first of the part, lengths, counts: 4, 2 and 1 byte each

All that BM25 needs of a text stands in its postings, so ranking a million texts reads those of the
asked terms alone. A length beyond 65,535 and a count beyond 255 are written as these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.search.lexical import BM25_B, BM25_K1
from mba_integrations.core.search.postings import Postings
from mba_integrations.core.search.term_numbers import TermNumbers
from mba_integrations.core.search.words.written_terms import cut_written

_PLACE, _SIZE, _COUNT = np.dtype("<u4"), np.dtype("<u2"), np.dtype("u1")
_PAIR_BYTES = _PLACE.itemsize + _SIZE.itemsize + _COUNT.itemsize


@dataclass(frozen=True, slots=True)
class Pairs:
    """Texts that have a term, n of them.

    Attributes:
        places: From the first place of the part, shape (n,).
        sizes: Terms of each text, shape (n,).
        counts: How often each has the term, shape (n,).
    """

    places: IntArray
    sizes: IntArray
    counts: IntArray

    def to_bytes(self) -> bytes:
        """In writing."""
        return b"".join(
            np.minimum(values, np.iinfo(kind).max).astype(kind).tobytes()
            for values, kind in ((self.places, _PLACE), (self.sizes, _SIZE), (self.counts, _COUNT))
        )

    @classmethod
    def from_bytes(cls, written: bytes) -> Pairs:
        """What `to_bytes` wrote.

        >>> pairs = Pairs(np.array([7, 31]), np.array([12, 9]), np.array([2, 300]))
        >>> Pairs.from_bytes(pairs.to_bytes()).counts.tolist()
        [2, 255]
        """
        count = len(written) // _PAIR_BYTES
        sizes_at = count * _PLACE.itemsize
        counts_at = sizes_at + count * _SIZE.itemsize
        return cls(
            np.frombuffer(written, _PLACE, count),
            np.frombuffer(written, _SIZE, count, sizes_at),
            np.frombuffer(written, _COUNT, count, counts_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPart:
    """The terms of many texts.

    Attributes:
        texts: How many there are.
        terms: How many terms they have together.
        languages: Codes of their languages, ascending.
        pairs: Texts of each term, one term after the other.
    """

    texts: int
    terms: int
    languages: tuple[int, ...]
    pairs: Iterable[tuple[str, Pairs]]


def cut_part(places: Sequence[int], texts: Sequence[str], written: Sequence[str | None]) -> CutPart:
    """The terms of texts at some places of a part.

    >>> part = cut_part([0, 4], ["Kate skis.", "Kate, Kate"], [None, None])
    >>> [(term, pairs.places.tolist(), pairs.counts.tolist()) for term, pairs in part.pairs]
    [('kate', [0, 4], [1, 2]), ('ski', [0], [1])]
    """
    numbers = TermNumbers()
    cut = cut_written(texts, written, numbers)
    return CutPart(
        texts=len(texts),
        terms=len(cut.terms),
        languages=tuple(np.unique(cut.languages).tolist()),
        pairs=_pairs(Postings.of_texts(cut, first_slot=0), numbers, np.array(places), cut.sizes),
    )


def _pairs(
    postings: Postings, numbers: TermNumbers, places: IntArray, sizes: IntArray
) -> Iterator[tuple[str, Pairs]]:
    names = numbers.terms()
    ends = zip(postings.starts[:-1].tolist(), postings.starts[1:].tolist(), strict=True)
    for term, (start, end) in zip(postings.terms.tolist(), ends, strict=True):
        slots = postings.slots[start:end]
        yield names[term], Pairs(places[slots], sizes[slots], postings.counts[start:end])


def bm25(pairs: Pairs, weight: float, mean_size: float) -> FloatArray:
    """What a term of that weight adds to the score of each text that has it, shape (n,)."""
    counts = pairs.counts.astype(np.float32)
    below = pairs.sizes.astype(np.float32)
    below *= np.float32(BM25_K1 * BM25_B / max(mean_size, 1e-9))
    below += counts + np.float32(BM25_K1 * (1.0 - BM25_B))
    return np.asarray(np.float32(weight) * counts / below)
