"""Recommend moves between tiers from how good, how much used and how recent an item is.

    rag ──────────┐
                  v
    long_term <-> project <-> working         farther <-> nearer

An item is promoted by one step, and a document goes from `rag` to `project`. It is demoted from
`project` to `long_term`; from `working` to `project` if it was used at least `min_access_count`
times, else to `long_term`. Nothing is demoted into `rag`, which belongs to its retriever, nor out
of `long_term`.

Items do not flap: the two thresholds lie apart, a moved item stays at least `min_stay_days`, and
an item never moves twice at the same time. With constant use, standing changes only by recency, by
at most `recency_weight`; keep the thresholds farther apart than that. Members of a group that are
in one tier move together. O(n). Nothing handed in is changed.

The formula of standing is in `PromotionSettings`. Storing moved items is left to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mba_integrations.core.arguments import checked_iterable, checked_part, shown
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.times import (
    TIER_SINCE,
    check_zones,
    idle_days,
    latest_time,
    stay_days,
)

_NEARER = {
    MemoryTier.RAG: MemoryTier.PROJECT,
    MemoryTier.LONG_TERM: MemoryTier.PROJECT,
    MemoryTier.PROJECT: MemoryTier.WORKING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRecommendation:
    """One item that should move.

    Attributes:
        item_id: Which item.
        from_tier: Where it is.
        to_tier: Where it should be.
        action: `"promote"` to a nearer tier, `"demote"` to a farther one.
        standing: What was compared with the thresholds, in [0, 1].
        why: The numbers behind it, in words.
    """

    item_id: str
    from_tier: MemoryTier
    to_tier: MemoryTier
    action: Literal["promote", "demote"]
    standing: float
    why: str

    def __str__(self) -> str:
        return f"{self.action} {self.item_id!r} {self.from_tier} -> {self.to_tier}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleReview:
    """What should move, in input order. Iterates over promotions, then demotions.

    Attributes:
        promotions: Moves to a nearer tier.
        demotions: Moves to a farther tier.
        staying: How many items stay where they are.
    """

    promotions: tuple[LifecycleRecommendation, ...] = ()
    demotions: tuple[LifecycleRecommendation, ...] = ()
    staying: int = 0

    def __iter__(self) -> Iterator[LifecycleRecommendation]:
        yield from self.promotions
        yield from self.demotions

    def __len__(self) -> int:
        return len(self.promotions) + len(self.demotions)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known of one item, or of a group by its strongest member and its shortest stay."""

    value: float
    score: float
    access_count: int
    idle_days: float | None
    stay_days: float | None
    pinned: bool


def evaluate_promotion_demotion(
    items: Iterable[MemoryItem],
    *,
    settings: PromotionSettings,
    scores: Mapping[str, float] | None = None,
    now: datetime | None = None,
) -> LifecycleReview:
    """Recommend moves between tiers; `apply_recommendations` carries them out.

    An item without a score in *scores* has the mean of its relevance and its importance, or its
    importance alone where its relevance is unknown. It was last used at `last_accessed_at`, else
    at `created_at`; where both are unknown, recency is left out and the other two weights share
    its part. It is in its tier since `metadata["tier_since"]`, else `created_at`; where both are
    unknown, it may move. Times after *now* count as now. A pinned item is never demoted.

    Args:
        items: Items with unique ids.
        settings: Weights, thresholds and minimum stay.
        scores: Score of items by id, in [0, 1].
        now: The time that ages are counted from; None takes the latest time of the items.

    Raises:
        DuplicateItemError: If two items share an id.
        InputError: If an argument, a score or a time is unusable, or times with and without a zone
            are mixed.
    """
    if not isinstance(settings, PromotionSettings):
        raise InputError(f"settings must be PromotionSettings, got {type(settings).__name__}.")
    if scores is not None and not isinstance(scores, Mapping):
        raise InputError(f"scores must be a mapping of ids, got {type(scores).__name__}.")
    if now is not None:
        _check_time(now)
    listed = listed_items(items)
    check_zones(listed, now)
    present = now if now is not None else latest_time(listed)
    promotions: list[LifecycleRecommendation] = []
    demotions: list[LifecycleRecommendation] = []
    for members in _units(listed):
        known = [_standing(item, settings, scores or {}, present) for item in members]
        for move in _recommend(members, _joined(known), settings):
            (promotions if move.action == "promote" else demotions).append(move)
    order = {item.id: row for row, item in enumerate(listed)}
    return LifecycleReview(
        promotions=tuple(sorted(promotions, key=lambda move: order[move.item_id])),
        demotions=tuple(sorted(demotions, key=lambda move: order[move.item_id])),
        staying=len(listed) - len(promotions) - len(demotions),
    )


def apply_recommendations(
    items: Iterable[MemoryItem],
    review: Iterable[LifecycleRecommendation],
    *,
    now: datetime,
) -> tuple[MemoryItem, ...]:
    """The items in input order, those recommended in their new tier with `tier_since` set to *now*.

    Args:
        items: The items that were evaluated; items without a recommendation are returned as they
            are.
        review: A `LifecycleReview`, or those of its recommendations that are wanted.
        now: The time of the move.

    Raises:
        DuplicateItemError: If two items share an id.
        InputError: If a recommendation names an item that is not there or that is in another tier
            than it was, or times with and without a zone are mixed.
    """
    _check_time(now)
    listed = listed_items(items)
    check_zones(listed, now)
    moves = _moves_by_item(review)
    _check_moves(moves, listed)
    return tuple(
        _moved(item, moves[item.id].to_tier, now) if item.id in moves else item for item in listed
    )


def _check_time(now: object) -> None:
    if not isinstance(now, datetime):
        raise InputError(f"now must be a datetime, got {type(now).__name__}.")


def _moved(item: MemoryItem, tier: MemoryTier, now: datetime) -> MemoryItem:
    return replace(item, tier=tier, metadata={**item.metadata, TIER_SINCE: now.isoformat()})


def _units(items: Sequence[MemoryItem]) -> list[list[MemoryItem]]:
    """Items that move together: the members of a group in one tier, or one item."""
    units: dict[tuple[str, str, MemoryTier], list[MemoryItem]] = {}
    for item in items:
        own = ("item", item.id) if item.group is None else ("group", item.group)
        units.setdefault((*own, item.tier), []).append(item)
    return list(units.values())


def _standing(
    item: MemoryItem,
    settings: PromotionSettings,
    scores: Mapping[str, float],
    now: datetime | None,
) -> _Standing:
    score = _score(item, scores)
    frequency = 1.0 - 0.5 ** (item.access_count / settings.access_half_count)
    value = settings.score_weight * score + settings.access_weight * frequency
    idle = idle_days(item, now)
    if idle is not None:
        value += settings.recency_weight * 0.5 ** (idle / settings.recency_half_life_days)
    elif settings.recency_weight < 1.0:
        value /= 1.0 - settings.recency_weight
    return _Standing(
        value=min(value, 1.0),
        score=score,
        access_count=item.access_count,
        idle_days=idle,
        stay_days=stay_days(item, now),
        pinned=item.pinned,
    )


def _score(item: MemoryItem, scores: Mapping[str, float]) -> float:
    if item.id in scores:
        return checked_part(f"score of item {item.id!r}", scores[item.id])
    if item.relevance is None:
        return float(item.importance)
    return (float(item.relevance) + float(item.importance)) / 2


def _joined(known: Sequence[_Standing]) -> _Standing:
    """A group stands as its strongest member, is pinned if one is, and stays for its newest."""
    best = max(known, key=lambda one: one.value)
    stays = [one.stay_days for one in known if one.stay_days is not None]
    return replace(
        best,
        access_count=max(one.access_count for one in known),
        stay_days=min(stays, default=None),
        pinned=any(one.pinned for one in known),
    )


def _recommend(
    members: Sequence[MemoryItem], known: _Standing, settings: PromotionSettings
) -> list[LifecycleRecommendation]:
    tier = members[0].tier
    action: Literal["promote", "demote"]
    if _must_stay(known, settings):
        return []
    if _rises(known, settings) and tier in _NEARER:
        action, target = "promote", _NEARER[tier]
    elif _falls(known, settings) and tier in (MemoryTier.WORKING, MemoryTier.PROJECT):
        action, target = "demote", _farther(tier, known, settings)
    else:
        return []
    why = _reason(action, known, settings)
    if len(members) > 1:
        why += f"; group {members[0].group!r} moves as one"
    return [
        LifecycleRecommendation(
            item_id=item.id,
            from_tier=tier,
            to_tier=target,
            action=action,
            standing=known.value,
            why=why,
        )
        for item in members
    ]


def _must_stay(known: _Standing, settings: PromotionSettings) -> bool:
    days = known.stay_days
    # A stay of 0 days is a move at this very time; a second one would be a jump over a tier.
    return days is not None and (days <= 0.0 or days < settings.min_stay_days)


def _rises(known: _Standing, settings: PromotionSettings) -> bool:
    used = known.access_count >= settings.min_access_count
    return used and known.value >= settings.promote_threshold


def _falls(known: _Standing, settings: PromotionSettings) -> bool:
    return not known.pinned and known.value < settings.demote_threshold


def _farther(tier: MemoryTier, known: _Standing, settings: PromotionSettings) -> MemoryTier:
    if tier is MemoryTier.WORKING and known.access_count >= settings.min_access_count:
        return MemoryTier.PROJECT
    return MemoryTier.LONG_TERM


def _reason(action: str, known: _Standing, settings: PromotionSettings) -> str:
    rule = (
        f"reaches promote_threshold {settings.promote_threshold:.2f}"
        if action == "promote"
        else f"is below demote_threshold {settings.demote_threshold:.2f}"
    )
    times = f"{known.access_count} time{'' if known.access_count == 1 else 's'}"
    last = "unknown" if known.idle_days is None else f"{known.idle_days:.1f} days ago"
    return f"standing {known.value:.2f} {rule} (score {known.score:.2f}, used {times}, last {last})"


def listed_items(items: Iterable[MemoryItem]) -> tuple[MemoryItem, ...]:
    """The items, each checked to be one, with ids that are unique.

    Raises:
        DuplicateItemError: If two items share an id.
        InputError: If it is no sequence of items.
    """
    checked_iterable("items", items, "a sequence of MemoryItem")
    listed = tuple(items)
    seen: set[str] = set()
    for item in listed:
        if not isinstance(item, MemoryItem):
            raise InputError(f"items holds a {type(item).__name__}, must be MemoryItem.")
        if item.id in seen:
            raise DuplicateItemError(f"two items have the id {item.id!r}.", item_id=item.id)
        seen.add(item.id)
    return listed


def _moves_by_item(
    review: Iterable[LifecycleRecommendation],
) -> dict[str, LifecycleRecommendation]:
    wanted = "a LifecycleReview or a sequence of its recommendations"
    checked_iterable("review", review, wanted)
    listed = tuple(review)
    if not all(isinstance(move, LifecycleRecommendation) for move in listed):
        raise InputError(f"review must be {wanted}, got {shown(listed)}.")
    return {move.item_id: move for move in listed}


def _check_moves(moves: Mapping[str, LifecycleRecommendation], items: Sequence[MemoryItem]) -> None:
    tiers = {item.id: item.tier for item in items}
    unknown = [item_id for item_id in moves if item_id not in tiers]
    if unknown:
        shown = ", ".join(repr(item_id) for item_id in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise InputError(f"recommendations name items that are not there: {shown}{more}.")
    for move in moves.values():
        if tiers[move.item_id] is not move.from_tier:
            raise InputError(
                f"item {move.item_id!r} is in tier {tiers[move.item_id]}, the recommendation is "
                f"for tier {move.from_tier}. Evaluate again."
            )
