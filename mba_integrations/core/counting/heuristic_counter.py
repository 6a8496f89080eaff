"""Estimate token counts from characters, with no dependency and no vocabulary.

For where no tokenizer can be had, and to prune before exact counting; never to promise that a
prompt fits. The estimate leans upwards but is no bound: chance letters such as base64 need more
tokens than words of the same length.

Costs about 5 ns per character in ASCII and 90 ns in other text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

# Set so that 2.5 % of the texts named below have more tokens than their estimate.
_UNITS_PER_TOKEN = 70

# Units per character, for o200k_base. Fitted by hand to 10 public sets of English chats, articles,
# code and agent sessions (12,568 texts).
_LOWER, _UPPER, _DIGIT, _SPACE, _BREAK, _SIGN = 17, 40, 40, 12, 40, 52


def _ascii_units(code: int) -> int:
    char = chr(code)
    if char.isalpha():
        return _LOWER if char.islower() else _UPPER
    if char.isdigit():
        return _DIGIT
    if char == " ":
        return _SPACE
    return _BREAK if char.isspace() else _SIGN


_ASCII_UNITS = bytes(_ascii_units(code) if code < 128 else 0 for code in range(256))

# First code point of each range, and units per character in it. Measured on one or two sentences
# per script in o200k_base: Cyrillic 0.3 tokens per letter, Greek and Hebrew 0.4 to 0.5,
# Devanagari, Thai and Georgian 0.4, Chinese, Japanese and Korean 0.65, Ethiopic 2.3, emoji and
# signs 1.3 to 1.6. An accented Latin letter breaks the word that it stands in.
_RANGES = (
    (0x0000, 0),
    (0x0080, 72),  # Latin with accents
    (0x0370, 36),  # Greek to Arabic
    (0x0700, 160),
    (0x0900, 36),  # Indic, Thai, Georgian
    (0x1100, 160),
    (0x1E00, 72),  # Vietnamese
    (0x1F00, 100),  # polytonic Greek, punctuation, signs
    (0x3000, 52),  # Chinese, Japanese
    (0xA000, 160),
    (0xAC00, 52),  # Korean
    (0xD7B0, 160),
    (0x1F000, 130),  # emoji
    (0x20000, 200),
)
_STARTS = [start for start, _ in _RANGES]
_UNITS = [units for _, units in _RANGES]


class HeuristicCounter:
    """Estimates the tokens of a text by the script of its characters.

    Against o200k_base on 12,568 English texts of ten sets, chats to code: the median of
    the estimates is 1.25 times the count, 98 % are 0.9 to 1.75 times, 2.5 % are below the count. A
    sentence in each of 15 other languages is estimated at 1.0 to 2.0 times its count. Base64 is
    estimated at 0.65 times its count, hexadecimal digits at 0.8.
    """

    __slots__ = ()
    id = "heuristic:1"
    exact = False

    def count(self, text: str, /) -> int:
        """Estimated tokens: 0 for the empty text, at least 1 for any other.

        >>> HeuristicCounter().count("How do I optimize database queries?")
        10
        """
        units = sum(text.encode("ascii", "ignore").translate(_ASCII_UNITS))
        if not text.isascii():
            units += sum(_wide_units(char) * times for char, times in Counter(text).items())
        return -(-units // _UNITS_PER_TOKEN)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Estimated tokens of each text, in order."""
        return [self.count(text) for text in texts]


def _wide_units(char: str) -> int:
    return _UNITS[bisect_right(_STARTS, ord(char)) - 1]
