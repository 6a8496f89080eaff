"""A tier's states: each can be had, and what is not listed loses what the reach says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import choices, sharing, tier

from mba_integrations.core.packing.cost_lists import AT_HOME
from mba_integrations.core.packing.sharing_tier import SharingTier
from mba_integrations.core.packing.tier_states import TierStates

prices = st.sampled_from([0.0, 0.05, 0.1, 0.5]) | st.floats(0.0, 1.0)
reaches = st.sampled_from([0.0, 0.5, 100.0]) | st.floats(0.0, 3.0)


def part(price: float = 1.0, **changes: float) -> TierStates:
    options = {"guaranteed": 4.0, "room": 11, "opening": 0, **changes}
    return TierStates(tier([(3, 9.0), (4, 4.0), (2, 1.0)], **options), price)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(sharing(max_items=7), prices, reaches, st.booleans(), st.sampled_from([0, 40, 10_000]))
def test_states_can_be_had_and_all_else_loses_the_reach(
    drawn: tuple[list[SharingTier], int], price: float, reach: float, first: bool, cells: int
) -> None:
    for of in drawn[0]:
        one = TierStates(of, price)
        one.solve_home(max(reach, one.first_reach()) if first else reach)
        listed = one.listed(
            max(reach, one.first_reach()) if first else reach, first=first, max_cells=cells
        )
        states = listed.states
        for cost, value, slack, core in zip(
            states.cost,
            states.value,
            states.slack,
            states.core_tokens,
            strict=True,  # type: ignore[arg-type]
        ):
            positions = one.positions(int(core))
            used = int(of.items.tokens[positions].sum()) + (of.opening if len(positions) else 0)
            assert used <= of.room + of.opening
            assert max(float(used), of.guaranteed) <= cost + 1e-9
            assert of.items.value[positions].sum() == pytest.approx(value)
            if core != AT_HOME:
                assert slack == pytest.approx(one.most - value + price * cost, abs=1e-9)
        if first or np.isinf(listed.reach):
            reach_of_list = listed.reach
        else:
            reach_of_list = min(listed.reach, reach)
        for charge, value in choices(of):
            beaten = (states.cost <= charge + 1e-6) & (states.value >= value - 1e-9)
            loses = one.most - (value - price * charge)
            assert beaten.any() or loses >= reach_of_list - 1e-9


@settings(max_examples=100, deadline=None)
@given(sharing(max_items=7), prices)
def test_the_most_stays_above_every_choice_as_it_falls(
    drawn: tuple[list[SharingTier], int], price: float
) -> None:
    for of in drawn[0]:
        one, net = TierStates(of, price), max(v - price * c for c, v in choices(of))
        before = one.most
        one.solve_home(100.0)
        middle = one.most
        one.listed(100.0, first=False, max_cells=10_000)
        assert before >= middle >= one.most >= net - 1e-9
        assert one.most == pytest.approx(net, abs=1e-9)


def test_home_is_left_unsolved_where_it_is_out_of_reach() -> None:
    one = part(price=0.25)
    assert one.most == pytest.approx(13.5 + 0.5 - 0.25 * 9 + 0.0, abs=0.5)
    one.solve_home(0.0)
    assert one.tier.home_bound == 10.0  # still the bound by densities
    one.solve_home(5.0)
    assert one.tier.home_bound == 9.0


def test_a_tier_that_cannot_borrow_lists_its_home_alone() -> None:
    one = part(guaranteed=11.0)
    assert one.first_reach() == np.inf
    one.solve_home(1.0)
    listed = one.listed(1.0, first=True, max_cells=100)
    assert (listed.states.cost.tolist(), listed.states.value.tolist()) == ([11.0], [14.0])
    assert (listed.reach, listed.cells) == (np.inf, 0)
    assert sorted(one.positions(AT_HOME).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("left", "leaves", "prefix"),
    [
        pytest.param(0, 0, 5, id="nothing-is-left"),
        pytest.param(3, 0, 8, id="all-that-is-left"),
        pytest.param(99, 95, 9, id="no-more-than-is-tied"),
    ],
)
def test_items_at_the_price_itself_share_what_is_left(left: int, leaves: int, prefix: int) -> None:
    """At a price of 1, four tokens are tied and five are borrowed at least."""
    one = part()
    assert one.prefix_tokens == 5
    assert one.take_tied(left) == leaves
    assert one.prefix_tokens == prefix


def test_a_tier_that_is_better_off_at_home_takes_nothing_of_what_is_left() -> None:
    """At a price of 3 the first item is tied, and home, which holds it, loses less."""
    one = part(price=3.0)
    assert one.tier.items.tied_tokens(3.0) == 3
    assert (one.take_tied(7), one.prefix_tokens) == (7, 5)
