"""The columns of a lexical index: which text has which term how often, and its language."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.rows.slots import Slots
from mba_integrations.core.search.postings import Postings, merged
from mba_integrations.core.search.term_numbers import TermNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalColumns:
    """What an index holds of its texts.

    Attributes:
        numbers: Numbers of the terms, shared with indexes of other moments.
        slots: Numbers of the texts.
        parts: Postings, no slot in two of them; also of texts that have gone.
        sizes: Terms of the text of each slot, int32.
        languages: Code of the language of the text of each slot, uint8.
        frequencies: Texts that have each term, without those that have gone, int32. Terms that are
            numbered beyond its end are of another moment.
        total: Terms of all texts, without those that have gone.
        in_order: Whether terms are numbered as they first appear in the texts.
    """

    numbers: TermNumbers
    slots: Slots
    parts: tuple[Postings, ...]
    sizes: IntArray
    languages: IntArray
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
            languages=slots.by_row(self.languages),
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

    def has(self, number: int) -> bool:
        """Whether a text has the term of a number."""
        return number < len(self.frequencies) and bool(self.frequencies[number])

    def rarity(self, frequency: int) -> float:
        """Inverse document frequency of what so many texts have, > 0."""
        return math.log1p((self.slots.size - frequency + 0.5) / (frequency + 0.5))
