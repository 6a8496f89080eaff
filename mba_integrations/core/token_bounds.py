"""How few tokens a text can have, without counting it.

OpenAI's encodings cut a text into pieces before they merge bytes, and a piece is one token or more.
No piece holds white space that is followed by anything else, but for line ends before a slash
(`o200k`). So a text has at least as many tokens as it has words that do not begin with a slash at
the beginning of a line. A word costs 40 ns here, a token
250.
"""

from __future__ import annotations

from collections.abc import Callable

from mba_integrations.core.token_counting import TokenCounter

# Python takes these for white space, the encodings do not.
_NO_WHITE_SPACE = "\x1c\x1d\x1e\x1f"


def fewest_by_words(text: str, enough: int = -1) -> int:
    """Tokens that *text* has at least in OpenAI's encodings, >= 0.

    Args:
        text: Any text.
        enough: The first so many words will do, and what is after them; -1 for all.

    >>> fewest_by_words("to be or not to be"), fewest_by_words("to be or not to be", 2)
    (6, 3)
    """
    words = len(text.split(None, enough))
    if "/" in text:
        words -= text.count("\n/") + text.count("\r/")
    for mark in _NO_WHITE_SPACE:
        if mark in text:
            words -= text.count(mark)
    return max(0, words)


_ENCODINGS = ("o200k_base", "o200k_harmony", "cl100k_base", "p50k_base", "p50k_edit", "r50k_base")


def bound_of(counter: TokenCounter) -> Callable[[str, int], int] | None:
    """The bound that holds for a counter; None where none is known.

    It is known for OpenAI's encodings, which a counter names in its `id`.
    """
    family, _, encoding = counter.id.partition(":")
    return fewest_by_words if family == "tiktoken" and encoding in _ENCODINGS else None
