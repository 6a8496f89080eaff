"""Small packing instances, and what is best in them by trying everything."""

from __future__ import annotations

import functools
from itertools import combinations, product

import numpy as np
from hypothesis import strategies as st
from strategies import rows_of

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.packing.ranked_items import RankedItems
from mba_integrations.core.packing.sharing_tier import SharingTier

# The five items of the examples in the room: a, b, c, d and e.
VALUE = np.array([10.0, 7.0, 6.0, 4.0, 1.0])
TOKENS = np.array([5, 4, 4, 4, 2])

KINDS = ("independent", "proportional", "quantised", "strongly-correlated", "equal")

# Few sizes and few values, so that ties are common.
sizes_and_values = rows_of(list(product(range(1, 13), range(1, 10))), min_size=1, max_size=12)


def ranked(pairs: list[tuple[int, int]], capacity: int) -> RankedItems:
    """Items of (tokens, tenths of value)."""
    value = np.array([tenths / 10 for _, tenths in pairs])
    return RankedItems(value, np.array([tokens for tokens, _ in pairs]), capacity)


def drawn(kind: str, count: int, seed: int) -> tuple[FloatArray, IntArray]:
    """Values and tokens of one of the kinds."""
    random = np.random.default_rng(seed)
    tokens = np.clip(random.lognormal(3, 0.9, count), 1, 200).astype(np.int64)
    value = {
        "independent": random.random(count) + 1e-3,
        "proportional": tokens * 0.01,
        "quantised": np.ceil(random.random(count) * 8) * 0.125,
        "strongly-correlated": (tokens + 10) / 100,
        "equal": np.full(count, 0.3),
    }[kind]
    return value, tokens


def full_table(value: FloatArray, tokens: IntArray, room: int) -> float:
    """The optimum, by the textbook recurrence."""
    worth = np.zeros(room + 1)
    for gain, need in zip(value.tolist(), tokens.tolist(), strict=True):
        if need <= room:
            worth[need:] = np.maximum(worth[need:], worth[: room + 1 - need] + gain)
    return float(worth[room])


def tier(
    pairs: list[tuple[int, float]], *, guaranteed: float, room: int, opening: int = 0
) -> SharingTier:
    """A tier of items of (tokens, value); those that do not fit beside the opening are left out."""
    fitting = [(tokens, value) for tokens, value in pairs if tokens + opening <= room]
    value = np.array([value for _, value in fitting], dtype=np.float64)
    tokens = np.array([tokens for tokens, _ in fitting], dtype=np.int64)
    return SharingTier(
        items=RankedItems(value, tokens, max(0, room - opening)),
        guaranteed_tokens=guaranteed,
        room_tokens=room,
        opening_tokens=opening,
    )


def choices(of: SharingTier) -> list[tuple[float, float]]:
    """Charge and value of every set of items that the tier may take."""
    value, tokens = of.items.value.tolist(), of.items.tokens.tolist()
    found = []
    for count in range(len(value) + 1):
        for chosen in combinations(range(len(value)), count):
            used = sum(tokens[item] for item in chosen) + (of.opening if chosen else 0)
            if used <= of.room + of.opening or not chosen:
                charge = max(float(used), of.guaranteed)
                found.append((charge, sum(value[item] for item in chosen)))
    return found


def best_of(tiers: list[SharingTier], total: float) -> float:
    """The most that a choice of each tier can be worth within the total, by trying all."""
    reachable = [(0.0, 0.0)]
    for of in tiers:
        sums = [(a + c, b + d) for a, b in reachable for c, d in choices(of)]
        reachable = [(cost, value) for cost, value in set(sums) if cost <= total + 1e-6]
    return max(value for _, value in reachable)


_WORTH = st.floats(0.01, 1.0)


@functools.cache  # to make strategies costs more than to draw from them
def _rows_of_pairs(max_size: int) -> st.SearchStrategy[list[tuple[int, float | None]]]:
    """Tokens and a value; None is for any value."""
    return rows_of(list(product(range(1, 16), [0.25, 0.5, 1.0, *[None] * 3])), max_size=max_size)


@st.composite
def sharing(draw: st.DrawFn, *, max_items: int = 6) -> tuple[list[SharingTier], int]:
    """One to three tiers, and a total that holds their guarantees."""
    total = draw(st.integers(1, 40))
    left, tiers = float(total), []
    for _ in range(draw(st.integers(1, 3))):
        guaranteed = min(left, draw(st.integers(0, 2 * total)) / 2)
        left -= guaranteed
        room = draw(st.integers(int(np.ceil(guaranteed)), total))
        pairs = [
            (tokens, draw(_WORTH) if worth is None else worth)
            for tokens, worth in draw(_rows_of_pairs(max_items))
        ]
        opening = draw(st.integers(0, 3))
        tiers.append(tier(pairs, guaranteed=guaranteed, room=room, opening=opening))
    return tiers, total
