"""`Tiers`: review which memories should move, apply that, undo it, as `service.tiers`.

A review is kept for a week, so that it can be applied by its id. What it recommends is looked at
again when it is applied: a memory that moved or went in between stays as it is. Each move stands in
the history with its reason and the review's id, and by that it is undone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from mba_integrations.core.arguments import checked_text
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.lifecycle import LifecycleRecommendation, LifecycleReview
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.times import TIER_SINCE
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.pools.items import item_of
from mba_integrations.services.memory.remembering.remember import latest_change
from mba_integrations.services.memory.remembering.results import ChangeReply
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    answers,
    changes,
    finding,
    memories,
    workspaces,
)

KEPT = timedelta(days=7)
_KIND = "tier-review"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReview:
    """What should move.

    Attributes:
        review_id: By which it is applied.
        review: The recommendations, with their reasons.
    """

    review_id: str
    review: LifecycleReview

    def __len__(self) -> int:
        return len(self.review)


class Tiers:
    """Review, apply and undo moves between tiers."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def review(
        self,
        workspace_id: str,
        promotion: PromotionSettings | None = None,
        *,
        once: Once | None = None,
    ) -> TierReview:
        """Which memories should move, and why. Nothing moves.

        Args:
            workspace_id: Of which workspace.
            promotion: When memories move; the workspace's own settings by default.
            once: Names the request; made again, it is not done again.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        review_id = new_id(self._equipment.clock())
        found = TierReview(review_id=review_id, review=self._evaluated(workspace_id, promotion))
        self._equipment.write(workspace_id, lambda writing: _keep(writing, found), once=once)
        return found

    def apply(
        self,
        workspace_id: str,
        review_id: str,
        *,
        only: Collection[str] | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Move what a review recommended.

        Args:
            workspace_id: Of which workspace.
            review_id: Which review, of the last seven days.
            only: Ids of the memories that may move; None for all that it recommended.
            actor: Who moves them, for the history.
            once: As for `review`.

        Raises:
            InputError: If there is no such review.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_text("review_id", review_id)

        def act(writing: Writing) -> ChangeReply:
            found = _kept(writing, review_id)
            wanted = [one for one in found if only is None or one.item_id in only]
            return move_by(writing, wanted, review_id)

        reply = self._equipment.write(workspace_id, act, actor=actor, once=once)
        for row in reply.memories:
            self._equipment.tallies.count(Event.MOVE, row.tier.value)
        return reply

    def undo(
        self,
        workspace_id: str,
        review_id: str,
        *,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Move back what a review moved, as far as it is still where the review put it.

        Raises:
            InputError: If the review moved nothing.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_text("review_id", review_id)
        return self._equipment.write(
            workspace_id, lambda writing: _undo(writing, review_id), actor=actor, once=once
        )

    def _evaluated(self, workspace_id: str, promotion: PromotionSettings | None) -> LifecycleReview:
        equipment, now = self._equipment, self._equipment.clock()
        equipment.trail.flush()  # a memory that has just been used may move by that
        with equipment.read(workspace_id) as reading:
            config = equipment.settings.of(workspaces.get(reading))
            rows = finding.current(reading)
        if promotion is not None:
            config = config.with_changes(promotion=promotion.model_dump())
        items = [_item(row) for row in rows if row.expires_at is None or row.expires_at > now]
        review = equipment.allocator.evaluate_promotion_demotion(items, config, now=now)
        equipment.records.take()
        return review


def _item(row: MemoryRow) -> MemoryItem:
    """The item with since when it is in its tier."""
    since = None if row.tier_since is None else row.tier_since.isoformat()
    return replace(item_of(row), metadata={**row.metadata, TIER_SINCE: since})


def move_by(
    writing: Writing, wanted: Sequence[LifecycleRecommendation], review_id: str
) -> ChangeReply:
    """Move memories that are where the review found them."""
    rows = finding.find(writing, [one.item_id for one in wanted])
    holds = [one for one in wanted if _is_in(rows.get(one.item_id), one.from_tier)]
    moved = memories.move(
        writing,
        {one.item_id: one.to_tier for one in holds},
        reasons={one.item_id: one.why for one in holds},
        review_id=review_id,
    )
    return ChangeReply(memories=tuple(moved), change_seq=latest_change(writing, moved))


def _is_in(row: MemoryRow | None, tier: MemoryTier | None) -> bool:
    return row is not None and row.state is MemoryState.ACTIVE and row.tier is tier


def _undo(writing: Writing, review_id: str) -> ChangeReply:
    done = [
        one
        for one in changes.changes_of_review(writing, review_id)
        if one.op is ChangeOp.MOVE and one.tier_from is not None
    ]
    if not done:
        raise InputError(f"review {review_id!r} moved nothing in {writing.workspace_id!r}.")
    rows = finding.find(writing, [one.memory_id for one in done])
    back = {
        one.memory_id: one.tier_from
        for one in done
        if one.tier_from is not None and _is_in(rows.get(one.memory_id), one.tier_to)
    }
    reasons = dict.fromkeys(back, f"undoes review {review_id}")
    moved = memories.move(writing, back, reasons=reasons)
    return ChangeReply(memories=tuple(moved), change_seq=latest_change(writing, moved))


def _keep(writing: Writing, found: TierReview) -> TierReview:
    written = {"moves": [_written(one) for one in found.review]}
    answers.keep(writing, _key(found.review_id), _KIND, written, kept=KEPT)
    return found


def _written(one: LifecycleRecommendation) -> dict[str, Any]:
    return {
        "id": one.item_id,
        "from": one.from_tier.value,
        "to": one.to_tier.value,
        "action": one.action,
        "standing": one.standing,
        "why": one.why,
    }


def _kept(reading: Writing, review_id: str) -> list[LifecycleRecommendation]:
    answer = answers.find(reading, _key(review_id), _KIND)
    if answer is None or answer.expires_at <= reading.at:
        raise InputError(
            f"there is no review {review_id!r} of the last {KEPT.days} days in "
            f"{reading.workspace_id!r}. Review again."
        )
    return [
        LifecycleRecommendation(
            item_id=one["id"],
            from_tier=MemoryTier(one["from"]),
            to_tier=MemoryTier(one["to"]),
            action=one["action"],
            standing=one["standing"],
            why=one["why"],
        )
        for one in answer.response["moves"]
    ]


def _key(review_id: str) -> str:
    return f"{_KIND}:{review_id}"
