"""Find items that say almost the same as another of the same selection.

Two texts are near-duplicates if their sets of words overlap by `threshold` or more, as a part of
their union. Of a pair the newer one is kept where both have a date and they differ, because a
newer wording may be a correction; else the more valuable, else the earlier one in the input.

Pairs are found by prefix filtering: sets that overlap that much share one of their few rarest
words. The cost grows with the selected items, not with the pool.

Source: Chaudhuri, Ganti and Kaushik, *A primitive operator for similarity joins in data cleaning*
(2006).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.snapshot import PoolSnapshot

_WORD = re.compile(r"\w+|[^\w\s]")
_MIN_WORDS = 4
"""Shorter texts, such as "yes" or "thank you", may repeat without saying the same."""


def near_duplicates(
    snapshot: PoolSnapshot, rows: IntArray, *, value: FloatArray, threshold: float
) -> dict[int, int]:
    """Rows that another row of *rows* makes redundant, with the row that says the same.

    Args:
        snapshot: The items.
        rows: Rows to compare, shape (m,).
        value: Value of every row of the snapshot, shape (n,).
        threshold: Overlap from which texts count as the same, in (0, 1].
    """
    words = {int(row): frozenset(_words(snapshot.texts[int(row)])) for row in rows}
    kept_by: dict[int, int] = {}
    for first, second in _similar_pairs(words, threshold):
        if first in kept_by or second in kept_by:
            continue
        keep, drop = _ranked(snapshot, first, second, value)
        kept_by[drop] = keep
    return {drop: _last(keep, kept_by) for drop, keep in kept_by.items()}


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(text.casefold())


def _similar_pairs(words: dict[int, frozenset[str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose words overlap by the threshold or more, each once, in order of rows."""
    frequency = Counter(word for own in words.values() for word in own)
    rank = {word: place for place, word in enumerate(sorted(frequency, key=frequency.__getitem__))}
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for row, own in sorted(words.items()):
        if len(own) < _MIN_WORDS:
            continue
        rarest = sorted(own, key=rank.__getitem__)
        prefix = rarest[: len(own) - math.ceil(threshold * len(own)) + 1]
        others = {other for word in prefix for other in seen[word]}
        for other in sorted(others):
            if _overlap(own, words[other]) >= threshold:
                yield other, row
        for word in prefix:
            seen[word].append(row)


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _ranked(snapshot: PoolSnapshot, first: int, second: int, value: FloatArray) -> tuple[int, int]:
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
