"""Figures of allocations: whole numbers that add up, each in a slot of its own.

Two days are a slot-by-slot sum of their hours, whoever adds them and in whatever order: there are
no fractions to be rounded. Times are in microseconds, parts of a whole and costs in millionths.
What a rollup keeps are the slots that are not 0, in ten bytes each: the slot, and its value.

    >>> kept = packed({COUNT: 2, USED_TOKENS: 700})
    >>> kept.hex(" ", 10)
    '00000200000000000000 0200bc02000000000000'
    >>> total = sums([kept, kept])
    >>> int(total[COUNT]), int(total[USED_TOKENS])
    (4, 1400)

A histogram is a row of slots. Utilisation has one for nothing, one for each percent up to 200 and
one for more; a duration has eight for each doubling from 10 microseconds to 170 seconds and one for
more. A bucket holds what is above its lower bound and up to its upper one.

Slots are in the database: one that is there keeps its meaning, new ones take free numbers.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.model import REASONS, MemoryTier
from mba_integrations.services.store.rows.allocations import AllocationRow

COUNT, BUDGET_TOKENS, USED_TOKENS, WITH_BUDGET, UTILISATION, GAP = range(6)
INEXACT, NOTED, STABLE_TOKENS, COSTED, COST, UNCACHED_COST = range(6, 12)
OF_TIER = (
    *("count", "with_budget", "budget_tokens", "used_tokens", "utilisation"),
    *("selected", "omitted"),
)
PHASES = ("choose", "load", "embed", "recall")
"""What a recall spends its time on: the choice, reading the store, the query's vector; and all."""
MILLION = 1_000_000
MOST = 2**42
"""What one allocation adds to a slot at most: two million of them still fit into 64 bits."""

_TIERS, _OMISSIONS, _SPENT = 64, 128, 192
_UTILISATION, _PHASES = 256, 2_560
_ROW = 256
SLOTS = 4_608
PERCENTS = 200
DURATIONS_US: tuple[int, ...] = tuple(round(10 * 2 ** (step / 8)) for step in range(193))
"""Upper bounds of the buckets of durations but the last."""
_PAIR = np.dtype([("slot", "<u2"), ("value", "<i8")])
_TIER_CODES = {tier.value: tier.code for tier in MemoryTier}
_REASON_CODES = {reason.value: reason.code for reason in REASONS}
Figures = dict[int, int]


def tier_slot(tier: int, figure: str) -> int:
    """Where a figure of `OF_TIER` stands of a tier, by its code."""
    return _TIERS + 8 * tier + OF_TIER.index(figure)


def omission_slots(reason: int) -> tuple[int, int, int]:
    """Where it stands how many were left out for a reason, their tokens, and of how many those."""
    first = _OMISSIONS + 3 * reason
    return first, first + 1, first + 2


def omission_rows() -> slice:
    """The three of each reason, one after the other."""
    return slice(_OMISSIONS, _OMISSIONS + 3 * len(REASONS))


def phase_slots(phase: int) -> tuple[int, int]:
    """Where it stands how often a phase was timed, and its microseconds."""
    return _SPENT + 2 * phase, _SPENT + 2 * phase + 1


def utilisation_row(tier: int | None = None) -> slice:
    """The histogram of the utilisation of prompts, or of a tier's part of them."""
    first = _UTILISATION + _ROW * (0 if tier is None else 1 + tier)
    return slice(first, first + PERCENTS + 2)


def duration_row(phase: int) -> slice:
    """The histogram of a phase."""
    first = _PHASES + _ROW * phase
    return slice(first, first + len(DURATIONS_US) + 1)


def figures_of(row: AllocationRow) -> Figures:
    """What one allocation adds. A figure that its record lacks adds nothing."""
    record = row.record
    budget, used = _whole(record.get("budget_tokens")), _whole(record.get("used_tokens"))
    found = {
        COUNT: 1,
        BUDGET_TOKENS: budget,
        USED_TOKENS: used,
        GAP: _gap(record.get("value", 0.0), record.get("upper_bound", 0.0)),
        INEXACT: int(not record.get("exact", True)),
        NOTED: int(bool(record.get("notes"))),
        STABLE_TOKENS: _whole(row.stable_prefix_tokens),
    }
    if budget:
        _add_utilisation(found, used, budget, (WITH_BUDGET, UTILISATION), utilisation_row().start)
    for name, part in record.get("tiers", {}).items():
        _add_tier(found, _TIER_CODES[name], part)
    _add_omissions(found, record.get("omission_reasons", {}), row.figures or {})
    _add_spent(found, record.get("duration_ms"), row.figures or {})
    return found


def added(one: Figures, other: Mapping[int, int]) -> None:
    """Add figures to those of *one*."""
    for slot, value in other.items():
        one[slot] = one.get(slot, 0) + value


def summed(one: Mapping[int, int], other: Mapping[int, int]) -> Figures:
    """The sum of two; neither changes."""
    total = dict(one)
    added(total, other)
    return total


def packed(figures: Mapping[int, int]) -> bytes:
    """Figures as a rollup keeps them."""
    pairs = [pair for pair in sorted(figures.items()) if pair[1]]
    return struct.pack("<" + "Hq" * len(pairs), *chain.from_iterable(pairs))


def unpacked(kept: bytes) -> Figures:
    """What `packed` wrote."""
    return dict(struct.iter_unpack("<Hq", kept))


def sums(kept: Iterable[bytes]) -> IntArray:
    """The sum of what rollups keep, shape (4608,)."""
    pairs = np.frombuffer(b"".join(kept), dtype=_PAIR)
    total = np.zeros(SLOTS, dtype=np.int64)
    np.add.at(total, pairs["slot"].astype(np.int64), pairs["value"].astype(np.int64))
    return total


def _whole(value: int | None) -> int:
    return min(value or 0, MOST)


def _millionths(value: float) -> int:
    return round(min(value * MILLION, MOST))


def _gap(value: float, bound: float) -> int:
    return _millionths(max(0.0, (bound - value) / bound)) if bound > 0.0 else 0


def _add_utilisation(
    found: Figures, used: int, budget: int, into: tuple[int, int], histogram: int
) -> None:
    found[into[0]] = 1
    found[into[1]] = min(used * MILLION // budget, MOST)
    # In whole numbers: 0.07 * 100 is more than 7, which would be another bucket.
    bucket = min(-(-used * 100 // budget), PERCENTS + 1)
    found[histogram + bucket] = 1


def _add_tier(found: Figures, tier: int, part: Mapping[str, int]) -> None:
    first = _TIERS + 8 * tier
    budget, used = _whole(part["budget_tokens"]), _whole(part["used_tokens"])
    found[first] = 1
    if budget:
        into = (first + 1, first + 4)
        _add_utilisation(found, used, budget, into, _UTILISATION + _ROW * (1 + tier))
    found[first + 2], found[first + 3] = budget, used
    found[first + 5], found[first + 6] = _whole(part["selected"]), _whole(part["omitted"])


def _add_omissions(found: Figures, reasons: Mapping[str, int], known: Mapping[str, Any]) -> None:
    tokens = known.get("omitted_tokens", {})
    for name, count in reasons.items():
        first = _OMISSIONS + 3 * _REASON_CODES[name]
        found[first] = _whole(count)
        if name in tokens:
            found[first + 1], found[first + 2] = map(_whole, tokens[name])


def _add_spent(found: Figures, choose_ms: float | None, known: Mapping[str, Any]) -> None:
    spent = dict(known.get("ms", {}))
    if choose_ms is not None:
        spent["choose"] = choose_ms
    for phase, name in enumerate(PHASES):
        if name in spent:
            microseconds = round(min(spent[name] * 1_000.0, MOST))
            found[_SPENT + 2 * phase] = 1
            found[_SPENT + 2 * phase + 1] = microseconds
            found[_PHASES + _ROW * phase + bisect_left(DURATIONS_US, microseconds)] = 1
    if "cost" in known:
        found[COSTED] = 1
        found[COST] = _millionths(known["cost"])
        found[UNCACHED_COST] = _millionths(known["uncached_cost"])
