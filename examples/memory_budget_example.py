"""Allocate memories to prompts: budgets, workspaces, complexity, scores, moves and statistics.

Run it with `python examples/memory_budget_example.py`. Each function shows one thing and asserts
what it shows. The time is fixed, so every run prints the same, durations aside.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryItem,
    MemoryTier,
    QueryComplexity,
    ScoringMethod,
    WorkspaceConfig,
    apply_recommendations,
    counter_for_model,
)

CONFIG_PATH = Path(__file__).parent.parent / "configs" / "memory-budget.yaml"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUERY = "How do I optimize the slow database queries of the orders page?"


def days_ago(days: float) -> datetime:
    """A time before the fixed present."""
    return NOW - timedelta(days=days)


def create_sample_memories() -> list[MemoryItem]:
    """Memories of all four tiers, about a web shop whose orders page is slow."""
    return [*_conversation(), *_project_facts(), *_learned_facts(), *_documents()]


def _conversation() -> list[MemoryItem]:
    turns = [
        ("user", "The orders page takes six seconds to load since the last release."),
        ("assistant", "Is the time spent in the database or in rendering the page?"),
        ("user", "The database. The query log shows one query for each order line."),
        ("user", "By the way, lunch is at noon today, and the soup is with lentils."),
    ]
    return [
        MemoryItem(
            f"turn-{number}",
            text,
            MemoryTier.WORKING,
            created_at=NOW - timedelta(minutes=10 - number),
            source="chat-42",
            position=number,
            metadata={"role": role},
        )
        for number, (role, text) in enumerate(turns)
    ]


def _project_facts() -> list[MemoryItem]:
    facts = [
        ("stack", "The shop runs on Django 5 with PostgreSQL 16.", 0.6, 40, 0.5),
        ("schema", "orders has 2 million rows; order_lines.order_id has no index.", 0.9, 12, 1.0),
        ("release", "Database migrations ship on Tuesdays, after a review.", 0.6, 3, 9.0),
        ("colours", "The brand colours are teal and sand; the logo is a fox.", 0.2, 0, 200.0),
    ]
    return [
        MemoryItem(
            f"project-{name}",
            text,
            MemoryTier.PROJECT,
            importance=importance,
            created_at=days_ago(240),
            last_accessed_at=days_ago(idle_days) if uses else None,
            access_count=uses,
        )
        for name, text, importance, uses, idle_days in facts
    ]


def _learned_facts() -> list[MemoryItem]:
    facts = [
        ("explain", "Reading EXPLAIN ANALYZE output found the slow query last time.", 0.8, 25, 2.0),
        ("style", "The user prefers short answers with a code sample.", 0.6, 9, 1.0),
        ("holiday", "The user was in Norway in July and liked the fjords.", 0.1, 0, 400.0),
    ]
    return [
        MemoryItem(
            f"learned-{name}",
            text,
            MemoryTier.LONG_TERM,
            importance=importance,
            created_at=days_ago(120),
            last_accessed_at=days_ago(idle_days) if uses else None,
            access_count=uses,
        )
        for name, text, importance, uses, idle_days in facts
    ]


def _documents() -> list[MemoryItem]:
    passages = [
        ("prefetch", "prefetch_related loads the lines of many orders with one further query."),
        ("index", "An index on a foreign key lets PostgreSQL find the rows of an order at once."),
        ("pool", "A connection pool keeps database connections open between requests."),
        ("css", "A grid container places its children in rows and columns, by name."),
    ]
    return [
        MemoryItem(f"doc-{name}", text, "rag", source=f"{name}.md", created_at=days_ago(30))
        for name, text in passages
    ]


def demonstrate_basic_allocation() -> None:
    """A query and memories become a prompt within an exact budget."""
    _heading("Basic allocation")
    allocator = MemoryBudgetAllocator()
    memories = create_sample_memories()
    allocation = allocator.allocate_memory_budget(QUERY, memories, budget_tokens=140, now=NOW)
    print(allocation.prompt_text)
    print(allocation.explain())

    counted = counter_for_model("gpt-4o").count(allocation.prompt_text)
    assert counted == allocation.used_tokens <= allocation.budget_tokens == 140
    decided = sorted(entry.id for entry in (*allocation.selected, *allocation.omitted))
    assert decided == sorted(item.id for item in memories)
    selected = {entry.id for entry in allocation.selected}
    assert {"turn-2", "project-schema", "learned-explain", "doc-prefetch"} <= selected
    assert not {"project-colours", "learned-holiday", "doc-css"} & selected

    again = allocator.allocate_memory_budget(QUERY, memories, budget_tokens=140, now=NOW)
    assert again.prompt_text == allocation.prompt_text, "equal input gives equal output"


def demonstrate_workspace_configs() -> None:
    """The shipped workspaces give the same query different budgets; a new one is registered."""
    _heading("Workspace configurations")
    allocator = MemoryBudgetAllocator.from_yaml(CONFIG_PATH)
    memories = create_sample_memories()
    print(f"{'workspace':15}{'ceiling':>9}{'budget':>9}{'used':>7}  share of each tier")
    shares: dict[str, dict[MemoryTier, int]] = {}
    for workspace_id, config in MemoryBudgetConfigLoader.load_from_yaml(CONFIG_PATH).items():
        allocation = allocator.allocate_memory_budget(QUERY, memories, workspace_id, now=NOW)
        shares[workspace_id] = {tier: u.share_tokens for tier, u in allocation.tiers.items()}
        _print_workspace(config, allocation)
        assert allocation.used_tokens <= allocation.budget_tokens <= config.max_total_tokens
    assert shares["research"][MemoryTier.RAG] > shares["development"][MemoryTier.RAG]

    notes = WorkspaceConfig(
        workspace_id="notes",
        max_total_tokens=200,
        working_memory_pct=0.0,
        project_memory_pct=0.5,
        long_term_memory_pct=0.5,
        rag_memory_pct=0.0,
        borrowing=False,
    )
    allocator.register_workspace(notes)
    allocation = allocator.allocate_memory_budget(QUERY, memories, "notes", now=NOW)
    _print_workspace(notes, allocation)
    assert {entry.tier for entry in allocation.selected} <= {
        MemoryTier.PROJECT,
        MemoryTier.LONG_TERM,
    }


def _print_workspace(config: WorkspaceConfig, allocation: Allocation) -> None:
    tiers = ", ".join(f"{tier} {usage.share_tokens:,}" for tier, usage in allocation.tiers.items())
    print(
        f"{config.workspace_id:15}{config.max_total_tokens:>9,}{allocation.budget_tokens:>9,}"
        f"{allocation.used_tokens:>7,}  {tiers}"
    )


def demonstrate_promotion_demotion() -> None:
    """Much-used memories move nearer and unused ones farther; moved ones stay for a while."""
    _heading("Promotion and demotion")
    allocator = MemoryBudgetAllocator()
    config = allocator.workspace("default")
    memories = create_sample_memories()
    review = allocator.evaluate_promotion_demotion(memories, config, now=NOW)
    for recommendation in review:
        print(recommendation)

    assert "learned-explain" in {move.item_id for move in review.promotions}
    assert "project-colours" in {move.item_id for move in review.demotions}
    moved = apply_recommendations(memories, review, now=NOW)
    tiers = {item.id: item.tier for item in moved}
    assert tiers["learned-explain"] is MemoryTier.PROJECT
    assert tiers["project-colours"] is MemoryTier.LONG_TERM
    assert _tier_of(memories, "learned-explain") is MemoryTier.LONG_TERM, "input is not changed"

    soon = NOW + timedelta(hours=1)
    next_review = allocator.evaluate_promotion_demotion(moved, config, now=soon)
    assert not {move.item_id for move in next_review} & {move.item_id for move in review}
    print(f"An hour after the moves, {next_review.staying} of {len(moved)} items stay.")


def _tier_of(memories: Iterable[MemoryItem], item_id: str) -> MemoryTier:
    return next(item.tier for item in memories if item.id == item_id)


def demonstrate_query_complexity() -> None:
    """What a query asks for decides which part of the ceiling it gets."""
    _heading("Query complexity")
    allocator = MemoryBudgetAllocator()
    memories = create_sample_memories()
    queries = [
        "Which database does the shop use?",
        "How do I add an index to order_lines?",
        "Compare an index with prefetch_related for the orders page, and explain the trade-offs.",
        "Analyze why the orders page is slow, design a migration plan without downtime, evaluate "
        "replication, partitioning and caching in PostgreSQL, and recommend indexes. Which risks "
        "remain? How would you monitor query latency and throughput?",
    ]
    found: list[QueryComplexity] = []
    budgets: list[int] = []
    for query in queries:
        estimate = allocator.estimate_query_complexity(query)
        allocation = allocator.allocate_memory_budget(query, memories, now=NOW)
        print(f"{estimate.complexity:8}{allocation.budget_tokens:>7,} tokens  {query[:60]}")
        for evidence in estimate.evidence:
            print(f"{'':23}{evidence}")
        found.append(estimate.complexity)
        budgets.append(allocation.budget_tokens)
    assert found == list(QueryComplexity), found
    assert budgets == sorted(budgets)
    assert budgets[0] < budgets[-1]


def demonstrate_mem0_scoring() -> None:
    """The weights of the Mem0 formula decide the order of the same memories."""
    _heading("Mem0 scoring")
    memories = [
        _scored("old-answer", relevance=0.9, importance=0.3, age_days=90),
        _scored("house-rule", relevance=0.4, importance=1.0, age_days=60),
        _scored("todays-note", relevance=0.5, importance=0.4, age_days=0),
    ]
    relevance_first = _ranking(memories, _weighted(relevance=0.8, importance=0.1, freshness=0.1))
    importance_first = _ranking(memories, _weighted(relevance=0.1, importance=0.8, freshness=0.1))
    freshness_first = _ranking(memories, _weighted(relevance=0.1, importance=0.1, freshness=0.8))
    assert relevance_first[0] == "old-answer"
    assert importance_first[0] == "house-rule"
    assert freshness_first[0] == "todays-note"

    product = WorkspaceConfig(
        workspace_id="product", scoring_method=ScoringMethod.PRODUCT, half_life_days=30
    )
    assert _ranking(memories, product)[0] == "todays-note"
    halved = _scored("x", relevance=1.0, importance=1.0, age_days=product.half_life_days)
    assert _scores([halved], product)["x"] == 0.5, "one half-life halves the freshness"


def _scored(name: str, *, relevance: float, importance: float, age_days: float) -> MemoryItem:
    return MemoryItem(
        name,
        f"The text of {name}.",
        MemoryTier.LONG_TERM,  # project memory does not age
        relevance=relevance,
        importance=importance,
        created_at=days_ago(age_days),
    )


def _weighted(*, relevance: float, importance: float, freshness: float) -> WorkspaceConfig:
    return WorkspaceConfig(
        workspace_id=f"r={relevance} i={importance} f={freshness}",
        scoring_method=ScoringMethod.WEIGHTED_SUM,
        relevance_weight=relevance,
        importance_weight=importance,
        freshness_weight=freshness,
    )


def _scores(memories: list[MemoryItem], config: WorkspaceConfig) -> dict[str, float]:
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    allocation = allocator.allocate_memory_budget(QUERY, memories, config.workspace_id, now=NOW)
    return {item.id: allocation.decision(item.id).score for item in memories}


def _ranking(memories: list[MemoryItem], config: WorkspaceConfig) -> list[str]:
    scores = _scores(memories, config)
    ranked = sorted(scores, key=lambda item_id: -scores[item_id])
    shown = ", ".join(f"{item_id} {scores[item_id]:.3f}" for item_id in ranked)
    print(f"{config.workspace_id:22}{shown}")
    return ranked


def demonstrate_statistics() -> None:
    """Every allocation is recorded; statistics and an export read the records."""
    _heading("Statistics")
    allocator = MemoryBudgetAllocator.from_yaml(CONFIG_PATH, clock=lambda: NOW)
    memories = create_sample_memories()
    for query in (QUERY, "Which database does the shop use?", "What is there for lunch?"):
        allocator.allocate_memory_budget(query, memories, "development", budget_tokens=90)
    allocator.allocate_memory_budget(QUERY, memories, "research")

    statistics = allocator.get_allocation_statistics("development", time_window_hours=24)
    assert statistics.allocation_count == 3
    assert sum(statistics.complexity_counts.values()) == 3
    assert statistics.mean_utilisation is not None
    print(f"allocations       {statistics.allocation_count}")
    print(f"mean utilisation  {statistics.mean_utilisation:.1%}")
    print(f"complexities      { {c.value: n for c, n in statistics.complexity_counts.items()} }")
    print(f"omissions         {dict(statistics.omission_counts)}")
    assert allocator.get_allocation_statistics().allocation_count == 4, "all workspaces"

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "allocation_log.json")
        allocator.export_allocation_log(path)
        exported = json.loads(path.read_text(encoding="utf-8"))
    assert len(exported["records"]) == 4
    assert QUERY not in json.dumps(exported), "texts are recorded only if asked for"
    print(f"export            schema {exported['schema_version']}, 4 records, no text")


def _heading(title: str) -> None:
    print(f"\n=== {title} ===\n")


def main() -> None:
    """Show everything, in order."""
    demonstrate_basic_allocation()
    demonstrate_workspace_configs()
    demonstrate_promotion_demotion()
    demonstrate_query_complexity()
    demonstrate_mem0_scoring()
    demonstrate_statistics()


if __name__ == "__main__":
    main()
