"""Tokens of tiers against slow ways: one token at a time, and exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.budget.plan import borrowed_tokens, plan_budget, whole_tokens
from mba_integrations.core.config.workspace import SHARE_FIELDS, WorkspaceConfig
from mba_integrations.core.model import TIERS, QueryComplexity

TOKENS = st.lists(st.integers(0, 60), min_size=4, max_size=4)
PERCENTS = st.lists(st.integers(1, 97), min_size=4, max_size=4).map(
    lambda parts: [Fraction(part, sum(parts)) for part in parts]
)


def rounded_one_by_one(tokens: list[Fraction]) -> tuple[int, ...]:
    """The tier that misses most gets the next token, until all whole ones are given away."""
    whole = [int(share) for share in tokens]
    while sum(whole) < int(sum(tokens)):
        misses = [share - count for share, count in zip(tokens, whole, strict=True)]
        whole[misses.index(max(misses))] += 1
    return tuple(whole)


def lent_one_by_one(share: list[int], used: list[int]) -> tuple[int, ...]:
    """Each wanted token comes from the tier that began with the most to spare and has one left."""
    spare = [have - spent for have, spent in zip(share, used, strict=True)]
    flow = [max(0, -tokens) for tokens in spare]
    lenders = sorted(range(4), key=lambda tier: -spare[tier])
    for _ in range(sum(flow)):
        lender = next((tier for tier in lenders if spare[tier] > 0), None)
        if lender is not None:
            spare[lender] -= 1
            flow[lender] -= 1
    return tuple(flow)


def lifted(shares: list[Fraction], floors: list[int], total: int) -> list[Fraction]:
    """The least tokens for which every tier has its floor, found in exact numbers: the scale of
    those above their floors is the one at which all add up to the total."""
    if sum(floors) >= total:
        return [Fraction(floor * total, sum(floors)) for floor in floors]
    tokens = [share * total for share in shares]
    places = sorted(range(4), key=lambda tier: Fraction(floors[tier]) / tokens[tier])
    for count in range(4, 0, -1):
        above, below = places[:count], places[count:]
        scale = Fraction(total - sum(floors[tier] for tier in below)) / sum(
            (tokens[tier] for tier in above), Fraction()
        )
        if all(tokens[tier] * scale >= floors[tier] for tier in above):
            return [tokens[t] * scale if t in above else Fraction(floors[t]) for t in range(4)]
    raise AssertionError("floors below the total always leave somebody above")


@given(parts=PERCENTS, total=st.integers(1, 5000))
def test_rounding_is_that_of_one_token_at_a_time(parts: list[Fraction], total: int) -> None:
    tokens = [part * total for part in parts]
    found = whole_tokens(np.array([float(share) for share in tokens]))
    remainders = [share - int(share) for share in tokens]
    if len(set(remainders)) == 4:  # ties are decided by order, which binary rounding may swap
        assert found == rounded_one_by_one(tokens)
    assert sum(found) == total
    assert all(abs(count - share) < 1 for count, share in zip(found, tokens, strict=True))


@given(share=TOKENS, used=TOKENS)
def test_lending_is_that_of_one_token_at_a_time(share: list[int], used: list[int]) -> None:
    assert borrowed_tokens(share, used) == lent_one_by_one(share, used)


@given(parts=PERCENTS, floors=TOKENS, total=st.integers(1, 400))
def test_floors_lift_as_in_exact_numbers(
    parts: list[Fraction], floors: list[int], total: int
) -> None:
    config = WorkspaceConfig(
        workspace_id="w",
        max_total_tokens=10_000,
        **dict(zip(SHARE_FIELDS.values(), map(float, parts), strict=True)),
        tier_floor_tokens=dict(zip(TIERS, floors, strict=True)),
    )
    plan = plan_budget(config, QueryComplexity.EXPERT, budget_tokens=total)
    expected = [float(tokens) for tokens in lifted(parts, floors, total)]
    np.testing.assert_allclose(plan.tier_tokens, expected, rtol=1e-6, atol=1e-6)
