"""Cut text into the terms that lexical search compares.

Deterministic, and total: any string gives a list of terms, possibly empty. Each text has a language
(see `words.languages`), whose stop words are left out and by whose rules words are stemmed. In an
English text words with other letters stay as they are. Identifiers give their parts and, when they
have several, also the whole (`parseJsonFile` gives `parse`, `json`, `file`, `parsejsonfile`).
Scripts written without spaces give pairs of characters.

Linear in the length of the text; each distinct word is analysed once per `TermSplitter`.
Which terms weigh how much is left to the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain
from sys import getsizeof

from mba_integrations.core.search.words.accents import without_latin_accents
from mba_integrations.core.search.words.languages import (
    ENGLISH,
    language_of,
    stemmer,
    stop_words,
)
from mba_integrations.core.search.words.spellings import within

# Combining marks are no word characters to `re`; without them Indic and Thai words fall apart.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0981-\u0983\u09bc-\u09d7"
    r"\u0a01-\u0d63\u0e31-\u0e4e\u0eb1-\u0ecd\u102b-\u103e\u17b4-\u17d3"
)
_WORD = re.compile(rf"[\w{_MARKS}]+(?:'(?=\w)[\w{_MARKS}]+)*")
_ASCII_GAPS = bytes(
    code if re.fullmatch(r"[\w']", chr(code), re.ASCII) else ord(" ") for code in range(256)
)
"""What is between words of ASCII as spaces."""
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003134f]+"
)
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[^\W_]")
_HUMP = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_CONTRACTIONS = ("n't", "'m", "'ve", "'d", "'ll", "'re")
# These bound the memory that a stream of odd queries can take. English has 60 bytes of words and
# terms for each word that it uses, so all of it is known long before.
_MAX_KNOWN_BYTES = 64 * 2**20
_ENTRY_BYTES = 160  # of a dictionary's entry, and of the tuple in it
_MAX_TERM_CHARS = 64  # longer runs are data, not words; their beginning still finds them
MAX_KNOWN_CHARS = 64
"""Longer words are analysed each time they occur: they rarely come twice, and have no bound."""


class TermSplitter:
    """Texts to search terms, with a memory of the words seen so far.

    >>> TermSplitter().terms("The parsers of HTTPServer_v2, 東京都!")
    ['parser', 'http', 'server', 'v', '2', 'httpserver_v2', '東京', '京都']
    """

    def __init__(self) -> None:
        self._known: dict[int, _KnownWords] = {}
        self._room = _MAX_KNOWN_BYTES

    def terms(self, text: str) -> list[str]:
        """Terms of *text* in order, repeated as often as they occur, in the text's language."""
        words = words_of(text)
        return self.terms_in(words, language_of(words))

    def terms_in(self, words: Sequence[str], language: int) -> list[str]:
        """Terms of the words of a language, in order."""
        known = self._known.get(language)
        if known is None:
            known = self._known.setdefault(language, _KnownWords(self, language))
        # No step of this loop is Python's where all words are known, as most are.
        return list(chain.from_iterable(map(known.__getitem__, words)))

    def remember(self, known: _KnownWords, word: str, terms: tuple[str, ...]) -> None:
        """Keep the terms of a word, if it is short and there is room."""
        if len(word) > MAX_KNOWN_CHARS:
            return
        size = _ENTRY_BYTES + getsizeof(word) + sum(map(getsizeof, terms))
        if size <= self._room:
            known[word] = terms
            self._room -= size

    def terms_of_word(self, word: str, language: int = ENGLISH) -> Sequence[str]:
        """Terms of one of the words of `words_of`; the splitter does not remember it."""
        if word.isascii():
            return _words(word, language)
        word = unicodedata.normalize("NFKC", word)
        if not is_unspaced(word):
            return _words(without_latin_accents(word), language)
        result: list[str] = []
        start = 0
        for run in _UNSPACED.finditer(word):
            result += _words(word[start : run.start()], language)
            result += _character_pairs(run.group())
            start = run.end()
        return [*result, *_words(word[start:], language)]


class _KnownWords(dict[str, tuple[str, ...]]):
    """Terms of the words of one language; a word that is not there is analysed."""

    def __init__(self, splitter: TermSplitter, language: int) -> None:
        self._splitter = splitter
        self._language = language

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = tuple(self._splitter.terms_of_word(word, self._language))
        self._splitter.remember(self, word, found)
        return found


def _words(word: str, language: int) -> list[str]:
    if word.isalpha() and (word.islower() or not word.isascii() or not _HUMP.search(word)):
        term = _normal_form(word, language)  # most words are of one part
        return [term] if term else []
    lowered = word.lower()
    if lowered.endswith("'s"):
        word, lowered = word[:-2], lowered[:-2]
    elif lowered.endswith(_CONTRACTIONS):
        word = lowered = lowered.replace("'", "")
    pieces = word.split("'")
    parts = [part for piece in pieces for part in _identifier_parts(piece)]
    terms = [term for part in parts if (term := _normal_form(part, language))]
    # "l'examen" is two words, while the name of a function is one of several parts.
    is_one = language == ENGLISH or len(pieces) == 1
    if len(parts) > 1 and is_one and len(lowered) <= _MAX_TERM_CHARS:
        terms.append(lowered)
    return terms


def _normal_form(word: str, language: int) -> str:
    lowered = word.lower()[:_MAX_TERM_CHARS]
    if lowered in stop_words(language):
        return ""
    # English is what is taken for granted: other letters say that a word of it is foreign.
    can_stem = lowered.isalpha() and (language != ENGLISH or lowered.isascii())
    return stemmer(language)(lowered) if can_stem else lowered


def is_near_stop_word(word: str, language: int = ENGLISH) -> bool:
    """Whether a word is one slip away from a word that says nothing, as "waht" is.

    >>> is_near_stop_word("waht"), is_near_stop_word("Boat")
    (True, False)
    """
    lowered = word.lower()
    return any(
        stop[:1] == lowered[:1] and within(lowered, stop, edits=1, other=False)
        for stop in stop_words(language)
        if abs(len(stop) - len(lowered)) <= 1
    )


def is_unspaced(text: str) -> bool:
    """Whether a text has characters of a script that is written without spaces."""
    return _UNSPACED.search(text) is not None


def words_of(text: str) -> list[str]:
    """The words of a text as they stand in it, in order; what is between them is left out.

    >>> words_of("It's 'his' key_2: Kates'.")
    ["It's", 'his', 'key_2', 'Kates']
    """
    if not text.isascii():
        return _WORD.findall(text.replace("\u2019", "'"))
    # A quarter of the time of the search. Apostrophes are left, since some stand within a word.
    parts = text.encode("ascii").translate(_ASCII_GAPS).decode("ascii").split()
    if "'" not in text:
        return parts
    words: list[str] = []
    for part in parts:
        words += _WORD.findall(part) if "'" in part else (part,)
    return words


def _identifier_parts(word: str) -> list[str]:
    if not word.isascii():
        return [part for part in word.split("_") if part]
    if word.isdigit() or (word.isalpha() and not _HUMP.search(word)):
        return [word]
    return _IDENTIFIER_PART.findall(word)


def _character_pairs(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
