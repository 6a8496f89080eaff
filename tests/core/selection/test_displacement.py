"""From which density a unit counts for the guarantee of its tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from counted_units import Instance, drawn, item
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.selection.units.displacement import (
    MARGINAL_PART,
    MEAN_PART,
    densest_units,
    least_density,
)


def of(instance: Instance, room: int) -> float:
    units = instance.units
    return least_density(units, units.density, instance.snapshot.tier_rows, room)


def by_sorting(instance: Instance, room: int) -> float:
    """The same from the counts of all units."""
    tokens = instance.column.all()
    units = np.arange(len(tokens))
    density = instance.units.value(units, tokens) / tokens
    order = np.argsort(-density, kind="stable")
    used = value = 0.0
    for unit in order:
        if used + tokens[unit] > room:
            mean = value / used if used else density[unit]
            return float(max(MARGINAL_PART * density[unit], MEAN_PART * mean))
        used += tokens[unit]
        value += density[unit] * tokens[unit]
    return 0.0


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    count=st.sampled_from([3, 40, 400]),
    room=st.sampled_from([7, 60, 400, 3000]),
    kind=st.sampled_from(["independent", "quantised", "equal"]),
    per_token=st.booleans(),
)
def test_it_is_what_sorting_all_units_gives(
    seed: int, count: int, room: int, **options: Any
) -> None:
    expected = by_sorting(drawn(seed, count, room, lazy=False, **options), room)
    instance = drawn(seed, count, room, lazy=True, **options)
    if np.count_nonzero([len(rows) for rows in instance.snapshot.tier_rows]) > 1:
        assert of(instance, room) == pytest.approx(expected, rel=1e-9)


def shaped(*units: tuple[int, int, float]) -> Instance:
    """Units of (tokens, tier, value)."""
    items = [item(row, tokens, tier, 1.0) for row, (tokens, tier, _) in enumerate(units)]
    worth = np.array([value for _, _, value in units])
    options: dict[str, Any] = {"shares": (0.25,) * 4, "caps": (1.0,) * 4}
    return Instance(items, worth, per_token=False, total=30, lazy=True, borrowing=True, **options)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        pytest.param(((10, 0, 0.7), (10, 1, 0.5)), 0.0, id="all-fit"),
        pytest.param(((10, 0, 0.7), (21, 0, 0.5)), 0.0, id="one-tier-displaces-nothing"),
        pytest.param(((10, 0, 4.0), (20, 1, 2.0), (10, 1, 0.9)), 0.063, id="the-price-decides"),
        pytest.param(((10, 0, 4.0), (20, 1, 2.0), (10, 1, 0.1)), 0.06, id="the-mean-decides"),
        pytest.param(((40, 0, 4.0), (20, 1, 1.0)), 0.07, id="the-densest-does-not-fit"),
    ],
)
def test_edges(units: tuple[tuple[int, int, float], ...], expected: float) -> None:
    assert of(shaped(*units), 30) == pytest.approx(expected)


def test_without_room_all_count() -> None:
    assert of(shaped((10, 0, 0.7), (10, 1, 0.5)), 0) == 0.0


def test_few_units_are_counted() -> None:
    instance = drawn(1, 5000, 600)
    of(instance, 600)
    assert instance.counter.counted < 1500


def test_the_densest_units_come_in_order_and_fill_the_room() -> None:
    instance = drawn(5, 400, 500)
    units = instance.units
    best = densest_units(units, units.density, np.arange(400), 500)
    tokens = instance.column.all()
    density = units.worth.of_item / tokens
    assert best.tolist() == np.argsort(-density, kind="stable")[: len(best)].tolist()
    assert tokens[best[:-1]].sum() < 500 <= tokens[best].sum()
