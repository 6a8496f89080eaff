"""Find items that say almost the same as another of the same selection.

Two texts are near-duplicates if their sets of words overlap by `threshold` or more, as a part of
their union. Of a pair the newer one is kept where both have a date and they differ, because a
newer wording may be a correction; else the more valuable, else the earlier one in the input.

Pairs are found by prefix filtering: with words in one order for all texts, sets that overlap that
much share some of their few first words. The cost grows with the selected items, not with the pool.

Source: Chaudhuri, Ganti and Kaushik, *A primitive operator for similarity joins in data cleaning*
(2006); Wang, Li and Feng, *Can we beat the prefix filtering?* (2012), for prefixes that share more
than one word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.snapshot import PoolSnapshot

_WORD = re.compile(r"\w+|[^\w\s]")
_Words = tuple[frozenset[str], tuple[str, ...]]
"""The distinct words of a text, as a set and in an order that is the same for all texts."""

_REMEMBERED_TEXTS = 4096
"""Texts whose words are kept, about 4 kB each: the same items are selected again and again."""

_MOST_SHARED_WORDS = 4
"""Words that prefixes must share; with more of them prefixes are longer and fewer pairs are looked
at."""

_MIN_WORDS = 4
"""Shorter texts, such as "yes" or "thank you", may repeat without saying the same."""


def near_duplicates(
    snapshot: PoolSnapshot, rows: IntArray, *, value: FloatArray, threshold: float
) -> dict[int, int]:
    """Rows that another row of *rows* makes redundant, with the row that says the same.

    Args:
        snapshot: The items.
        rows: Rows to compare, shape (m,).
        value: Value of each, shape (m,).
        threshold: Overlap from which texts count as the same, in (0, 1].
    """
    words = {row: _distinct_words(snapshot.texts[row]) for row in sorted(rows.tolist())}
    values = dict(zip(rows.tolist(), value.tolist(), strict=True))
    kept_by: dict[int, int] = {}
    for first, second in _similar_pairs(words, threshold):
        if first in kept_by or second in kept_by:
            continue
        keep, drop = _ranked(snapshot, first, second, values)
        kept_by[drop] = keep
    return {drop: _last(keep, kept_by) for drop, keep in kept_by.items()}


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _distinct_words(text: str) -> _Words:
    own = frozenset(_WORD.findall(text.casefold()))
    return own, tuple(sorted(own, key=_rarest_first))


def _rarest_first(word: str) -> tuple[bool, int, str]:
    """Names with digits and long words are in few texts."""
    return word.isalpha(), -len(word), word


def _similar_pairs(words: dict[int, _Words], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose words overlap by the threshold or more, each once, in order of rows."""
    shared_words = min(_MOST_SHARED_WORDS, math.ceil(threshold * _MIN_WORDS))
    seen: dict[str, list[int]] = {}
    for row, (own, ordered) in words.items():
        if len(own) < _MIN_WORDS:
            continue
        prefix = ordered[: len(own) - math.ceil(threshold * len(own)) + shared_words]
        shared: dict[int, int] = {}
        for word in prefix:
            others = seen.setdefault(word, [])
            for other in others:
                shared[other] = shared.get(other, 0) + 1
            others.append(row)
        for other in sorted([other for other, count in shared.items() if count >= shared_words]):
            if _overlap(own, words[other][0]) >= threshold:
                yield other, row


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _ranked(
    snapshot: PoolSnapshot, first: int, second: int, value: dict[int, float]
) -> tuple[int, int]:
    """The row to keep and the row to drop."""
    created = snapshot.columns.created_seconds
    times = created[[first, second]]
    if not np.isnan(times).any() and times[0] != times[1]:
        return (first, second) if times[0] > times[1] else (second, first)
    return (second, first) if value[second] > value[first] else (first, second)


def _last(row: int, kept_by: dict[int, int]) -> int:
    while row in kept_by:
        row = kept_by[row]
    return row
