"""What a doubt rules out is out: by its own rule, and in the packing it was left by."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.packing.doubt import Doubt
from mba_integrations.core.packing.pack import pack
from mba_integrations.core.packing.problem import PackingProblem

ONE = Doubt(price=np.array([1.5, 0.0]), gap=np.array([2.25, 0.0]), room=np.array([8, 3]))


@pytest.mark.parametrize(
    ("tier", "density", "tokens", "expected"),
    [
        pytest.param(0, 2.0, 8, True, id="worth-more-than-its-tokens"),
        pytest.param(0, 2.0, 9, False, id="too-large"),
        pytest.param(0, 1.0, 4, True, id="within-the-gap"),
        pytest.param(0, 1.0, 5, False, id="beyond-the-gap"),
        pytest.param(0, 1.5, 8, True, id="at-the-price"),
        pytest.param(1, 0.0, 3, True, id="tokens-that-cost-nothing"),
        pytest.param(1, 9.0, 4, False, id="no-room-in-its-tier"),
    ],
)
def test_an_item_may_matter_by_density_and_tokens(
    tier: int, density: float, tokens: int, expected: bool
) -> None:
    assert ONE.may_concern(tier, density, tokens) is expected


@given(st.integers(0, 1), st.floats(0.0, 3.0), st.integers(1, 12))
def test_the_three_questions_have_one_answer(tier: int, density: float, tokens: int) -> None:
    """But for rounding at the very edge, where the answer is that it may matter."""
    may = ONE.may_concern(tier, density, tokens)
    beyond = ONE.tokens_beyond(tier, np.array([density]))[0]
    loss = (float(ONE.price[tier]) - density) * tokens
    if abs(loss - ONE.gap[tier]) > 1e-9 or loss <= 0:
        assert (tokens < beyond) == may
    above = density >= ONE.lowest_density(tier, tokens)
    assert may == (above and tokens <= ONE.room[tier])


def test_where_nothing_fits_every_item_is_beyond() -> None:
    full = Doubt(price=np.array([1.0]), gap=np.array([0.5]), room=np.array([-3]))
    assert full.tokens_beyond(0, np.array([0.1, 5.0])).tolist() == [1.0, 1.0]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_items_that_no_doubt_concerns_change_nothing(
    seed: int, borrowing: bool, opening: bool
) -> None:
    random = np.random.default_rng(seed)
    count, tiers = int(random.integers(1, 30)), int(random.integers(1, 4))
    total = int(random.integers(5, 120))
    shares = random.random(tiers)
    problem = PackingProblem(
        # Of choices of equal worth a larger problem may give another, so no two are.
        value=random.random(count) + 0.01,
        tokens=random.integers(1, 30, count),
        tier=random.integers(0, tiers, count),
        total_tokens=total,
        tier_tokens=total * shares / (shares.sum() + 0.1),
        tier_cap_tokens=np.full(tiers, np.inf),
        opening_tokens=random.integers(0, 4, tiers) * int(opening),
        borrowing=borrowing,
    )
    packing = pack(problem)
    value, tokens = random.random(40) * 0.3, random.integers(1, 40, 40)
    tier = random.integers(0, tiers, 40)
    # A guarantee grows with the items that fit in it; only where it is the whole share already,
    # or where the item does not fit in it, does another item leave it as it is.
    fits = (
        problem.tokens + problem.opening_tokens[problem.tier] <= problem.tier_tokens[problem.tier]
    )
    needs = np.bincount(problem.tier[fits], problem.tokens[fits], tiers)
    settled = needs >= problem.tier_tokens
    out = [
        i
        for i in range(40)
        if settled[tier[i]]
        and not any(d.may_concern(tier[i], value[i] / tokens[i], tokens[i]) for d in packing.doubts)
    ]
    larger = dataclasses.replace(
        problem,
        value=np.concatenate([problem.value, value[out]]),
        tokens=np.concatenate([problem.tokens, tokens[out]]),
        tier=np.concatenate([problem.tier, tier[out]]),
    )
    assert pack(larger).chosen.tolist() == packing.chosen.tolist()
