"""Of two statements about the same thing the newer one comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter
from strategies import NOW

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need import succession

OLD, NEW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
OTHERS = [
    MemoryItem(f"n{number}", f"Room {number} has a blue lamp and a desk.", "project")
    for number in range(12)
]


def pair(newer: str, **other: Any) -> list[MemoryItem]:
    """An older statement that matches the question better, and a newer one."""
    old = MemoryItem(
        "old", "The release day is Thursday, merge until noon.", "project", created_at=OLD
    )
    keywords = {"tier": "project", "created_at": NEW, **other}
    return [old, MemoryItem("new", newer, **keywords), *OTHERS]


def allocate(items: list[MemoryItem], budget: int = 5_000) -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter())
    query = "On which day is the release, and how long can I merge?"
    return allocator.allocate_memory_budget(query, items, budget_tokens=budget, now=NOW)


CHANGED = "From now on the release goes out each Tuesday instead of Thursday."
SAME = "The release day is the 14th, merge until noon."


def is_raised(items: list[MemoryItem]) -> bool:
    allocation = allocate(items)
    reasons = [str(signal) for signal in allocation.decision("new").signals]
    return "newer than old" in reasons


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(pair(CHANGED), True, id="says-that-it-changed"),
        pytest.param(pair("Ab sofort: release am Dienstag statt Thursday."), True, id="german"),
        pytest.param(
            pair("The release goes out each Tuesday, says Thursday's note."), False, id="no-change"
        ),
        pytest.param(pair(CHANGED, created_at=datetime(2025, 1, 1, tzinfo=UTC)), False, id="older"),
        pytest.param(pair(CHANGED, created_at=None), False, id="without-a-date"),
        pytest.param(pair("From now on the lamp is blue on Thursday."), False, id="other-subject"),
        pytest.param(pair(CHANGED, tier="working"), False, id="conversation"),
        pytest.param(pair(CHANGED, metadata={"speaker": "Kate"}), False, id="message-of-somebody"),
        pytest.param(pair(CHANGED + " Text." * 200), False, id="no-statement"),
    ],
)
def test_a_newer_statement_counts_as_much_as_the_older_one(
    items: list[MemoryItem], expected: bool
) -> None:
    assert is_raised(items) == expected


def test_numbers_differ_in_statements_that_are_else_the_same() -> None:
    old = MemoryItem(
        "old", "The release day is the 12th, merge until noon.", "project", created_at=OLD
    )
    new = MemoryItem("new", "Merge until noon, the release day: 14th.", "project", created_at=NEW)
    same = MemoryItem("new", "Merge until noon, the release day: 12th.", "project", created_at=NEW)
    scored = allocate([old, new, *OTHERS])
    assert scored.decision("new").score >= scored.decision("old").score - 1e-12
    assert not is_raised([old, same, *OTHERS])


def test_the_newer_one_comes_in_beside_the_older_one_and_nothing_falls() -> None:
    items = pair(CHANGED)
    plain = [item for item in items if item.id != "new"]
    scored, before = allocate(items), allocate(plain)
    assert scored.decision("new").score >= scored.decision("old").score > 0.0
    assert scored.decision("old").score > 0.1 * before.decision("old").score
    room = (
        len("## Project\n")
        + len("- [2026-01-01] \n") * 2
        + sum(len(item.content) for item in items[:2])
    )
    assert set(allocate(items, room).selected_ids) == {"old", "new"}


def test_the_pool_is_not_compared_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    real = succession._statement

    def counted(snapshot: PoolSnapshot, row: int) -> object:
        looked_at.append(row)
        return real(snapshot, row)

    monkeypatch.setattr(succession, "_statement", counted)
    many = [
        MemoryItem(f"m{number}", f"The release of part {number}.", "project", created_at=OLD)
        for number in range(300)
    ]
    allocate([*pair(CHANGED), *many])
    assert len(looked_at) == 48
    assert np.unique(looked_at).size == 48
