"""Every allocation is recorded; statistics and an export read the records.

Run it with: python examples/memory_budget_statistics.py

No model and no key is needed. The time is fixed, so every run prints the same.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from mba_integrations import MemoryBudgetAllocator, MemoryItem

CONFIG_PATH = Path(__file__).parent.parent / "configs" / "memory-budget.yaml"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUERIES = (
    "Why is the orders page slow?",
    "Which database does the shop use?",
    "What is there for lunch?",
)
MEMORIES = [
    MemoryItem("chat", "The orders page takes six seconds to load.", "working"),
    MemoryItem("lunch", "Lunch is at noon today, and the soup is with lentils.", "working"),
    MemoryItem("stack", "The shop runs on Django 5 with PostgreSQL 16.", "project"),
    MemoryItem("style", "The user prefers short answers.", "long_term"),
    MemoryItem("index", "An index lets PostgreSQL find rows without reading all.", "rag"),
]


def export(allocator: MemoryBudgetAllocator) -> str:
    """The records as the file has them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "allocation_log.json")
        allocator.export_allocation_log(path)
        return path.read_text(encoding="utf-8")


def main() -> None:
    """Three allocations in one workspace and one in another, then what they say together."""
    allocator = MemoryBudgetAllocator.from_yaml(CONFIG_PATH, clock=lambda: NOW)
    for query in QUERIES:
        allocator.allocate_memory_budget(query, MEMORIES, "development", budget_tokens=30)
    allocator.allocate_memory_budget(QUERIES[0], MEMORIES, "research")

    statistics = allocator.get_allocation_statistics("development", time_window_hours=24)
    complexities = {str(one): times for one, times in statistics.complexity_counts.items()}
    assert statistics.mean_utilisation is not None
    print(f"allocations       {statistics.allocation_count}")
    print(f"mean utilisation  {statistics.mean_utilisation:.1%} of the budget")
    print(f"complexities      {complexities}")
    print(f"left out because  { {str(one): n for one, n in statistics.omission_counts.items()} }")
    assert statistics.allocation_count == sum(complexities.values()) == 3
    assert allocator.get_allocation_statistics().allocation_count == 4, "all workspaces"

    exported = export(allocator)
    records = json.loads(exported)["records"]
    print(f"export            {len(records)} records, texts are not among them")
    assert len(records) == 4
    assert not any(query in exported for query in QUERIES)


if __name__ == "__main__":
    main()
