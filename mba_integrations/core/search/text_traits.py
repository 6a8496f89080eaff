"""What can be said of a text without a query: length, whether it asks, its heading.

Each trait is made once, when it is first asked for: O(total characters). Those of a changed list
are made from those of the earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.headings import HeadingIndex

_QUESTION_MARKS = "?\u061f\uff1f"
# Between 200 and 800, recall at 1,024 tokens moves by 1.1 points on chats of short messages, and by
# 0.5 on other sets.
_SHORT_CHARS = 400.0
_LONG_TEXT_LOG_CHARS = 6.0  # about 400 characters
_ARRAYS = ("log_length", "substance", "excess_length", "asks")


class TextTraits:
    """Traits of texts as arrays of shape (n,), float64."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def changed(self, texts: Sequence[str], rows: RowMap) -> TextTraits:
        """Traits of other texts; those of rows that are not fresh are taken from here."""
        traits = TextTraits(texts)
        fresh = TextTraits([texts[row] for row in rows.fresh.tolist()])
        for name in _ARRAYS:
            if name in self.__dict__:
                traits.__dict__[name] = rows.carried(self.__dict__[name], getattr(fresh, name))
        if "headings" in self.__dict__:
            traits.__dict__["headings"] = self.headings.changed(texts, rows)
        return traits

    @cached_property
    def log_length(self) -> FloatArray:
        """Logarithm of 1 + length in characters."""
        return np.asarray(np.log1p(np.array([len(text) for text in self._texts], dtype=float)))

    @cached_property
    def substance(self) -> FloatArray:
        """Logarithm of length / (length + 400 characters): at most 0, low when short."""
        lengths = np.expm1(self.log_length)
        return np.asarray(np.log((lengths + 1.0) / (lengths + _SHORT_CHARS)))

    @cached_property
    def excess_length(self) -> FloatArray:
        """How far `log_length` is above that of about 400 characters; 0 for shorter texts."""
        return np.asarray(np.maximum(self.log_length - _LONG_TEXT_LOG_CHARS, 0.0))

    @cached_property
    def asks(self) -> FloatArray:
        """1 where the text has a question mark."""
        found = [any(mark in text for mark in _QUESTION_MARKS) for text in self._texts]
        return np.array(found, dtype=np.float64)

    @cached_property
    def headings(self) -> HeadingIndex:
        """Headings of the texts."""
        return HeadingIndex(self._texts)
