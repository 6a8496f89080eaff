"""Freshness of a pool at any moment is that of each item alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mba_integrations import MemoryItem, MemoryTier, WorkspaceConfig
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.freshness import freshness_of

DAY = timedelta(days=1)
NEWEST = datetime(2026, 3, 1, tzinfo=UTC)


def dated(name: str, days_before: float | None, tier: str = "rag") -> MemoryItem:
    created = None if days_before is None else NEWEST - days_before * DAY
    return MemoryItem(name, name, tier, created_at=created)  # type: ignore[arg-type]


ITEMS = [
    dated("newest", 0),
    dated("older", 30, "project"),
    dated("oldest", 4000, "working"),
    dated("undated", None, "project"),
    dated("recent", 0.25, "long_term"),
]


def slowly(item: MemoryItem, config: WorkspaceConfig, now: datetime) -> float:
    if item.created_at is None:
        return 0.5
    age = max(0.0, (now - item.created_at) / DAY)
    half_life = config.tier_half_life(item.tier)
    return 1.0 if np.isinf(half_life) else 0.5 ** (age / half_life)


@pytest.mark.parametrize(
    "half_lives",
    [
        pytest.param({}, id="one-half-life"),
        pytest.param({MemoryTier.PROJECT: 3.0, MemoryTier.RAG: 365.0}, id="by-tier"),
        pytest.param({MemoryTier.PROJECT: np.inf}, id="a-tier-that-never-ages"),
        pytest.param(dict.fromkeys(MemoryTier, np.inf), id="nothing-ages"),
    ],
)
def test_freshness_is_that_of_each_item(half_lives: dict[MemoryTier, float]) -> None:
    config = WorkspaceConfig(workspace_id="w", tier_half_life_days=half_lives)
    snapshot = PoolSnapshot(ITEMS)
    for days in (-10.0, -0.1, 0.0, 0.5, 30.0, 10_000.0):
        now = NEWEST + days * DAY
        expected = [slowly(item, config, now) for item in ITEMS]
        assert freshness_of(snapshot, config, now=now) == pytest.approx(expected, rel=1e-12)


def test_a_newer_item_is_as_fresh_as_in_a_list_made_anew() -> None:
    config = WorkspaceConfig(workspace_id="w")
    before = PoolSnapshot(ITEMS)
    freshness_of(before, config, now=NEWEST)
    more = dated("later", -5.0)
    now = NEWEST + 6 * DAY
    expected = freshness_of(PoolSnapshot([*ITEMS, more]), config, now=now)
    assert freshness_of(before.appended([more]), config, now=now).tolist() == expected.tolist()


def test_without_dates_all_is_neither_new_nor_old() -> None:
    config = WorkspaceConfig(workspace_id="w")
    snapshot = PoolSnapshot([dated("a", None), dated("b", None)])
    assert freshness_of(snapshot, config, now=NEWEST).tolist() == [0.5, 0.5]
