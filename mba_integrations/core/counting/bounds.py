"""How few tokens a text can have, without counting it.

OpenAI's encodings cut a text into pieces before they merge bytes, and a piece is one token or more.
No piece holds white space that is followed by anything else, but for line ends before a slash
(`o200k`). So a text has at least as many tokens as it has words that do not begin with a slash at
the beginning of a line. A word costs 40 ns here, a token 250.

Six words are six tokens at least; but a line end and the slash after it may be one piece, so the
second line below adds nothing that is certain:

>>> fewest_by_words(["to be or not to be", "one\\n/two"], [-1, -1])
[6, 1]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mba_integrations.core.counting.counter import TokenCounter

# After these a word may share a piece with what is before it: a slash after a line end, and what
# Python takes for white space and the encodings do not.
_SHARING = ("\n/", "\r/", "\x1c", "\x1d", "\x1e", "\x1f")
_ENCODINGS = ("o200k_base", "o200k_harmony", "cl100k_base", "p50k_base", "p50k_edit", "r50k_base")

Bound = Callable[[Sequence[str], Sequence[int]], list[int]]
"""Texts, and how many tokens are enough to find in each; tokens that each has at least."""


def fewest_by_words(texts: Sequence[str], enough: Sequence[int]) -> list[int]:
    """Tokens that each text has at least in OpenAI's encodings, >= 0.

    Args:
        texts: Any texts.
        enough: The first so many words of each will do, and what is after them; -1 for all.

    >>> fewest_by_words(["to be or not to be"] * 2, [-1, 2])
    [6, 3]
    """
    words = [len(text.split(None, some)) for text, some in zip(texts, enough, strict=True)]
    # One search in all texts takes less than one in each, and one for a single character least.
    together = " ".join(texts)
    found = [mark for mark in _SHARING if mark[-1] in together and mark in together]
    if not found:
        return words
    return [
        max(0, count - sum(map(text.count, found)))
        for text, count in zip(texts, words, strict=True)
    ]


def bound_of(counter: TokenCounter) -> Bound | None:
    """The bound that holds for a counter; None where none is known.

    It is known for OpenAI's encodings, which a counter names in its `id`.
    """
    family, _, encoding = counter.id.partition(":")
    return fewest_by_words if family == "tiktoken" and encoding in _ENCODINGS else None
