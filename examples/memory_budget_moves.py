"""Promotion and demotion: memories that are used move nearer, unused ones farther.

Run it with: python examples/memory_budget_moves.py

No model and no key is needed. The time is fixed, so every run prints the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    apply_recommendations,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Name, text, importance, times used, days since it was used last.
PROJECT = (
    ("schema", "order_lines.order_id has no index.", 0.9, 12, 1.0),
    ("colours", "The brand colours are teal and sand.", 0.2, 0, 0.0),
)
LONG_TERM = (
    ("explain", "EXPLAIN ANALYZE showed the slow query last time.", 0.8, 25, 2.0),
    ("style", "The user prefers short answers.", 0.6, 9, 1.0),
    ("holiday", "The user was in Norway in July.", 0.1, 0, 0.0),
)


def memories() -> list[MemoryItem]:
    """Memories that have been there for long, with what is known of their use."""
    return [
        MemoryItem(
            name,
            text,
            tier,
            importance=importance,
            created_at=NOW - timedelta(days=240),
            last_accessed_at=NOW - timedelta(days=idle) if times else None,
            access_count=times,
        )
        for tier, rows in ((MemoryTier.PROJECT, PROJECT), (MemoryTier.LONG_TERM, LONG_TERM))
        for name, text, importance, times, idle in rows
    ]


def main() -> None:
    """Ask which memories should move, move them, and ask again an hour later."""
    allocator = MemoryBudgetAllocator()
    config = allocator.workspace("default")
    before = memories()
    review = allocator.evaluate_promotion_demotion(before, config, now=NOW)
    print("\n".join(str(recommendation) for recommendation in review))
    assert "explain" in {move.item_id for move in review.promotions}
    assert "colours" in {move.item_id for move in review.demotions}

    after = apply_recommendations(before, review, now=NOW)
    tiers = {item.id: item.tier for item in after}
    assert tiers["explain"] is MemoryTier.PROJECT
    assert tiers["colours"] is MemoryTier.LONG_TERM
    assert before == memories(), "input is not changed"

    soon = allocator.evaluate_promotion_demotion(after, config, now=NOW + timedelta(hours=1))
    print(
        f"\nAn hour after the moves, {soon.staying} of {len(after)} memories stay where they are."
    )
    assert not {move.item_id for move in soon} & {move.item_id for move in review}


if __name__ == "__main__":
    main()
