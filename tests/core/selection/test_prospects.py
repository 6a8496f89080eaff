"""Packing the units that can come in is packing all of them, and counts few."""

from __future__ import annotations

import numpy as np
import pytest
from counted_units import OPENING, BoundedCounter, Instance, drawn, item
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.packing.pack import Packing
from mba_integrations.core.pool.token_column import TokenColumn


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.sampled_from([3, 40, 400, 1500]),
    total=st.sampled_from([7, 60, 400, 1500, 20_000]),
    kind=st.sampled_from(["independent", "quantised", "equal"]),
    per_token=st.booleans(),
    borrowing=st.booleans(),
    caps=st.sampled_from([(1.0, 1.0, 1.0, 1.0), (0.15, 0.5, 0.3, 0.4)]),
    lazy=st.booleans(),
    least=st.sampled_from([0.0, 0.002, 0.01, 0.05, 0.3]),
    firm=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_it_is_worth_what_packing_all_is_worth(
    seed: int, count: int, total: int, **options: object
) -> None:
    few, all_units = drawn(seed, count, total, **options), drawn(seed, count, total, **options)
    found, expected = few.by_prospects(), all_units.whole()
    if expected.proven_optimal:
        assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e-12)
    assert found.value >= expected.value * 0.997
    assert found.upper_bound >= expected.value * (1 - 1e-9)
    tokens = all_units.column.all()[found.chosen]
    opened = np.unique(all_units.units.tier[found.chosen])
    opening = OPENING[opened].sum()
    assert found.used_tokens == tokens.sum() + opening <= total
    assert not left_out_that_fit(all_units, found)


def left_out_that_fit(instance: Instance, packing: Packing) -> list[int]:
    """Units that are not chosen and would fit in what is idle."""
    units, used = instance.units, packing.tier_used_tokens
    limits = instance.caps if instance.borrowing else np.minimum(instance.shares, instance.caps)
    room = np.minimum(np.floor(limits + 1e-6) - used, instance.total - packing.used_tokens)
    room = room - np.where(used > 0, 0, OPENING)
    fits = instance.column.all() <= room[units.tier]
    fits[packing.chosen] = False
    return np.flatnonzero(fits).tolist()


@pytest.mark.parametrize("per_token", [True, False])
def test_few_of_many_items_are_counted(per_token: bool) -> None:
    instance = drawn(1, 5000, 600, per_token=per_token)
    packing = instance.by_prospects()
    assert instance.counter.counted < 1500
    assert packing.value == pytest.approx(drawn(1, 5000, 600, per_token=per_token).whole().value)


@pytest.mark.parametrize("last", [0.0001, 0.0], ids=["worth-little", "worth-nothing"])
@pytest.mark.parametrize("borrowing", [True, False])
def test_an_uncounted_item_that_fills_idle_tokens_comes_in(borrowing: bool, last: float) -> None:
    """Two good items leave 5 tokens idle; of many poor items one has 5."""
    items = [item(0, 40, 3, 1.0), item(1, 40, 3, 1.0)]
    items += [item(row, 9, 3, 0.3) for row in range(2, 400)]
    items.append(item(400, 5, 3, 0.3))
    worth = np.array([40.0, 40.0, *[0.001] * 398, last])
    options = {"shares": (0, 0, 0, 1.0), "caps": (1.0,) * 4, "borrowing": borrowing}
    shaped = Instance(items, worth, per_token=False, total=4 + 85, lazy=True, **options)  # type: ignore[arg-type]
    assert shaped.by_prospects().chosen.tolist() == [0, 1, 400]


def test_a_counter_without_a_bound_counts_all() -> None:
    class Unbounded(BoundedCounter):
        id = "words-and-digits"

    counter: TokenCounter = Unbounded()
    column = TokenColumn(
        [item(0, 5, 0, 1.0), item(1, 6, 1, 0.5)], JoinedTexts(), counter, lazy=True
    )
    assert column.complete
    assert column.all().tolist() == [5, 6]
