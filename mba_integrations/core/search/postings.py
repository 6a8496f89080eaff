"""Which texts have a term and how often, for the BM25 of a query.

Postings are arrays sorted by term; they never change, and two of them are merged into a third.
A text is known by its slot. Building sorts the terms once; looking a term up is a binary search,
adding up its scores is linear in the texts that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.search.term_numbers import CutTexts

_MERGED_AT = 2  # a later part joins the one before it when that is less than so many times larger


@dataclass(frozen=True, slots=True)
class Postings:
    """Pairs of a term and a slot, p in all, with how often the text of the slot has the term.

    Args:
        terms: The terms that occur, ascending, shape (t,).
        starts: Where the pairs of each term begin, and at the end p, shape (t + 1,).
        slots: Slot of each pair, shape (p,), int32.
        counts: Occurrences in each pair, at least 1, shape (p,), of the smallest integer type.
    """

    terms: IntArray
    starts: IntArray
    slots: IntArray
    counts: IntArray

    @classmethod
    def of_texts(cls, cut: CutTexts, *, first_slot: int) -> Postings:
        """Postings of texts whose slots follow each other from *first_slot* on."""
        texts = max(1, len(cut.sizes))
        # Arrays are changed in place, since a few of this size are most of what a build needs.
        pairs = cut.terms.astype(np.int64)
        pairs *= texts
        pairs += np.repeat(np.arange(len(cut.sizes), dtype=np.int32), cut.sizes)
        pairs.sort()
        firsts = _run_starts(pairs)
        counts = np.diff(firsts, append=len(pairs))
        pairs = pairs[firsts]
        terms = (pairs // texts).astype(np.int32)
        pairs %= texts
        pairs += first_slot
        return _grouped(terms, pairs, counts)

    @property
    def size(self) -> int:
        """Number of pairs."""
        return len(self.slots)

    def pair_terms(self) -> IntArray:
        """Term of each pair, shape (p,)."""
        return np.repeat(self.terms, np.diff(self.starts))

    def slots_of(self, term: int) -> IntArray:
        """Slots that have a term."""
        place = int(np.searchsorted(self.terms, self.terms.dtype.type(term)))
        if place == len(self.terms) or self.terms[place] != term:
            return self.slots[:0]
        return self.slots[self.starts[place] : self.starts[place + 1]]

    def add_scores(
        self, scores: FloatArray, terms: Sequence[int], weights: Sequence[float], norms: FloatArray
    ) -> None:
        """Add the BM25 of the terms to the scores, in the order of the terms.

        Args:
            scores: Of every slot, shape (s,), float32; changed in place.
            terms: Different terms.
            weights: Inverse document frequency of each.
            norms: What a text's length adds to the count below the line, shape (s,), float32.
        """
        # Of the type of `terms`: numpy would copy all of these to search them for another one.
        wanted = np.array(terms, dtype=self.terms.dtype)
        places = np.minimum(np.searchsorted(self.terms, wanted), len(self.terms) - 1)
        here = np.flatnonzero(self.terms[places] == wanted)
        if not len(here):
            return
        starts, ends = self.starts[places[here]], self.starts[places[here] + 1]
        parts = [slice(*ends_of) for ends_of in zip(starts.tolist(), ends.tolist(), strict=True)]
        # The pairs of all terms one after another: numpy adds them up in their order.
        slots = np.concatenate([self.slots[part] for part in parts])
        counts = np.concatenate([self.counts[part] for part in parts]).astype(np.float32)
        below = norms.take(slots)
        below += counts
        counts *= np.repeat(np.array(weights, dtype=np.float32)[here], ends - starts)
        counts /= below
        np.add.at(scores, slots, counts)

    def renumbered(self, row_of: IntArray) -> Postings:
        """With the row of each slot in its place; pairs of slots without a row, -1, go."""
        rows = row_of[self.slots]
        kept = rows >= 0
        return _grouped(self.pair_terms()[kept], rows[kept], self.counts[kept])


def merged(parts: Sequence[Postings]) -> Postings:
    """All pairs of the parts; within a term those of an earlier part come first."""
    if len(parts) == 1:
        return parts[0]
    parts = (_NOTHING, *parts)
    terms = np.concatenate([part.pair_terms() for part in parts])
    order = np.argsort(terms, kind="stable")
    slots = np.concatenate([part.slots for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    return _grouped(terms[order], slots[order], counts[order])


def appended(parts: tuple[Postings, ...], new: Postings) -> tuple[Postings, ...]:
    """The parts and a new one; small ones are merged, so that their number is logarithmic.

    Every part is more than twice the size of the one after it, so a pair is merged at most as
    often as the whole can be halved.
    """
    if not new.size:
        return parts
    kept, tail = list(parts), [new]
    size = new.size
    while kept and kept[-1].size < _MERGED_AT * size:
        tail.insert(0, kept.pop())
        size += tail[0].size
    return (*kept, merged(tail) if len(tail) > 1 else new)


def _grouped(terms: IntArray, slots: IntArray, counts: IntArray) -> Postings:
    """Postings of pairs that are sorted by term."""
    firsts = _run_starts(terms)
    smallest = np.min_scalar_type(int(counts.max(initial=1)))
    return Postings(
        terms=terms[firsts].astype(np.int32),
        starts=np.append(firsts, len(terms)).astype(np.int64),
        slots=slots.astype(np.int32),
        counts=counts.astype(smallest),
    )


def _run_starts(values: IntArray) -> IntArray:
    """Where a value differs from the one before it, shape (runs,)."""
    differs = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return np.flatnonzero(differs)


_NONE = np.zeros(0, dtype=np.uint8)
_NOTHING = _grouped(_NONE, _NONE, _NONE)
