"""The columns of a lexical index: which text has which term how often, and its language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.rows.slots import Slots
from mba_integrations.core.search.postings import Postings, merged
from mba_integrations.core.search.term_numbers import TermNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTexts:
    """What is known of all texts where an index holds some of them, so that a word weighs in these
    as it would among all.

    Attributes:
        texts: How many there are.
        terms: How many terms they have together.
        frequencies: Texts that have a term, of the terms of which that is known; of another one it
            is what the texts of the index say.
    """

    texts: int
    terms: int
    frequencies: Mapping[str, int]

    def known_of(self, numbers: TermNumbers, frequencies: IntArray) -> IntArray:
        """Frequencies of terms by their numbers, with what is known of all texts."""
        result = frequencies.copy()
        for term, count in self.frequencies.items():
            number = numbers.number(term)
            if number is not None and number < len(result) and result[number]:
                result[number] = max(count, int(result[number]))
        return result


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
        whole: What is known of all texts; None where these are all.
    """

    numbers: TermNumbers
    slots: Slots
    parts: tuple[Postings, ...]
    sizes: IntArray
    languages: IntArray
    frequencies: IntArray
    total: int
    in_order: bool
    whole: WholeTexts | None = None

    @property
    def text_count(self) -> int:
        """How many texts there are in all."""
        return self.slots.size if self.whole is None else max(self.whole.texts, self.slots.size)

    @property
    def mean_size(self) -> float:
        """Terms of a text in the mean of all."""
        total, texts = self.total, self.slots.size
        if self.whole is not None:
            total, texts = self.whole.terms, self.whole.texts
        return total / max(1, texts)

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
        return inverse_frequency(frequency, self.text_count)


def inverse_frequency(frequency: int, texts: int) -> float:
    """How rare a word is that so many of the texts have, > 0: natural logarithm, as Lucene has it.

    >>> round(inverse_frequency(1, 3), 2), round(inverse_frequency(2, 3), 2)
    (0.98, 0.47)
    """
    return math.log1p((texts - frequency + 0.5) / (frequency + 0.5))
