"""Token counters whose numbers a reader can count: words, and characters."""

from __future__ import annotations

from collections.abc import Sequence


class CharacterCounter:
    """One token for each character: counts add up over any two texts.

    >>> CharacterCounter().count_batch(["ab", ""])
    [2, 0]
    """

    id = "characters"
    exact = True

    def count(self, text: str, /) -> int:
        """Characters of the text."""
        return len(text)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Counts in the order of the texts."""
        return [self.count(text) for text in texts]


class WordCounter(CharacterCounter):
    """One token for each word between white space: counts add up over lines.

    Marks of the prompt's own are words too: a line `- Kate skis.` has three.

    >>> WordCounter().count("- Kate skis.")
    3
    """

    id = "words"

    def count(self, text: str, /) -> int:
        """Words of the text."""
        return len(text.split())
