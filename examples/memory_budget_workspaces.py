"""Workspaces: the shipped settings give one query different budgets, and one of your own.

Run it with: python examples/memory_budget_workspaces.py

No model and no key is needed.
"""

from __future__ import annotations

from pathlib import Path

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryItem,
    MemoryTier,
    WorkspaceConfig,
)

CONFIG_PATH = Path(__file__).parent.parent / "configs" / "memory-budget.yaml"
QUERY = "Why is the orders page slow, and would an index help?"
MEMORIES = [
    MemoryItem("chat", "The orders page takes six seconds to load.", "working"),
    MemoryItem("schema", "orders has 2 million rows and no index on customer_id.", "project"),
    MemoryItem("explain", "EXPLAIN ANALYZE showed the slow query last time.", "long_term"),
    MemoryItem("index", "An index lets PostgreSQL find rows without reading all.", "rag"),
]
NOTES = WorkspaceConfig(
    workspace_id="notes",
    max_total_tokens=200,
    working_memory_pct=0.0,
    project_memory_pct=0.5,
    long_term_memory_pct=0.5,
    rag_memory_pct=0.0,
    borrowing=False,  # a tier without a share has no room at all
)


def allocate(allocator: MemoryBudgetAllocator, config: WorkspaceConfig) -> Allocation:
    """Allocate the query in a workspace and print what each tier was given."""
    allocation = allocator.allocate_memory_budget(QUERY, MEMORIES, config.workspace_id)
    tiers = "".join(f"{usage.share_tokens:>11,}" for usage in allocation.tiers.values())
    ceiling = config.max_total_tokens
    print(f"{config.workspace_id:15}{ceiling:>9,}{allocation.budget_tokens:>9,}{tiers}")
    assert allocation.used_tokens <= allocation.budget_tokens <= ceiling
    return allocation


def main() -> None:
    """One query in all shipped workspaces, then in a new one."""
    allocator = MemoryBudgetAllocator.from_yaml(CONFIG_PATH)
    print(f"{'workspace':15}{'ceiling':>9}{'budget':>9}", end="")
    print("".join(f"{tier:>11}" for tier in MemoryTier))
    shipped = MemoryBudgetConfigLoader.load_from_yaml(CONFIG_PATH).values()
    made = {config.workspace_id: allocate(allocator, config) for config in shipped}
    rag = {name: one.tiers[MemoryTier.RAG].share_tokens for name, one in made.items()}
    assert rag["research"] > rag["development"]

    allocator.register_workspace(NOTES)
    own = allocate(allocator, NOTES)
    print(f"In notes: {', '.join(entry.id for entry in own.selected)}.")
    assert {entry.tier for entry in own.selected} == {MemoryTier.PROJECT, MemoryTier.LONG_TERM}


if __name__ == "__main__":
    main()
