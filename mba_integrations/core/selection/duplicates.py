"""Find items that say almost the same as another of the same selection.

Two texts are near-duplicates if their sets of words overlap by `threshold` or more, as a part of
their union. Of a pair the newer one is kept where both have a date and they differ, because a
newer wording may be a correction; else the more valuable, else the earlier one in the input.

Each set has a signature of 256 bits, one for each word. Two signatures differ in no more bits than
their sets in words, so sets are compared only where few bits differ. Pairs are decided in the order
of their rows, and a row that has gone takes part in no later pair: of n copies n - 1 pairs are
compared, not all. Quadratic in the selected items, at a few nanoseconds a pair; independent of the
pool.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.derived import Remembered
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.problem import SelectionProblem

_WORD = re.compile(r"\w+|[^\w\s]")
_BITS = 256
_REMEMBERED_BYTES = 32 * 2**20
"""Room for words that are kept: the same items are selected again and again, at 5 kB each."""
_BYTES_PER_WORD = 100
"""Of a word in a set, about, besides its letters."""
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

    Pinned items, the conversation and what stays together stay: an answer may repeat for a reason.
    """
    if problem.duplicate_threshold is None:
        return {}
    value = problem.values(rows)
    if continuation.ahead:
        # Of two that say the same, none newer, the one that is in the prompt stays.
        value = np.where(np.isin(rows, continuation.ahead), np.inf, value)
    found = near_duplicates(
        problem.snapshot,
        rows,
        value=value,
        threshold=problem.duplicate_threshold,
        overlaps=problem.overlaps,
    )
    columns = problem.snapshot.columns
    gone = np.array(list(found), dtype=np.int64)
    stays = columns.pinned[gone] | (columns.tier[gone] == MemoryTier.WORKING.code)
    may_go = gone[~(stays | problem.units.are_joined(gone))]
    return {row: found[row] for row in may_go.tolist()}


def near_duplicates(
    snapshot: PoolSnapshot,
    rows: IntArray,
    *,
    value: FloatArray,
    threshold: float,
    overlaps: Mapping[tuple[int, int], float] | None = None,
) -> dict[int, int]:
    """Rows that another row of *rows* makes redundant, with the row that says the same.

    Args:
        snapshot: The items.
        rows: Rows to compare, shape (m,).
        value: Value of each, shape (m,).
        threshold: Overlap from which texts count as the same, in (0, 1].
        overlaps: As `overlapping` gives them, where texts are not looked at; None to look.
    """
    values = dict(zip(rows.tolist(), value.tolist(), strict=True))
    kept_by: dict[int, int] = {}
    if overlaps is not None:
        for (first, second), overlap in sorted(overlaps.items()):
            both_stay = first not in kept_by and second not in kept_by
            if both_stay and overlap >= threshold and first in values and second in values:
                keep, drop = _ranked(snapshot, first, second, values)
                kept_by[drop] = keep
        return _lasting(kept_by)
    long_enough, words = _compared(snapshot, rows)
    gone = np.zeros(len(long_enough), dtype=bool)
    for one, other in _near(words, threshold, gone):
        first, second = long_enough[one], long_enough[other]
        if _overlap(words[one].distinct, words[other].distinct) >= threshold:
            keep, drop = _ranked(snapshot, first, second, values)
            kept_by[drop] = keep
            gone[one if drop == first else other] = True
    return _lasting(kept_by)


def overlapping(snapshot: PoolSnapshot, threshold: float) -> dict[tuple[int, int], float]:
    """Overlap of every two items, the lower row first, that overlap by *threshold* or more."""
    rows, words = _compared(snapshot, snapshot.rows)
    nothing_gone = np.zeros(len(rows), dtype=bool)
    pairs = {
        (rows[one], rows[other]): _overlap(words[one].distinct, words[other].distinct)
        for one, other in _near(words, threshold, nothing_gone)
    }
    return {pair: overlap for pair, overlap in pairs.items() if overlap >= threshold}


def _compared(snapshot: PoolSnapshot, rows: IntArray) -> tuple[list[int], list[_Words]]:
    """Rows whose texts are long enough to be compared, ascending, with their words."""
    words = {row: _WORDS.of(snapshot.texts[row]) for row in sorted(rows.tolist())}
    long_enough = [row for row, own in words.items() if len(own.distinct) >= _MIN_WORDS]
    return long_enough, [words[row] for row in long_enough]


def _words_of(text: str) -> _Words:
    distinct = frozenset(_WORD.findall(text.casefold()))
    bits = 0
    for word in distinct:
        bits |= 1 << zlib.crc32(word.encode("utf-8", "surrogatepass")) % _BITS
    signature = np.frombuffer(bits.to_bytes(_BITS // 8, "little"), dtype=np.uint64)
    return _Words(distinct, signature)


def _bytes_of(words: _Words) -> int:
    return _BYTES_PER_WORD * len(words.distinct)


_WORDS = Remembered(_words_of, _bytes_of, _REMEMBERED_BYTES)


def _near(words: Sequence[_Words], threshold: float, gone: BoolArray) -> Iterator[tuple[int, int]]:
    """Places whose signatures differ in so few bits that their sets may overlap that much.

    In order, the lower place first.

    Args:
        words: Of each place.
        threshold: In (0, 1].
        gone: Which places take part no longer, shape (m,). The caller may set more on the way.
    """
    sizes = np.array([len(own.distinct) for own in words])
    signatures = np.array([own.signature for own in words])
    for start in range(0, len(words), _BLOCK):
        places = np.flatnonzero(~gone[start:]) + start
        block = places[: np.searchsorted(places, start + _BLOCK)]
        near = _may_overlap(signatures, sizes, block, places, threshold)
        for one in np.flatnonzero(near.any(axis=1)).tolist():
            place = int(block[one])
            for other in places[near[one] & ~gone[places]].tolist():
                if gone[place]:
                    break
                yield place, other


def _may_overlap(
    signatures: IntArray, sizes: IntArray, block: IntArray, places: IntArray, threshold: float
) -> BoolArray:
    """Whether each of a block may overlap enough with each later place; shape (block, places).

    Sets with an overlap of t differ in (1 - t) / (1 + t) of the sum of their sizes.
    """
    part = (1.0 - threshold) / (1.0 + threshold)
    near = np.zeros((len(block), len(places)), dtype=bool)
    for start in range(0, len(places), _BLOCK):
        beside = places[start : start + _BLOCK]
        bits = np.bitwise_count(signatures[block, None] ^ signatures[None, beside]).sum(axis=2)
        limit = part * (sizes[block, None] + sizes[None, beside]) + 1e-6
        near[:, start : start + _BLOCK] = (bits <= limit) & (beside > block[:, None])
    return near


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


def _lasting(kept_by: dict[int, int]) -> dict[int, int]:
    """*kept_by* with the row that stays for one that has gone later itself."""
    last: dict[int, int] = {}
    for drop, keep in reversed(kept_by.items()):  # the latest first: its row is one that stays
        last[drop] = last.get(keep, keep)
    return {drop: last[drop] for drop in kept_by}
