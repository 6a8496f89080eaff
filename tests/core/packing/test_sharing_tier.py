"""What one tier keeps at a price, at home and borrowing, against trying every choice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import choices, full_table, sharing, tier

from mba_integrations.core.packing.sharing_tier import SharingTier

FIVE = [(3, 9.0), (4, 4.0), (2, 1.0), (4, 1.0), (8, 1.0)]
prices = st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0]) | st.floats(0.0, 1.5)


def five(guaranteed: float = 4.0, room: int = 11, opening: int = 0) -> SharingTier:
    return tier(FIVE, guaranteed=guaranteed, room=room, opening=opening)


@pytest.mark.parametrize(
    ("guaranteed", "room", "opening", "home_room", "may_borrow"),
    [
        pytest.param(4.0, 11, 0, 4, True, id="between"),
        pytest.param(4.9, 11, 0, 4, True, id="part-of-a-token-holds-nothing"),
        pytest.param(4.9999999, 11, 0, 5, True, id="but-for-rounding"),
        pytest.param(4.0, 11, 3, 1, True, id="the-opening-is-paid-at-home-as-well"),
        pytest.param(2.0, 11, 3, -1, True, id="the-opening-does-not-fit-at-home"),
        pytest.param(11.0, 11, 0, 11, False, id="all-is-guaranteed"),
        pytest.param(0.0, 2, 2, -2, False, id="no-room-beside-the-opening"),
    ],
)
def test_room_at_home_and_beyond(
    guaranteed: float, room: int, opening: int, home_room: int, may_borrow: bool
) -> None:
    of = five(guaranteed, room, opening)
    assert (of.home_room, of.may_borrow) == (home_room, may_borrow)
    assert of.room == room - opening


def test_a_tier_without_items_does_not_borrow() -> None:
    assert not tier([], guaranteed=0.0, room=9).may_borrow


def test_a_charge_is_the_guarantee_or_what_is_used() -> None:
    charges = five(4.0, 11, 2).cost(np.array([0, 1, 2, 3, 9]))
    assert charges.tolist() == [4.0, 4.0, 4.0, 5.0, 11.0]


def test_home_is_solved_once_and_lowers_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    of = five()
    assert (of.home_bound, of.net_home(1.0), of.home_gap) == (10.0, 6.0, 0.0)
    home = of.best_home()
    assert (home.value, of.home_bound, of.net_home(1.0), of.home_gap) == (9.0, 9.0, 5.0, 0.0)
    monkeypatch.setattr("mba_integrations.core.packing.sharing_tier.best_within", pytest.fail)
    assert of.best_home() is home


def test_a_home_that_is_not_proven_has_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_CELLS", "MAX_CELLS"):
        monkeypatch.setattr(f"mba_integrations.core.packing.knapsack.{name}", 0)
    of = tier([(5, 1.0), (4, 0.7), (4, 0.6)], guaranteed=8.0, room=20)
    home = of.best_home()
    assert of.home_gap == home.upper_bound - home.value > 0


@pytest.mark.parametrize(
    ("price", "tokens"),
    [
        pytest.param(5.0, 5, id="at-least-one-token-more-than-home"),
        pytest.param(1.0, 5, id="what-is-worth-just-the-price-is-not-wanted"),
        pytest.param(0.9, 7, id="two-are-wanted"),
        pytest.param(0.0, 11, id="at-most-the-room"),
    ],
)
def test_a_tier_that_borrows_takes_what_is_worth_more_than_the_price(
    price: float, tokens: int
) -> None:
    assert five().borrowing_tokens(price) == tokens


def test_the_price_within_the_tier_where_room_or_home_decide() -> None:
    assert five().item_price(0.9) == 0.9
    assert five().item_price(5.0) == 1.0  # of the five tokens it must take, the last two
    assert five().item_price(0.0) == 0.25  # the eleventh token


def test_the_lowest_price_is_that_of_home_or_of_borrowing() -> None:
    assert five().home_price == 1.0
    assert five().lowest_price(0.9) == 0.9
    assert five().lowest_price(5.0) == 1.0
    assert five(2.0, 11, 3).home_price == math.inf
    assert five(11.0, 11).lowest_price(0.1) == five(11.0, 11).home_price


@settings(max_examples=150, deadline=None)
@given(sharing(max_items=7), prices)
def test_no_choice_keeps_more_at_a_price_than_the_bounds(
    drawn: tuple[list[SharingTier], int], price: float
) -> None:
    for of in drawn[0]:
        net = max(value - price * charge for charge, value in choices(of))
        assert net <= max(of.net_home(price), of.net_borrowing(price)) + 1e-9
        at_home = [value for charge, value in choices(of) if charge <= of.guaranteed + 1e-6]
        assert max(at_home) <= of.net_home(price) + price * of.guaranteed + 1e-9
        of.best_home()
        assert net <= max(of.net_home(price), of.net_borrowing(price)) + 1e-9


@settings(max_examples=100, deadline=None)
@given(sharing(max_items=7))
def test_home_is_the_knapsack_of_the_guarantee(drawn: tuple[list[SharingTier], int]) -> None:
    for of in drawn[0]:
        best = full_table(of.items.value, of.items.tokens, max(0, of.home_room))
        assert of.best_home().value == pytest.approx(best)
        assert of.items.tokens[of.best_home().positions].sum() <= max(0, of.home_room)
