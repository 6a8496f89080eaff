"""Search terms as numbers.

Terms are numbered in order of appearance and keep their number; the numbering only grows, so the
versions of an index share one. Safe to use from many threads. What a number is says nothing: it
depends on what was indexed before.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.search.terms import MAX_KNOWN_CHARS, TermSplitter, words_of
from mba_integrations.core.search.words.languages import language_of
from mba_integrations.core.search.words.spellings import Spellings

# Frequent words come early; others are analysed each time they occur. With the bound on the length
# of each this is at most 50 MB for all languages, and 10 MB of English.
_MAX_KNOWN_WORDS = 50_000


@dataclass(frozen=True, slots=True)
class CutTexts:
    """Texts as numbers of terms.

    Attributes:
        terms: Those of all texts one after another, int32.
        sizes: How many each text has, int32.
        languages: Code of the language of each text, uint8.
        first_new: Terms from this number on were new.
    """

    terms: IntArray
    sizes: IntArray
    languages: IntArray
    first_new: int


class TermNumbers:
    """Numbers of terms.

    >>> numbers = TermNumbers()
    >>> cut = numbers.cut(["Kate likes skiing.", "Who likes Kate?"])
    >>> cut.terms.tolist(), cut.sizes.tolist(), cut.first_new
    ([0, 1, 2, 1, 0], [3, 2], 0)
    """

    def __init__(self, terms: Iterable[str] = ()) -> None:
        self.splitter = TermSplitter()
        self._numbers = _Numbers({term: number for number, term in enumerate(terms)})
        self._words: dict[int, _WordNumbers] = {}
        self._lock = threading.Lock()
        self._spellings = Spellings()

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, term: str) -> int | None:
        """Number of a term; None if no text had it."""
        return self._numbers.get(term)

    def known(self, terms: Iterable[str]) -> list[int]:
        """Numbers of those terms that a text had, in their order."""
        return [number for number in map(self._numbers.get, terms) if number is not None]

    def nearest(self, term: str, *, frequencies: IntArray) -> int | None:
        """Number of the term with the nearest spelling that some text has; None if none is near.

        What it takes is made at the first call, and extended by the terms that are new since.

        Args:
            term: One that no text has.
            frequencies: Texts that have each of the first terms.
        """
        with self._lock:
            known = len(self._spellings.words)
            if known < len(self._numbers):
                new = list(islice(self._numbers, known, None))
                self._spellings = self._spellings.extended(new)
            spellings = self._spellings
        return spellings.nearest(term, frequencies=frequencies)

    def term(self, number: int) -> str:
        """The term of a number that `nearest` gave."""
        return self._spellings.words[number]

    def terms(self) -> list[str]:
        """All terms, in the order of their numbers."""
        return list(self._numbers)

    def cut(self, texts: Sequence[str]) -> CutTexts:
        """The texts as terms."""
        flat, sizes, languages = array("i"), array("i"), bytearray()
        with self._lock:
            first_new = len(self._numbers)
            for text in texts:
                before, words = len(flat), words_of(text)
                language = language_of(words)
                number_of = self._numbers_of(language).__getitem__
                flat.extend(chain.from_iterable(map(number_of, words)))
                sizes.append(len(flat) - before)
                languages.append(language)
        return _cut_texts(flat, sizes, languages, first_new)

    def numbered(self, texts: Iterable[tuple[int, Sequence[str]]]) -> CutTexts:
        """Texts that were cut elsewhere, as terms.

        Args:
            texts: Code of the language, and terms, of each.
        """
        flat, sizes, languages = array("i"), array("i"), bytearray()
        with self._lock:
            first_new, number_of = len(self._numbers), self._numbers.__getitem__
            for language, terms in texts:
                flat.extend(map(number_of, terms))
                sizes.append(len(terms))
                languages.append(language)
        return _cut_texts(flat, sizes, languages, first_new)

    def _numbers_of(self, language: int) -> _WordNumbers:
        """Numbers of the terms of each word of a language."""
        known = self._words.get(language)
        if known is None:
            known = _WordNumbers(self.splitter, self._numbers, language, self._words)
            self._words[language] = known
        return known


def _cut_texts(
    flat: array[int], sizes: array[int], languages: bytearray, first_new: int
) -> CutTexts:
    terms, counts = np.frombuffer(flat, dtype=np.intc), np.frombuffer(sizes, dtype=np.intc)
    return CutTexts(
        terms=terms.astype(np.int32, copy=False),
        sizes=counts.astype(np.int32),
        languages=np.frombuffer(bytes(languages), dtype=np.uint8),
        first_new=first_new,
    )


class _Numbers(dict[str, int]):
    """Numbers of terms; a term that is missing gets the next one."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


class _WordNumbers(dict[str, tuple[int, ...]]):
    """Numbers of the terms of each word; a word that is missing is analysed and numbered."""

    def __init__(
        self,
        splitter: TermSplitter,
        numbers: dict[str, int],
        language: int,
        beside: Mapping[int, Sized],
    ) -> None:
        self._splitter = splitter
        self._beside = beside
        self._language = language
        self._numbers = numbers

    def __missing__(self, word: str) -> tuple[int, ...]:
        numbers = self._numbers
        terms = self._splitter.terms_of_word(word, self._language)
        found = tuple([numbers.setdefault(term, len(numbers)) for term in terms])
        # Numbers such as those of accounts rarely come twice.
        known = sum(map(len, self._beside.values()))
        if known < _MAX_KNOWN_WORDS and len(word) <= MAX_KNOWN_CHARS and not word.isdigit():
            self[word] = found
        return found
