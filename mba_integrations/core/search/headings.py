"""Which items a text names: a heading of an item that stands word for word in the text.

The heading of an item is its first line when that is short, without a trailing part in brackets,
or else the capitalised name that the text begins with. Headings that many items share name
nothing. Building is linear in the number of items; finding is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import islice

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots, SlotTable
from mba_integrations.core.search.words.languages import STOP_WORDS

_WORD = re.compile(r"\w+")
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_LEADING_NAME = re.compile(r"(?:[A-Z][\w.'\u2019-]*\s+){2,6}(?=\(|is |was |are |were |has |had )")
_MAX_HEADING_CHARS = 100
_MAX_HEADING_WORDS = 12
_MAX_SHARED = 20  # a heading of more items than this is a form, not a name
_MAX_TEXT_CHARS = 6_000  # what is named further down in a long item is rarely what it is about

Words = tuple[str, ...]


class HeadingIndex:
    """Headings of items, to be found in other texts.

    >>> index = HeadingIndex(["Ada Lovelace\\nA mathematician.", "Her notes cite Ada Lovelace."])
    >>> index.named_in("Who taught Ada Lovelace?")
    {0: 1.0}
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._slots = Slots.for_rows(len(texts))
        # Lengths of headings by their first word, also of headings that are gone.
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._table: SlotTable[Words] = SlotTable.of(
            self._headings(enumerate(texts)), count=len(texts)
        )

    def changed(self, texts: Sequence[str], rows: RowMap) -> HeadingIndex:
        """Headings of other texts; those of rows that are not fresh are taken from here."""
        result = copy(self)
        result._slots = self._slots.changed(rows)
        numbers = range(self._slots.count, result._slots.count)
        fresh = [texts[row] for row in rows.fresh.tolist()]
        found = self._headings(zip(numbers, fresh, strict=True))
        result._table = self._table.extended(found, count=result._slots.count)
        if result._slots.is_sparse:
            result._table = result._table.renumbered(result._slots.row_of)
            result._slots = Slots.for_rows(len(texts))
            result._lengths = {}
            for words in result._table.known_keys():
                result._know_length(words)
        return result

    def _headings(self, texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Words]]:
        for slot, text in texts:
            heading = heading_words(text)
            if heading:
                words = tuple(word.lower() for word in heading)
                self._know_length(words)
                yield slot, words

    def _know_length(self, words: Words) -> None:
        known = self._lengths.get(words[0], ())
        if len(words) not in known:
            self._lengths[words[0]] = tuple(sorted({*known, len(words)}, reverse=True))

    def named_in(self, text: str) -> dict[int, float]:
        """Rows whose heading stands in *text*, and how sure that is, in (0, 1].

        The longest heading at a place wins. One shared by k items counts 1 / k for each. A
        heading of one word counts only where the text writes it with a capital or a digit.
        """
        if not self._lengths:
            return {}
        found: dict[int, float] = {}
        words = _WORD.findall(text[:_MAX_TEXT_CHARS])
        lowered = [word.lower() for word in words]
        at = 0
        while at < len(words):
            at += self._match_at(at, words, lowered, found)
        return found

    def _match_at(
        self, at: int, words: list[str], lowered: list[str], found: dict[int, float]
    ) -> int:
        for length in self._lengths.get(lowered[at], ()):
            here = tuple(lowered[at : at + length])
            is_plain_word = len(here) == 1 and words[at] == lowered[at] and words[at].isalpha()
            # At the end of the text fewer words are left, which may be a shorter heading.
            rows = [] if is_plain_word or len(here) < length else self._rows(here)
            if not rows:
                continue
            for row in rows:
                found[row] = max(found.get(row, 0.0), 1.0 / len(rows))
            return length
        return 1

    def _rows(self, words: Words) -> list[int]:
        """Rows with that heading; none where so many have it that it names nothing."""
        found = map(self._slots.row, self._table.slots(words))
        rows = list(islice((row for row in found if row >= 0), _MAX_SHARED + 1))
        return rows if len(rows) <= _MAX_SHARED else []


def heading_words(text: str) -> Words:
    """The words of the heading of a text, as they are written; none where it has no heading.

    >>> heading_words("Ada Lovelace (1815)\\nA mathematician.")
    ('Ada', 'Lovelace')
    """
    line, newline, _ = text.lstrip()[: _MAX_HEADING_CHARS + 1].partition("\n")
    if newline:
        line = _BRACKETS.sub("", line.strip())
    else:
        name = _LEADING_NAME.match(line)
        line = name.group() if name else ""
    if not line:
        return ()
    words = tuple(_WORD.findall(line))
    informative = any(len(word) > 1 and word.lower() not in STOP_WORDS for word in words)
    return words if informative and len(words) <= _MAX_HEADING_WORDS else ()
