"""Names in a text: runs of words that begin with a capital letter.

A long run may be several names, or a name with a title, so its first and its last two words count
as names as well. Scripts without capitals have none. Linear in the text.

>>> names_in("Ada King Lovelace met C. Babbage in London. She wrote.")
['Ada King Lovelace', 'Ada King', 'King Lovelace', 'C. Babbage', 'London', 'She']
"""

from __future__ import annotations

import re

_WORD = r"(?:[A-Z]\.|\w(?:[\w'’.-]*\w)?)"  # an initial, or a word without the stop behind it
_RUN = re.compile(rf"{_WORD}(?: {_WORD})*")
_MAX_CHARACTERS = 6_000  # as for headings: what stands further down is rarely what it is about
_MOST_NAMES = 40


def names_in(text: str) -> list[str]:
    """Names in the beginning of a text, each once, in order of appearance; at most 40."""
    found: dict[str, None] = {}
    for run in _RUN.findall(text[:_MAX_CHARACTERS]):
        for words in _capitalised(run.split(" ")):
            found |= dict.fromkeys(_names_of(words))
            if len(found) >= _MOST_NAMES:
                return list(found)[:_MOST_NAMES]
    return list(found)


def _capitalised(words: list[str]) -> list[list[str]]:
    """Runs of words that begin with a capital letter."""
    runs: list[list[str]] = [[]]
    for word in words:
        if word[0].isupper():
            runs[-1].append(word)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _names_of(words: list[str]) -> list[str]:
    parts = [words] if len(words) <= 2 else [words, words[:2], words[-2:]]
    return [" ".join(part) for part in parts]
