"""The nearest spelling of a word that no text has: "pasword" is "password".

Near is one edit: a letter too many, too few or another one, or two neighbours that change places;
from seven letters on two edits. The first letter is right, as it is in nearly all slips of the
finger, and a word of four letters has no other letter in place of one, since "beer" is not "bear".
Shorter words and those with anything but letters are left as they are. Of equally near words the
one that most texts have is meant, then the first by the alphabet.

Looked for only where a word is met nowhere. Each word is kept as a first letter, a length and a set
of letters, 64 bits, so that most are passed over by a few operations on arrays: 10 ms for a word
and 300,000 others.

The sets of "pasword" and "password" are equal; that of "passage" differs from both in g, e, w, r, o
and d, which two edits cannot make good:

>>> within("pasword", "password", edits=1), within("teh", "the", edits=1)
(True, True)
>>> spellings = Spellings().extended(["password", "passage", "harbour"])
>>> spellings.nearest("pasword", frequencies=np.array([1, 5, 2]))
0
>>> spellings.nearest("harbuor", frequencies=np.array([1, 5, 0])) is None
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mba_integrations.core.arrays import IntArray

SHORTEST = 4
_NO_OTHER_LETTER = 4
"""Words of so many letters may lack a letter or have one too many, but not another one."""
_TWO_EDITS_FROM = 7
_BITS = 64
_MOST_COMPARED = 4_000
"""Words that are compared letter by letter, in each of two rounds."""


def can_be_misspelt(word: str) -> bool:
    """Whether a nearest spelling is looked for."""
    return len(word) >= SHORTEST and word.isalpha()


@dataclass(frozen=True, slots=True)
class Spellings:
    """Words with what tells quickly that another is not near; a later one has more words.

    Attributes:
        words: The words, by number.
        first: Code of the first letter of each, 0 for a word that is nobody's spelling.
        lengths: Letters of each.
        letters: Set of its letters, one bit for letters that are equal modulo 64.
    """

    words: list[str] = field(default_factory=list)
    first: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.uint32))
    lengths: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    letters: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    def extended(self, words: Sequence[str]) -> Spellings:
        """With more words, numbered after those that are there."""
        first, lengths, letters = _traits(words)
        return Spellings(
            words=[*self.words, *words],
            first=np.concatenate([self.first, first]),
            lengths=np.concatenate([self.lengths, lengths]),
            letters=np.concatenate([self.letters, letters]),
        )

    def nearest(self, word: str, *, frequencies: IntArray) -> int | None:
        """Number of the nearest word that some text has; None if none is near.

        Args:
            word: One that no text has.
            frequencies: Texts that have each of the first words; words beyond have none.
        """
        if not can_be_misspelt(word):
            return None
        for edits in (1, 2) if len(word) >= _TWO_EDITS_FROM else (1,):
            near = [
                number
                for number in self._candidates(word, edits, frequencies)
                if within(word, self.words[number], edits=edits, other=len(word) > _NO_OTHER_LETTER)
            ]
            if near:
                return min(near, key=lambda n: (-int(frequencies[n]), self.words[n]))
        return None

    def _candidates(self, word: str, edits: int, frequencies: IntArray) -> list[int]:
        """Numbers of words that may be that near: an edit changes at most two letters of a set."""
        (first,), (length,), (letters,) = _traits([word])
        known = min(len(frequencies), len(self.first))
        alike = (self.first[:known] == first) & (frequencies[:known] > 0)
        numbers = np.flatnonzero(alike)
        numbers = numbers[np.abs(self.lengths[numbers] - length) <= edits]
        differ = np.bitwise_count(self.letters[numbers] ^ letters)
        near = np.flatnonzero(differ <= 2 * edits)
        order = np.argsort(differ[near], kind="stable")[:_MOST_COMPARED]
        found: list[int] = numbers[near[order]].tolist()
        return found


def _traits(words: Sequence[str]) -> tuple[IntArray, IntArray, IntArray]:
    """First letter, length and set of letters of each word, worked out over all letters at once."""
    spelt = [word if can_be_misspelt(word) else " " for word in words]
    lengths = np.array([len(word) for word in spelt], dtype=np.int32)
    codes = np.frombuffer("".join(spelt).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    starts = np.cumsum(lengths) - lengths
    if not len(words):
        return codes, lengths, codes.astype(np.uint64)
    bits = np.left_shift(np.uint64(1), (codes % _BITS).astype(np.uint64))
    first = np.where(lengths >= SHORTEST, codes[starts], np.uint32(0))
    return first, lengths, np.bitwise_or.reduceat(bits, starts)


def within(left: str, right: str, *, edits: int, other: bool = True) -> bool:
    """Whether two words are at most so many edits apart.

    Args:
        left, right: The words.
        edits: Letters too many, too few or other ones, and pairs of neighbours that change places.
        other: Whether another letter in place of one is an edit; else it takes two.
    """
    same = 0
    while same < min(len(left), len(right)) and left[same] == right[same]:
        same += 1
    left, right = left[same:], right[same:]
    if not left or not right:
        return len(left) + len(right) <= edits
    if not edits:
        return False
    less = edits - 1
    return (
        within(left[1:], right, edits=less, other=other)
        or within(left, right[1:], edits=less, other=other)
        or (other and within(left[1:], right[1:], edits=less, other=other))
        or (left[:2] == right[1::-1] and within(left[2:], right[2:], edits=less, other=other))
    )
