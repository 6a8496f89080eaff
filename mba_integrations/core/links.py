"""Which items a text names: a heading of an item that stands word for word in the text.

The heading of an item is its first line when that is short, without a trailing part in brackets,
or else the capitalised name that the text begins with. Headings that many items share name
nothing. Building is linear in the number of items; finding is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mba_integrations.core.search_terms import STOP_WORDS

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
        rows: dict[Words, list[int]] = {}
        for row, text in enumerate(texts):
            heading = _heading(text)
            if heading:
                rows.setdefault(heading, []).append(row)
        self._rows = {words: found for words, found in rows.items() if len(found) <= _MAX_SHARED}
        self._lengths: dict[str, list[int]] = {}
        for words in self._rows:
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)

    def named_in(self, text: str) -> dict[int, float]:
        """Rows whose heading stands in *text*, and how sure that is, in (0, 1].

        The longest heading at a place wins. One shared by k items counts 1 / k for each. A
        heading of one word counts only where the text writes it with a capital or a digit.
        """
        if not self._rows:
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
            rows = self._rows.get(tuple(lowered[at : at + length]))
            if rows is None or (length == 1 and words[at] == lowered[at] and words[at].isalpha()):
                continue
            for row in rows:
                found[row] = max(found.get(row, 0.0), 1.0 / len(rows))
            return length
        return 1


def _heading(text: str) -> Words:
    line, newline, _ = text.lstrip()[: _MAX_HEADING_CHARS + 1].partition("\n")
    if newline:
        line = _BRACKETS.sub("", line.strip())
    else:
        name = _LEADING_NAME.match(line)
        line = name.group() if name else ""
    words = tuple(word.lower() for word in _WORD.findall(line))
    informative = any(len(word) > 1 and word not in STOP_WORDS for word in words)
    return words if informative and len(words) <= _MAX_HEADING_WORDS else ()
