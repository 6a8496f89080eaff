from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.budget.plan import borrowed_tokens, plan_budget, whole_tokens
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, QueryComplexity

SIMPLE, EXPERT = QueryComplexity.SIMPLE, QueryComplexity.EXPERT


def workspace(**settings: object) -> WorkspaceConfig:
    shares = {
        "working_memory_pct": 0.4,
        "project_memory_pct": 0.3,
        "long_term_memory_pct": 0.2,
        "rag_memory_pct": 0.1,
    }
    values = {"max_total_tokens": 1000, **shares, **settings}
    return WorkspaceConfig(workspace_id="w", **values)


@pytest.mark.parametrize(
    ("settings", "complexity", "arguments", "total", "tiers"),
    [
        pytest.param({}, EXPERT, {}, 1000, [400, 300, 200, 100], id="ceiling-by-shares"),
        pytest.param({}, SIMPLE, {}, 500, [200, 150, 100, 50], id="simple-query-scales"),
        pytest.param(
            {"reserved_tokens": 200}, EXPERT, {}, 800, [320, 240, 160, 80], id="reserve-comes-off"
        ),
        pytest.param(
            {"reserved_tokens": 200},
            EXPERT,
            {"reserved_tokens": 0},
            1000,
            [400, 300, 200, 100],
            id="argument-replaces-the-reserve",
        ),
        pytest.param(
            {"reserved_tokens": 200},
            SIMPLE,
            {"budget_tokens": 50},
            50,
            [20, 15, 10, 5],
            id="given-budget-replaces-scaling-and-reserve",
        ),
        pytest.param(
            {"complexity_multipliers": {"simple": {"working": 0.5}}},
            SIMPLE,
            {},
            800,
            [200, 300, 200, 100],
            id="one-multiplier-for-each-tier",
        ),
        pytest.param(
            {"tier_cap_tokens": {"working": 100}},
            EXPERT,
            {},
            1000,
            [100, 300, 200, 100],
            id="cap-bounds-the-share",
        ),
        pytest.param(
            {"tier_floor_tokens": {"rag": 280}},
            EXPERT,
            {},
            1000,
            [320, 240, 160, 280],
            id="floor-is-taken-from-the-others-in-proportion",
        ),
        pytest.param(
            {"tier_floor_tokens": {"rag": 300, "working": 100}},
            EXPERT,
            {"budget_tokens": 200},
            200,
            [50, 0, 0, 150],
            id="floors-above-the-budget-shrink-together",
        ),
    ],
)
def test_plan(
    settings: dict[str, object],
    complexity: QueryComplexity,
    arguments: dict[str, int],
    total: int,
    tiers: list[float],
) -> None:
    plan = plan_budget(workspace(**settings), complexity, **arguments)
    assert plan.total_tokens == total
    np.testing.assert_allclose(plan.tier_tokens, tiers)


@pytest.mark.parametrize("budget", [0, -5, 1.5, True, "9"])
def test_a_budget_that_is_no_positive_integer_is_refused(budget: object) -> None:
    with pytest.raises(InputError, match="budget_tokens must be an integer >= 1, got"):
        plan_budget(workspace(), EXPERT, budget_tokens=budget)


def test_a_reserve_that_leaves_nothing_is_refused_with_the_numbers() -> None:
    with pytest.raises(InputError, match=r"reserved_tokens \(1,000\) leave nothing .* \(1,000\)"):
        plan_budget(workspace(), EXPERT, reserved_tokens=1000)


def test_a_negative_reserve_is_refused() -> None:
    with pytest.raises(InputError, match="reserved_tokens must be an integer >= 0"):
        plan_budget(workspace(), EXPERT, reserved_tokens=-1)


@given(
    shares=st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4),
    floors=st.lists(st.integers(0, 400), min_size=4, max_size=4),
    budget=st.integers(1, 5000),
)
def test_tiers_share_the_budget_and_floors_hold_where_they_can(
    shares: list[float], floors: list[int], budget: int
) -> None:
    names = ("working_memory_pct", "project_memory_pct", "long_term_memory_pct", "rag_memory_pct")
    parts = dict(zip(names, (np.array(shares) / sum(shares)).tolist(), strict=True))
    config = workspace(
        **parts,
        max_total_tokens=10_000,
        tier_floor_tokens=dict(zip(MemoryTier, floors, strict=True)),
    )
    plan = plan_budget(config, EXPERT, budget_tokens=budget)
    assert plan.tier_tokens.sum() == pytest.approx(budget)
    if sum(floors) <= budget:
        assert (plan.tier_tokens >= np.array(floors) - 1e-6).all()
    assert sum(whole_tokens(plan.tier_tokens)) == budget


@given(
    share=st.lists(st.integers(0, 500), min_size=4, max_size=4),
    used=st.lists(st.integers(0, 500), min_size=4, max_size=4),
)
def test_what_is_borrowed_covers_what_is_used(share: list[int], used: list[int]) -> None:
    flow = borrowed_tokens(share, used)
    assert all(part + moved >= spent for part, moved, spent in zip(share, flow, used, strict=True))
    assert sum(flow) == max(0, sum(used) - sum(share)) or sum(used) <= sum(share)
    assert sum(flow) >= 0
