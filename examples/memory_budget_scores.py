"""The weights of relevance, importance and freshness decide the order of the same memories.

Run it with: python examples/memory_budget_scores.py

No model and no key is needed. The time is fixed, so every run prints the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mba_integrations import MemoryBudgetAllocator, MemoryItem, ScoringMethod, WorkspaceConfig

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def memory(name: str, *, relevance: float, importance: float, age_days: float) -> MemoryItem:
    """A memory whose three signals are known. Long-term memory ages; project memory does not."""
    created = NOW - timedelta(days=age_days)
    text = f"The text of {name}."
    return MemoryItem(
        *(name, text, "long_term"), relevance=relevance, importance=importance, created_at=created
    )


MEMORIES = [
    memory("old-answer", relevance=0.9, importance=0.3, age_days=90),
    memory("house-rule", relevance=0.4, importance=1.0, age_days=60),
    memory("todays-note", relevance=0.5, importance=0.4, age_days=0),
]


def weighted(name: str, *weights: float) -> WorkspaceConfig:
    """Mem0's formula: a weighted sum of relevance, importance and freshness."""
    relevance, importance, freshness = weights
    return WorkspaceConfig(
        workspace_id=name,
        scoring_method=ScoringMethod.WEIGHTED_SUM,
        relevance_weight=relevance,
        importance_weight=importance,
        freshness_weight=freshness,
    )


def scores(memories: list[MemoryItem], config: WorkspaceConfig) -> dict[str, float]:
    """The score of each memory in a workspace, the highest first."""
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    allocation = allocator.allocate_memory_budget("?", memories, config.workspace_id, now=NOW)
    found = {item.id: allocation.decision(item.id).score for item in memories}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def main() -> None:
    """Three sums and one product on the same memories."""
    product = WorkspaceConfig(
        workspace_id="product", scoring_method=ScoringMethod.PRODUCT, half_life_days=30
    )
    for config, first in (
        (weighted("relevance 0.8", 0.8, 0.1, 0.1), "old-answer"),
        (weighted("importance 0.8", 0.1, 0.8, 0.1), "house-rule"),
        (weighted("freshness 0.8", 0.1, 0.1, 0.8), "todays-note"),
        (product, "todays-note"),
    ):
        ranked = scores(MEMORIES, config)
        print(f"{config.workspace_id:16}", *(f"{name} {one:.3f} " for name, one in ranked.items()))
        assert next(iter(ranked)) == first
    aged = memory("aged", relevance=1.0, importance=1.0, age_days=30)
    assert scores([aged], product) == {"aged": 0.5}, "one half-life halves the freshness"


if __name__ == "__main__":
    main()
