"""A query and memories of four tiers become a prompt within an exact budget.

Run it with: python examples/memory_budget_example.py

No model and no key is needed. The time is fixed, so every run prints the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryTier, counter_for_model

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUERY = "How do I optimize the slow database queries of the orders page?"
BUDGET_TOKENS = 140
CHAT = (
    ("user", "The orders page takes six seconds to load since the last release."),
    ("assistant", "Is the time spent in the database or in rendering the page?"),
    ("user", "The database. The query log shows one query for each order line."),
)
FACTS = (
    ("stack", "The shop runs on Django 5 with PostgreSQL 16.", 0.6),
    ("schema", "orders has 2 million rows; order_lines.order_id has no index.", 0.9),
    ("colours", "The brand colours are teal and sand; the logo is a fox.", 0.2),
)
LEARNED = (
    ("explain", "EXPLAIN ANALYZE output showed the slow query last time.", 0.8),
    ("style", "The user prefers short answers with a code sample.", 0.6),
    ("holiday", "The user was in Norway in July and liked the fjords.", 0.1),
)
PASSAGES = (
    ("prefetch", "prefetch_related loads the lines of many orders with one further query."),
    ("index", "An index on a foreign key lets PostgreSQL find the rows of an order at once."),
    ("css", "A grid container places its children in rows and columns, by name."),
)


def create_sample_memories() -> list[MemoryItem]:
    """What is known about a web shop whose orders page is slow, from all four tiers."""
    chat = [
        MemoryItem(
            f"turn-{number}",
            text,
            MemoryTier.WORKING,
            created_at=NOW - timedelta(minutes=10 - number),
            source="chat-42",
            position=number,
            metadata={"role": role},
        )
        for number, (role, text) in enumerate(CHAT)
    ]
    facts = [MemoryItem(name, text, "project", importance=i) for name, text, i in FACTS]
    learned = [MemoryItem(name, text, "long_term", importance=i) for name, text, i in LEARNED]
    passages = [MemoryItem(name, text, "rag", source=f"{name}.md") for name, text in PASSAGES]
    return [*chat, *facts, *learned, *passages]


def main() -> None:
    """Allocate, show the prompt and why it is this one."""
    memories = create_sample_memories()
    allocator = MemoryBudgetAllocator()
    allocation = allocator.allocate_memory_budget(
        QUERY, memories, budget_tokens=BUDGET_TOKENS, now=NOW
    )
    print(f"{allocation.prompt_text}\n\n{allocation.explain()}")
    counted = counter_for_model("gpt-4o").count(allocation.prompt_text)
    assert counted == allocation.used_tokens <= BUDGET_TOKENS
    selected = {entry.id for entry in allocation.selected}
    assert {"turn-2", "schema", "explain", "prefetch"} <= selected
    assert not {"colours", "holiday", "css"} & selected
    assert selected | {entry.id for entry in allocation.omitted} == {item.id for item in memories}
    again = allocator.allocate_memory_budget(QUERY, memories, budget_tokens=BUDGET_TOKENS, now=NOW)
    assert again.prompt_text == allocation.prompt_text, "equal input gives equal output"


if __name__ == "__main__":
    main()
