"""What a query asks for decides which part of the ceiling it gets.

Run it with: python examples/memory_budget_complexity.py

No model and no key is needed: words and their combinations are evidence.
"""

from __future__ import annotations

from mba_integrations import MemoryBudgetAllocator, MemoryItem, QueryComplexity

MEMORIES = [
    MemoryItem("stack", "The shop runs on Django 5 with PostgreSQL 16.", "project"),
    MemoryItem("index", "An index lets PostgreSQL find rows without reading all.", "rag"),
]
QUERIES = (
    "Which database does the shop use?",
    "How do I add an index to order_lines?",
    "Compare an index with prefetch_related for the orders page, and explain the trade-offs.",
    "Analyze why the orders page is slow, design a migration plan without downtime, evaluate "
    "replication, partitioning and caching in PostgreSQL, and recommend indexes. Which risks "
    "remain? How would you monitor query latency and throughput?",
)


def main() -> None:
    """Four queries, each of another complexity, on one ceiling."""
    allocator = MemoryBudgetAllocator()
    ceiling = allocator.workspace("default").max_total_tokens
    found: list[QueryComplexity] = []
    budgets: list[int] = []
    for query in QUERIES:
        estimate = allocator.estimate_query_complexity(query)
        allocation = allocator.allocate_memory_budget(query, MEMORIES)
        budget = allocation.budget_tokens
        print(f"{estimate.complexity:8}{budget:>7,} of {ceiling:,} tokens  {query[:50]}")
        print("".join(f"{'':26}because: {evidence}\n" for evidence in estimate.evidence), end="")
        found.append(estimate.complexity)
        budgets.append(budget)
    assert found == list(QueryComplexity), found
    assert budgets == sorted(budgets)
    assert budgets[0] < budgets[-1] <= ceiling


if __name__ == "__main__":
    main()
