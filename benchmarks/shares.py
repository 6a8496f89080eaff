"""What the tiers' shares cost, and how often a larger budget is worth less.

    python -m benchmarks.shares

Items are drawn in four tiers, of which the best ones of the first are worth twice those of the
last, and one more token is given at a time. Beside the shares as they are stand hard ones, which
lend nothing (`borrowing` off). The cost is a part of what could come in if no tier had a share.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    WorkspaceConfig,
)
from mba_integrations.testing import WordCounter

SIZES = ((20, 100), (60, 400), (400, 1_000))
"""Items, and the budget in tokens that is begun with."""
WORTH = dict(zip(MemoryTier, (1.0, 0.97, 0.94, 0.9), strict=True))
"""The highest relevance that an item of the tier may have; 0.1 doubles what it is worth."""
TOKENS = (8, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Figures of all budgets, as parts.

    Attributes:
        mean_cost: Of the shares, in the mean.
        worst_cost: The most.
        falls: How many steps of a token make the value fall.
        fall: By how much, in the mean of those.
    """

    mean_cost: float
    worst_cost: float
    falls: float
    fall: float


def drawn(count: int, rng: np.random.Generator) -> Iterator[MemoryItem]:
    """So many items, all tiers in turns; no two share a word."""
    tiers = list(MemoryTier)
    for place in range(count):
        tier = tiers[place % len(tiers)]
        words = rng.integers(*TOKENS)
        text = " ".join(f"w{place}x{number}" for number in range(words))
        yield MemoryItem(str(place), text, tier, relevance=float(rng.uniform(0.2, WORTH[tier])))


def configured(*, borrowing: bool) -> WorkspaceConfig:
    """Settings under which shares alone decide besides worth."""
    return WorkspaceConfig(
        workspace_id="soft" if borrowing else "hard",
        borrowing=borrowing,
        token_price=0.0,
        recent_share=0.0,
        passage_min_tokens=None,
        duplicate_threshold=None,
    )


def figures(found: list[Allocation]) -> Row:
    """What the allocations of budgets that grow by a token have in common."""
    values = np.array([one.value for one in found])
    costs = np.array([one.share_cost / (one.value + one.share_cost) for one in found])
    steps = np.diff(values) / values[:-1]
    falls = steps[steps < -1e-9]
    return Row(
        mean_cost=float(costs.mean()),
        worst_cost=float(costs.max()),
        falls=len(falls) / len(steps),
        fall=float(-falls.mean()) if len(falls) else 0.0,
    )


def measured(count: int, first: int, budgets: int) -> tuple[Row, Row]:
    """Figures with the shares as they are, and with hard ones."""
    pool = MemoryPool.from_items(drawn(count, np.random.default_rng(count)))
    allocator = MemoryBudgetAllocator(WordCounter())
    rows = []
    for config in (configured(borrowing=True), configured(borrowing=False)):
        allocator.register_workspace(config)
        found = [
            allocator.allocate_memory_budget("any", pool, config.workspace_id, budget_tokens=tokens)
            for tokens in range(first, first + budgets)
        ]
        rows.append(figures(found))
    return rows[0], rows[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--budgets", type=int, default=480, help="Budgets of each row.")
    budgets = parser.parse_args().budgets
    print(
        "| items, tokens | share cost, mean | worst | value falls, of 100 steps | by, in the mean |"
    )
    print("| --- | --- | --- | --- | --- |")
    for count, first in SIZES:
        soft, hard = measured(count, first, budgets)
        print(
            f"| {count}, from {first:,} "
            f"| {soft.mean_cost:.1%} ({hard.mean_cost:.1%}) "
            f"| {soft.worst_cost:.1%} ({hard.worst_cost:.1%}) "
            f"| {100 * soft.falls:.1f} ({100 * hard.falls:.1f}) "
            f"| {soft.fall:.1%} ({hard.fall:.1%}) |"
        )


if __name__ == "__main__":
    main()
