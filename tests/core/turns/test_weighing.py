"""The place up to which the previous prompt stays, against a slow oracle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations import WorkspaceConfig as Config
from mba_integrations.core.budget.plan import plan_budget
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.model import QueryComplexity
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.problem import SelectionProblem, selection_problem
from mba_integrations.core.turns.weighing import Lead, closed_rows, weigh_kept
from mba_integrations.core.value.worth import Worth

weights = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from([0.0, 0.1, 0.5, 0.9]) | st.floats(0.0, 1.0)),
    min_size=1,
    max_size=10,
)


@given(weights, st.data(), st.integers(1, 60), st.sampled_from([0.1, 0.6, 1.0]))
def test_the_place_is_the_best_of_all_places(
    entries: list[tuple[int, float]], data: st.DataObject, budget: int, stability: float
) -> None:
    tokens = np.array([size for size, _ in entries], dtype=np.int64)
    value = np.array([worth for _, worth in entries])
    rows = data.draw(st.permutations(range(len(entries))))
    rows = rows[: data.draw(st.integers(1, len(entries)))]
    listed = np.array(rows, dtype=np.int64)
    lead = Lead(
        rows=listed,
        opens=np.zeros(len(rows), dtype=bool),
        tokens=tokens[listed],
        value=value[listed],
    )
    found = weigh_kept(_problem(tokens, value, budget), lead, stability=stability).count
    weighed = _weighed_slowly(tokens, value, rows, budget, stability)
    assert found < len(weighed)
    assert weighed[found] == pytest.approx(max(weighed))


def test_the_place_of_the_worked_example() -> None:
    tokens = np.full(5, 20, dtype=np.int64)
    value = np.array([0.9, 0.1, 0.8, 0.7, 0.3])
    problem = _problem(tokens, value, 60)
    lead = Lead(
        rows=np.arange(3), opens=np.zeros(3, dtype=bool), tokens=tokens[:3], value=value[:3]
    )
    counts = [weigh_kept(problem, lead, stability=part).count for part in (0.5, 1.0)]
    assert counts == [1, 3]
    assert weigh_kept(problem, lead, stability=0.5).upper_bound == pytest.approx(2.4)


@given(weights, st.integers(1, 60))
def test_the_bound_is_over_what_any_place_is_worth(
    entries: list[tuple[int, float]], budget: int
) -> None:
    tokens = np.array([size for size, _ in entries], dtype=np.int64)
    value = np.array([worth for _, worth in entries])
    lead = Lead(
        rows=np.arange(len(tokens)),
        opens=np.zeros(len(tokens), dtype=bool),
        tokens=tokens,
        value=value,
    )
    kept = weigh_kept(_problem(tokens, value, budget), lead, stability=0.5)
    assert (
        kept.upper_bound
        >= max(_weighed_slowly(tokens, value, range(len(tokens)), budget, 0.0)) - 1e-9
    )


def test_rows_older_than_the_last_kept_of_a_chronological_tier_are_closed() -> None:
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (3, 1, 2, 4)]
    items = [
        MemoryItem(name, "x" * 9, "working", created_at=day)
        for name, day in zip("cabd", days, strict=True)
    ]
    working = frozenset({MemoryTier.WORKING})
    snapshot = PoolSnapshot(items)
    assert closed_rows(snapshot, np.array([2]), working).tolist() == [1]
    assert closed_rows(snapshot, np.array([1, 0]), working).tolist() == [2]
    assert closed_rows(snapshot, np.array([3]), frozenset()).tolist() == []
    assert closed_rows(snapshot, np.zeros(0, dtype=np.int64), working).tolist() == []


def _problem(tokens: Any, value: Any, budget: int) -> SelectionProblem:
    sizes = [MemoryItem(f"m{n}", "x" * int(size), "rag") for n, size in enumerate(tokens)]
    snapshot = PoolSnapshot(sizes)
    layout, counter = JoinedTexts(separator=""), CharCounter()
    return selection_problem(
        snapshot,
        plan=plan_budget(Config(workspace_id="w"), QueryComplexity.EXPERT, budget_tokens=budget),
        layout=layout,
        counter=counter,
        tokens=TokenColumn(snapshot.items, layout, counter, lazy=False),
        worth=Worth(of_item=value, per_token=False),
        score=value,
    )


def _weighed_slowly(
    tokens: Any, value: Any, rows: Sequence[int], budget: int, stability: float
) -> list[float]:
    """What each place that fits is worth, one item at a time."""
    by_density = sorted(range(len(tokens)), key=lambda row: -value[row] / tokens[row])
    weighed: list[float] = []
    rate = 0.0
    for place in range(len(rows) + 1):
        stays = list(rows[:place])
        left = budget - int(sum(tokens[row] for row in stays))
        if left < 0:
            break
        worth = float(sum(value[row] for row in stays))
        density = 0.0
        for row in by_density:
            if row in stays:
                continue
            if tokens[row] > left:
                density = value[row] / tokens[row]
                break
            worth, left = worth + value[row], left - int(tokens[row])
        if place == 0:
            rate = density
        kept = sum(tokens[row] for row in stays)
        weighed.append(worth + left * density + stability * rate * float(kept))
    return weighed
