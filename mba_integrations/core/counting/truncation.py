"""Cut one text to a number of tokens, by any counter.

The result is a prefix of the text and never counts more than asked for. It ends between
characters as a reader sees them: an accent stays with its letter, an emoji with its modifiers, a
carriage return with its newline.

Costs about 20 + 2 * log2(max_tokens) counts of texts not much longer than the result, however long
the input is. Prefixes are counted once each, so a counter without a cache serves best.

Within 3 characters, an e with its accent (two code points) fits after the a, but not half of it:

>>> from mba_integrations.core.counting.given_counters import CallableCounter
>>> characters = CallableCounter(len, id="characters")
>>> [truncate(characters, "ae\\u0301o", tokens)[1] for tokens in (1, 2, 3, 4)]
[1, 1, 3, 4]
"""

from __future__ import annotations

import unicodedata
from functools import partial
from itertools import islice

from mba_integrations.core.counting.counter import TokenCounter, checked_count
from mba_integrations.core.errors import InputError

# First guess at a prefix; English has about 4 characters per token.
_CHARS_PER_TOKEN = 4

# A longer prefix can have fewer tokens, as a word is completed. So many further cuts are tried.
_LOOK_AHEAD_CUTS = 16

# Longest chain of joined characters that is kept whole; longer ones occur in hostile text only, and
# looking back over all of one would cost its length again at each cut.
_MAX_JOINED_CHARS = 64

_ZERO_WIDTH_JOINER = "\u200d"


def truncate(counter: TokenCounter, text: str, max_tokens: int) -> tuple[str, int]:
    """The longest prefix of *text* that has at most *max_tokens* tokens, and its count.

    Counts that fall and rise again as the prefix grows are followed for 16 further cuts; a longer
    prefix that fits may exist beyond those.

    Args:
        counter: What counts.
        text: Any text.
        max_tokens: >= 0.

    Raises:
        InputError: If *max_tokens* is not an integer >= 0, or the counter gives no such count.

    >>> from mba_integrations.core.counting.given_counters import CallableCounter
    >>> truncate(CallableCounter(len, id="characters"), "abcdef", 4)
    ('abcd', 4)
    """
    if type(max_tokens) is not int or max_tokens < 0:
        raise InputError(f"max_tokens must be an integer >= 0, got {max_tokens!r}.")
    fits, too_long = _gallop(counter, text, max_tokens)
    if too_long is None:
        return text, checked_count(counter, text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _fits(counter, text, middle, max_tokens):
            fits = middle
        else:
            too_long = middle
    end = _best_cut(counter, text, max_tokens, fits)
    return text[:end], checked_count(counter, text[:end]) if end else 0


def _fits(counter: TokenCounter, text: str, end: int, max_tokens: int) -> bool:
    return end == 0 or checked_count(counter, text[:end]) <= max_tokens


def _gallop(counter: TokenCounter, text: str, max_tokens: int) -> tuple[int, int | None]:
    """The end of a prefix that fits and of one that does not; None for that if all of it fits."""
    fits, end = 0, min(max(1, max_tokens * _CHARS_PER_TOKEN), len(text))
    while _fits(counter, text, end, max_tokens):
        if end == len(text):
            return end, None
        fits, end = end, min(end * 2, len(text))
    return fits, end


def _best_cut(counter: TokenCounter, text: str, max_tokens: int, end: int) -> int:
    """The last cut that fits among the next few after *end*, or else the nearest one before."""
    after = islice(filter(partial(_is_cut, text), range(end + 1, len(text) + 1)), _LOOK_AHEAD_CUTS)
    fitting = [cut for cut in after if _fits(counter, text, cut, max_tokens)]
    if fitting:
        return fitting[-1]
    while not (_is_cut(text, end) and _fits(counter, text, end, max_tokens)):
        end -= 1
    return end


def _is_cut(text: str, end: int) -> bool:
    """Whether text[:end] ends between characters as a reader sees them."""
    if end == 0 or end >= len(text):
        return True
    if not _joins(text[end - 1], text[end]):
        return not _splits_flag(text, end)
    chain = text[max(0, end - _MAX_JOINED_CHARS) : end + 1]
    return len(chain) > _MAX_JOINED_CHARS and all(map(_joins, chain, chain[1:]))


def _joins(before: str, after: str) -> bool:
    if after.isascii():
        return before == "\r" and after == "\n"
    return (
        _ZERO_WIDTH_JOINER in (before, after)
        or unicodedata.category(after).startswith("M")
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # tags, as in the flag of Scotland
    )


def _splits_flag(text: str, end: int) -> bool:
    """Whether the cut is inside a pair of regional indicators, which is shown as one flag."""
    if not _is_regional_indicator(text[end]):
        return False
    before = end
    while before and end - before < _MAX_JOINED_CHARS and _is_regional_indicator(text[before - 1]):
        before -= 1
    return (end - before) % 2 == 1


def _is_regional_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
