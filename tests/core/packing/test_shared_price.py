"""The bound at a price holds for every choice, and the price that is found makes it lowest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import best_of, drawn, sharing, tier

from mba_integrations.core.packing.shared_price import bound_at, lowest_bound_price
from mba_integrations.core.packing.sharing_tier import SharingTier


def two_tiers() -> list[SharingTier]:
    return [
        tier([(4, 8.0), (3, 3.0)], guaranteed=4.0, room=11),
        tier([(3, 9.0), (4, 4.0), (2, 1.0)], guaranteed=4.0, room=11),
    ]


@pytest.mark.parametrize(
    ("price", "bound", "charged"),
    [
        pytest.param(0.0, 25.0, 7.0 + 9.0, id="free-tokens-all-come-in"),
        pytest.param(0.75, 21.75, 7.0 + 7.0, id="the-last-is-not-worth-it"),
        pytest.param(1.0, 21.0, 4.0 + 4.0, id="where-both-ways-are-equal-home"),
        pytest.param(3.0, 33.0 - 4.0 - 2.0, 4.0 + 4.0, id="guarantees-are-charged-all-the-same"),
    ],
)
def test_the_bound_and_what_its_choice_is_charged(
    price: float, bound: float, charged: float
) -> None:
    found, charge = bound_at(two_tiers(), 11, price)
    assert (found, charge) == (bound, charged)


def test_the_price_is_the_one_of_the_example() -> None:
    assert lowest_bound_price(two_tiers(), 11) == 1.0


def test_where_all_fit_a_token_has_no_price() -> None:
    assert lowest_bound_price(two_tiers(), 16) == 0.0
    assert bound_at(two_tiers(), 16, 0.0)[0] == 25.0


@settings(max_examples=120, deadline=None)
@given(sharing(max_items=5), st.floats(0.0, 2.0))
def test_the_bound_at_any_price_is_above_every_choice(
    given_tiers: tuple[list[SharingTier], int], price: float
) -> None:
    tiers, total = given_tiers
    assert bound_at(tiers, total, price)[0] >= best_of(tiers, total) - 1e-9


@settings(max_examples=120, deadline=None)
@given(sharing(max_items=8))
def test_no_price_up_to_the_highest_density_has_a_lower_bound(
    given_tiers: tuple[list[SharingTier], int],
) -> None:
    tiers, total = given_tiers
    found = bound_at(tiers, total, lowest_bound_price(tiers, total))[0]
    densities = [d for of in tiers if of.may_borrow for d in of.items.density.tolist()]
    for price in [*densities, *np.linspace(0.0, max(densities, default=0.0), 40)]:
        assert found <= bound_at(tiers, total, float(price))[0] + 1e-9


@pytest.mark.parametrize("kind", ["independent", "quantised"])
def test_no_price_has_a_lower_bound_among_many_items(kind: str) -> None:
    value, tokens = drawn(kind, 400, 4)
    pairs = list(zip(tokens.tolist(), value.tolist(), strict=True))
    tiers = [
        tier(pairs[:200], guaranteed=300.5, room=1200, opening=5),
        tier(pairs[200:], guaranteed=500.25, room=900),
    ]
    price = lowest_bound_price(tiers, 1300)
    found = bound_at(tiers, 1300, price)[0]
    for factor in (0.5, 0.9, 0.99, 0.999, 1.001, 1.01, 1.1, 2.0):
        assert found <= bound_at(tiers, 1300, price * factor)[0] + 1e-9
