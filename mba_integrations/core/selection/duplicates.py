"""Find items that say almost the same as another of the same selection.

Two texts are near-duplicates if their sets of words overlap by `threshold` or more, as a part of
their union. Of a pair the newer one is kept where both have a date and they differ, because a
newer wording may be a correction; else the more valuable, else the earlier one in the input.

Each set has a signature of 256 bits, one for each word. Two signatures differ in no more bits than
their sets in words, so sets are compared only where few bits differ. Quadratic in the selected
items of like size, at a few nanoseconds a pair; independent of the pool.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.problem import SelectionProblem

_WORD = re.compile(r"\w+|[^\w\s]")
_BITS = 256
_REMEMBERED_TEXTS = 4096
"""Texts whose words are kept, about 4 kB each: the same items are selected again and again."""
_MIN_WORDS = 4
"""Shorter texts, such as "yes" or "thank you", may repeat without saying the same."""
_BLOCK = 512
"""Rows that are compared at once; a block against a block takes 20 MB at most."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The distinct words of a text, and their signature, shape (4,), uint64."""

    distinct: frozenset[str]
    signature: IntArray


def repeated_rows(
    problem: SelectionProblem, rows: IntArray, continuation: Continuation
) -> dict[int, int]:
    """Rows that go because another of *rows* says the same, with that one.

    Pinned and grouped items and the conversation stay: an answer may repeat for a reason.
    """
    if problem.duplicate_threshold is None:
        return {}
    value = problem.values(rows)
    if continuation.ahead:
        # Of two that say the same, none newer, the one that is in the prompt stays.
        value = np.where(np.isin(rows, continuation.ahead), np.inf, value)
    found = near_duplicates(
        problem.snapshot, rows, value=value, threshold=problem.duplicate_threshold
    )
    return {row: kept for row, kept in found.items() if _may_go(problem.snapshot, row)}


def _may_go(snapshot: PoolSnapshot, row: int) -> bool:
    columns = snapshot.columns
    is_spoken = columns.tier[row] == MemoryTier.WORKING.code
    return not (columns.pinned[row] or is_spoken or columns.group[row] >= 0)


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
    words = {row: _words_of(snapshot.texts[row]) for row in sorted(rows.tolist())}
    values = dict(zip(rows.tolist(), value.tolist(), strict=True))
    kept_by: dict[int, int] = {}
    for first, second in _similar_pairs(words, threshold):
        if first in kept_by or second in kept_by:
            continue
        keep, drop = _ranked(snapshot, first, second, values)
        kept_by[drop] = keep
    return {drop: _last(keep, kept_by) for drop, keep in kept_by.items()}


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _words_of(text: str) -> _Words:
    distinct = frozenset(_WORD.findall(text.casefold()))
    bits = 0
    for word in distinct:
        bits |= 1 << zlib.crc32(word.encode("utf-8", "surrogatepass")) % _BITS
    signature = np.frombuffer(bits.to_bytes(_BITS // 8, "little"), dtype=np.uint64)
    return _Words(distinct, signature)


def _similar_pairs(words: dict[int, _Words], threshold: float) -> list[tuple[int, int]]:
    """Pairs of rows whose words overlap by the threshold or more, the lower row first, in order."""
    rows = [row for row, own in words.items() if len(own.distinct) >= _MIN_WORDS]
    if len(rows) < 2:
        return []
    sizes = np.array([len(words[row].distinct) for row in rows])
    order = np.argsort(sizes, kind="stable")
    signatures = np.array([words[row].signature for row in rows])[order]
    near = _near(signatures, sizes[order], threshold)
    pairs = [sorted((rows[order[one]], rows[order[other]])) for one, other in near]
    return sorted(
        (low, high)
        for low, high in pairs
        if _overlap(words[low].distinct, words[high].distinct) >= threshold
    )


def _near(signatures: IntArray, sizes: IntArray, threshold: float) -> Iterator[tuple[int, int]]:
    """Places whose signatures differ in so few bits that their sets may overlap that much.

    Sets with an overlap of t differ in (1 - t) / (1 + t) of the sum of their sizes.

    Args:
        signatures: Shape (m, 4), by rising size.
        sizes: Shape (m,).
        threshold: In (0, 1].
    """
    part = (1.0 - threshold) / (1.0 + threshold)
    for start in range(0, len(sizes), _BLOCK):
        block = slice(start, start + _BLOCK)
        last = int(np.searchsorted(sizes, sizes[block][-1] / threshold + 1e-6, side="right"))
        for other in range(start, last, _BLOCK):
            beside = slice(other, min(other + _BLOCK, last))
            bits = np.bitwise_count(signatures[block, None] ^ signatures[None, beside]).sum(axis=2)
            limit = part * (sizes[block, None] + sizes[None, beside]) + 1e-6
            ones, others = np.nonzero(bits <= limit)
            ones, others = ones + start, others + other
            later = others > ones
            yield from zip(ones[later].tolist(), others[later].tolist(), strict=True)


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
