"""What can be said of a text without a query: length, whether it asks, whether it has numbers.

Made once per pool. O(total characters).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.links import HeadingIndex

_DIGIT = re.compile(r"\d")
_QUESTION = re.compile(r"[?\u061f\uff1f\u037e]")
_TIME_WORD = re.compile(
    r"\b(?:\d{4}|\d{1,2}(?:st|nd|rd|th|am|pm|:\d\d)|days?|weeks?|months?|years?|today|tonight"
    r"|tomorrow|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day|weekend|january|february|march"
    r"|april|june|july|august|september|october|november|december|ago|last|next)\b",
    re.I,
)
_MAX_SCANNED_CHARS = 20_000
_SHORT_CHARS = (
    400.0  # of 200, 400, 800, 1,600 the best at 1,024 tokens over four sets, by < 1 point
)


class TextTraits:
    """Traits of texts as arrays of shape (n,), float64."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.log_length: FloatArray = np.log1p(np.array([len(text) for text in texts], dtype=float))

    @cached_property
    def substance(self) -> FloatArray:
        """Logarithm of length / (length + 400 characters): at most 0, low when short."""
        lengths = np.expm1(self.log_length)
        return np.asarray(np.log((lengths + 1.0) / (lengths + _SHORT_CHARS)))

    @cached_property
    def asks(self) -> FloatArray:
        """1 where the text has a question mark."""
        return self._having(_QUESTION)

    @cached_property
    def has_number(self) -> FloatArray:
        """1 where the text has a digit."""
        return self._having(_DIGIT)

    @cached_property
    def has_time(self) -> FloatArray:
        """1 where the text names a date, a weekday or a span of time."""
        return self._having(_TIME_WORD)

    @cached_property
    def headings(self) -> HeadingIndex:
        """Headings of the texts."""
        return HeadingIndex(self._texts)

    def _having(self, pattern: re.Pattern[str]) -> FloatArray:
        found = [pattern.search(text, 0, _MAX_SCANNED_CHARS) is not None for text in self._texts]
        return np.array(found, dtype=np.float64)
