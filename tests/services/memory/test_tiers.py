"""Reviews of tiers: dry, applied by their id, undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from memory_services import Opened

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock


@pytest.fixture
def used(opened: Opened, clock: Clock) -> MemoryService:
    """`a` is much used in long-term memory, `b` never in project memory."""
    service = opened()
    service.create_workspace("kate")
    then = clock() - timedelta(days=60)
    service.remember(
        "kate",
        [
            MemoryItem(
                "a", "Kate a.", "long_term", importance=1.0, created_at=then, access_count=20
            ),
            MemoryItem("b", "Kate b.", "project", importance=0.0, created_at=then),
            MemoryItem("c", "Kate c.", "rag", importance=0.5, created_at=then),
        ],
    )
    clock.pass_seconds(2 * 86_400)
    service.recall("kate", "Kate a?", budget_tokens=9, session_id="s")
    service._equipment.trail.flush()
    return service


def tiers(service: MemoryService) -> dict[str, MemoryTier]:
    return {row.memory_id: row.tier for row in service.list("kate").rows}


def test_a_review_moves_nothing_and_gives_reasons(used: MemoryService) -> None:
    before = tiers(used)
    review = used.tiers.review("kate")
    moves = {one.item_id: (one.from_tier, one.to_tier) for one in review.review}
    assert moves == {
        "a": (MemoryTier.LONG_TERM, MemoryTier.PROJECT),
        "b": (MemoryTier.PROJECT, MemoryTier.LONG_TERM),
    }
    assert all("standing" in one.why for one in review.review)
    assert tiers(used) == before


def test_a_review_is_applied_by_its_id_and_undone(used: MemoryService) -> None:
    before = tiers(used)
    review_id = used.tiers.review("kate").review_id
    assert len(used.tiers.apply("kate", review_id, actor="zoe")) == 2
    assert tiers(used) == {**before, "a": MemoryTier.PROJECT, "b": MemoryTier.LONG_TERM}
    change = used.history("kate", "a").changes[-1]
    assert (change.review_id, change.actor) == (review_id, "zoe")
    assert "standing" in (change.reason or "")
    assert len(used.tiers.apply("kate", review_id)) == 0
    assert len(used.tiers.undo("kate", review_id)) == 2
    assert tiers(used) == before


def test_a_part_of_a_review_can_be_applied(used: MemoryService) -> None:
    review_id = used.tiers.review("kate").review_id
    assert used.tiers.apply("kate", review_id, only={"b"}).memory_ids == ("b",)


def test_what_moved_since_the_review_stays_and_is_not_undone(used: MemoryService) -> None:
    review_id = used.tiers.review("kate").review_id
    used.move("kate", "a", "working")
    assert used.tiers.apply("kate", review_id).memory_ids == ("b",)
    used.move("kate", "b", "working")
    assert len(used.tiers.undo("kate", review_id)) == 0


def test_a_review_that_is_not_there_or_too_old_is_refused(
    used: MemoryService, clock: Clock
) -> None:
    with pytest.raises(InputError, match="no review 'x' of the last 7 days"):
        used.tiers.apply("kate", "x")
    with pytest.raises(InputError, match="review 'x' moved nothing"):
        used.tiers.undo("kate", "x")
    review_id = used.tiers.review("kate").review_id
    clock.pass_seconds(8 * 86_400)
    with pytest.raises(InputError, match="Review again"):
        used.tiers.apply("kate", review_id)


def test_a_memory_that_moved_just_now_is_not_moved_again(used: MemoryService, clock: Clock) -> None:
    used.tiers.apply("kate", used.tiers.review("kate").review_id)
    assert len(used.tiers.review("kate")) == 0
