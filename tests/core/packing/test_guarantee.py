"""What is kept for a tier: its share, as far as its items are worth what they displace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.packing.guarantee import guaranteed_tokens

# Tokens and value of three items: 0.10, 0.05 and 0.01 a token.
ITEMS = [(10, 1.0), (10, 0.5), (10, 0.1)]


def kept(
    items: list[tuple[int, float]],
    share: float,
    *,
    least: float = 0.0,
    firm: float = 0.0,
    opening: int = 0,
) -> float:
    return guaranteed_tokens(
        np.array([value for _, value in items], dtype=np.float64),
        np.array([tokens for tokens, _ in items], dtype=np.int64),
        share_tokens=share,
        firm_tokens=firm,
        opening_tokens=opening,
        least_density=least,
    )


@pytest.mark.parametrize(
    ("share", "least", "firm", "opening", "expected"),
    [
        pytest.param(40.0, 0.0, 0.0, 0, 30.0, id="no-more-than-all-need"),
        pytest.param(20.5, 0.0, 0.0, 0, 20.5, id="no-more-than-the-share"),
        pytest.param(9.0, 0.0, 0.0, 0, 0.0, id="nothing-where-no-item-fits"),
        pytest.param(40.0, 0.0, 0.0, 5, 35.0, id="with-the-opening"),
        pytest.param(40.0, 0.05, 0.0, 0, 20.0, id="an-item-at-the-least-counts"),
        pytest.param(40.0, 0.06, 0.0, 0, 10.0, id="one-below-does-not"),
        pytest.param(40.0, 0.2, 0.0, 0, 0.0, id="none-is-worth-it"),
        pytest.param(15.0, 0.05, 0.0, 0, 15.0, id="the-share-bounds-what-counts"),
        pytest.param(40.0, 0.07, 0.0, 4, 14.0, id="the-opening-is-paid"),
        pytest.param(40.0, 0.07, 0.0, 5, 0.0, id="the-opening-is-not-paid"),
        pytest.param(40.0, 0.2, 12.0, 0, 12.0, id="firm-whatever-the-worth"),
        pytest.param(40.0, 0.2, 35.0, 0, 30.0, id="firm-as-far-as-items-need-it"),
        pytest.param(40.0, 0.05, 12.0, 0, 20.0, id="the-larger-of-firm-and-worthy"),
        pytest.param(9.0, 0.0, 9.0, 0, 0.0, id="firm-where-no-item-fits"),
    ],
)
def test_what_is_kept(
    share: float, least: float, firm: float, opening: int, expected: float
) -> None:
    assert kept(ITEMS, share, least=least, firm=firm, opening=opening) == expected


def test_an_item_that_does_not_fit_in_the_share_does_not_count() -> None:
    assert kept([(30, 3.0), (10, 0.1)], 20.0, least=0.05) == 0.0
    assert kept([(30, 3.0), (10, 0.1)], 20.0, least=0.01) == 10.0


def test_an_empty_tier_keeps_nothing() -> None:
    assert kept([], 20.0, firm=20.0) == 0.0


def test_a_least_that_is_a_product_of_the_density_itself_is_met() -> None:
    third = 1.0 / 3.0
    assert kept([(7, third)], 20.0, least=third / 7 * (1 + 1e-16)) == 7.0


@given(
    items=st.lists(st.tuples(st.integers(1, 20), st.floats(0.01, 1.0)), max_size=8),
    share=st.floats(0.0, 60.0),
    least=st.floats(0.0, 0.2),
    more=st.floats(0.0, 0.1),
    firm=st.floats(0.0, 60.0),
    opening=st.integers(0, 5),
)
def test_a_higher_least_never_keeps_more_and_firm_tokens_never_less(
    items: list[tuple[int, float]],
    share: float,
    least: float,
    more: float,
    firm: float,
    opening: int,
) -> None:
    firm = min(firm, share)
    some = kept(items, share, least=least, opening=opening)
    assert kept(items, share, least=least + more, opening=opening) <= some
    assert some <= kept(items, share, least=least, firm=firm, opening=opening) <= share
    assert kept(items, share, least=1e9, firm=share, opening=opening) == kept(
        items, share, opening=opening
    )
