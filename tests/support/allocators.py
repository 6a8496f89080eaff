"""What tests of the whole allocator share: a clock, a workspace, an allocator of characters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fakes import CharCounter

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryTier,
    WorkspaceConfig,
)
from mba_integrations.testing import Clock as Clock

NOW = Clock().now
DAY = timedelta(days=1)
BY_RELEVANCE = {
    "scoring_method": "weighted_sum",
    "relevance_weight": 1.0,
    "importance_weight": 0.0,
    "freshness_weight": 0.0,
}


def allocator_with(*configs: WorkspaceConfig, **arguments: Any) -> MemoryBudgetAllocator:
    given = {"token_counter": CharCounter(), "clock": Clock(), **arguments}
    allocator = MemoryBudgetAllocator(**given)
    for config in configs:
        allocator.register_workspace(config)
    return allocator


def workspace(name: str = "w", **settings: Any) -> WorkspaceConfig:
    return WorkspaceConfig(workspace_id=name, **settings)


def lettered(**settings: Any) -> WorkspaceConfig:
    """A workspace by relevance whose headings are one letter, "## R", in no order of its own."""
    titles = {tier: tier.value[0].upper() for tier in MemoryTier}
    rendering = {"section_titles": titles, "item_order": {}, **settings.pop("rendering", {})}
    return workspace(**{**BY_RELEVANCE, **settings, "rendering": rendering})


def ids(allocation: Allocation) -> list[str]:
    return [entry.id for entry in allocation.selected]


def result(allocation: Allocation) -> dict[str, Any]:
    return {**allocation.to_dict(), "duration_ms": None}
