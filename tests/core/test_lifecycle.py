"""Promotion and demotion: the ladder, the formula, the minimum stay, groups, and no flapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.lifecycle import (
    LifecycleReview,
    apply_recommendations,
    evaluate_promotion_demotion,
)
from mba_integrations.core.model import MemoryItem, MemoryTier

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
SETTINGS = PromotionSettings()


def item(item_id: str = "a", tier: str = "project", **known: Any) -> MemoryItem:
    known.setdefault("created_at", LONG_AGO)
    return MemoryItem(item_id, f"text of {item_id}", MemoryTier(tier), **known)


def busy(item_id: str = "a", tier: str = "project", **known: Any) -> MemoryItem:
    used = {"importance": 1.0, "access_count": 20, "last_accessed_at": NOW}
    return item(item_id, tier, **(used | known))


def idle(item_id: str = "a", tier: str = "project", **known: Any) -> MemoryItem:
    return item(item_id, tier, **({"importance": 0.1, "access_count": 0} | known))


def review(*items: MemoryItem, **options: Any) -> LifecycleReview:
    return evaluate_promotion_demotion(
        items, settings=options.pop("settings", SETTINGS), **({"now": NOW} | options)
    )


def target(one: MemoryItem, **options: Any) -> str | None:
    return next((move.to_tier.value for move in review(one, **options)), None)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(busy(tier="rag"), "project", id="used-document-joins-the-project"),
        pytest.param(busy(tier="long_term"), "project", id="long-term-rises-one-step"),
        pytest.param(busy(tier="project"), "working", id="project-rises-to-working"),
        pytest.param(busy(tier="working"), None, id="working-is-the-nearest"),
        pytest.param(idle(tier="working"), "long_term", id="unused-working-falls-far"),
        pytest.param(
            idle(tier="working", importance=0.0, access_count=2),
            "project",
            id="used-falls-one-step",
        ),
        pytest.param(idle(tier="project"), "long_term", id="project-falls-to-long-term"),
        pytest.param(idle(tier="long_term"), None, id="long-term-is-the-farthest"),
        pytest.param(idle(tier="rag"), None, id="document-stays-with-its-retriever"),
        pytest.param(idle(pinned=True), None, id="pinned-is-never-demoted"),
        pytest.param(busy(pinned=True), "working", id="pinned-may-rise"),
        pytest.param(busy(access_count=1), None, id="used-too-seldom-to-rise"),
        pytest.param(item(importance=0.8), None, id="between-the-thresholds"),
    ],
)
def test_ladder(one: MemoryItem, expected: str | None) -> None:
    assert target(one) == expected


def test_standing_is_the_formula_of_the_settings() -> None:
    one = idle(
        importance=0.25, relevance=0.15, access_count=3, last_accessed_at=NOW - timedelta(days=700)
    )
    own = PromotionSettings(demote_threshold=0.5)
    (move,) = review(one, settings=own)
    assert move.standing == pytest.approx(0.5 * 0.2 + 0.3 * 0.5, abs=1e-6)
    assert move.why == (
        "standing 0.25 is below demote_threshold 0.50 "
        "(score 0.20, used 3 times, last 700.0 days ago)"
    )
    assert str(move).startswith("demote 'a' project -> long_term: standing 0.25")


def test_thresholds_are_reached_from_above_and_missed_from_below() -> None:
    own = PromotionSettings(
        score_weight=1.0, access_weight=0.0, recency_weight=0.0, min_access_count=0
    )
    expected = {0.3: None, 0.299: "long_term", 0.7: "working", 0.699: None}
    for score, tier in expected.items():
        assert target(item(), settings=own, scores={"a": score}) == tier, score


def test_given_scores_replace_what_items_know() -> None:
    assert target(busy(), scores={"a": 0.0}) is None
    assert target(busy(), scores={"other": 0.0}) == "working"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({"metadata": {"tier_since": NOW}}, None, id="moved-just-now"),
        pytest.param(
            {"metadata": {"tier_since": "2025-06-01T00:00:00+00:00"}}, None, id="half-a-day-as-text"
        ),
        pytest.param(
            {"metadata": {"tier_since": NOW - timedelta(days=1)}}, "working", id="exactly-a-day"
        ),
        pytest.param({"created_at": NOW - timedelta(hours=1)}, None, id="made-an-hour-ago"),
        pytest.param({"created_at": None}, "working", id="unknown-since-when"),
        pytest.param({"created_at": NOW + timedelta(days=9)}, None, id="made-in-the-future"),
    ],
)
def test_minimum_stay(known: dict[str, Any], expected: str | None) -> None:
    assert target(busy(**known)) == expected


def test_unknown_last_use_leaves_recency_out_rather_than_counting_it_as_old() -> None:
    unknown = item(created_at=None, importance=0.8, access_count=30)
    (move,) = review(unknown)
    assert move.standing == pytest.approx((0.5 * 0.8 + 0.3) / 0.8, abs=1e-3)
    assert "last unknown" in move.why
    assert target(replace(unknown, last_accessed_at=LONG_AGO)) is None


def test_recency_alone_without_any_time_is_no_standing() -> None:
    own = PromotionSettings(score_weight=0.0, access_weight=0.0, recency_weight=1.0)
    assert target(item(created_at=None), settings=own) == "long_term"


def test_without_now_the_latest_time_of_the_items_is_the_present() -> None:
    fresh = busy("fresh", created_at=NOW - timedelta(days=2))
    old = idle("old")
    assert review(fresh, old, now=None) == review(fresh, old)
    assert [move.item_id for move in review(item("timeless", created_at=None), now=None)] == []


def test_group_moves_as_its_strongest_member_or_stays_as_its_newest() -> None:
    call, answer = busy("call", group="tool"), idle("answer", group="tool")
    moves = review(call, answer)
    assert [(move.item_id, move.to_tier) for move in moves] == [
        ("call", MemoryTier.WORKING),
        ("answer", MemoryTier.WORKING),
    ]
    assert "group 'tool' moves as one" in moves.promotions[0].why
    newest = replace(answer, created_at=NOW)
    assert len(review(call, newest)) == 0
    pinned = idle("pinned", group="tool", pinned=True)
    assert len(review(answer, pinned)) == 0


def test_review_lists_promotions_then_demotions_in_input_order_and_counts_the_rest() -> None:
    steady = item("s", importance=0.8)
    found = review(idle("d1"), busy("p1"), steady, idle("d2"), busy("p2"))
    assert [move.item_id for move in found] == ["p1", "p2", "d1", "d2"]
    assert (len(found), found.staying) == (4, 1)
    assert review() == LifecycleReview()


def test_applying_returns_new_items_and_changes_nothing_handed_in() -> None:
    steady = item("s", importance=0.8)
    before = (idle("d", metadata={"role": "user"}), steady, busy("p"))
    copies = tuple(replace(one) for one in before)
    after = apply_recommendations(before, review(*before), now=NOW)
    assert [one.tier.value for one in after] == ["long_term", "project", "working"]
    assert after[0].metadata == {"role": "user", "tier_since": NOW.isoformat()}
    assert after[1] is before[1]
    assert before == copies
    assert before[0].metadata == {"role": "user"}
    assert len(review(*after)) == 0


def test_a_part_of_the_recommendations_may_be_applied() -> None:
    before = (idle("d"), busy("p"))
    after = apply_recommendations(before, review(*before).promotions, now=NOW)
    assert [one.tier.value for one in after] == ["project", "working"]


def test_applying_refuses_unknown_items_and_stale_reviews() -> None:
    found = review(idle("d"))
    with pytest.raises(InputError, match="items that are not there: 'd'"):
        apply_recommendations([item("e")], found, now=NOW)
    with pytest.raises(InputError, match="is in tier rag, the recommendation is for tier project"):
        apply_recommendations([idle("d", "rag")], found, now=NOW)


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        pytest.param([item(), item()], {}, "two items have the id 'a'", id="same-id"),
        pytest.param(
            [item(created_at=datetime(2025, 1, 1))],
            {},
            "now has a time zone, created_at of item 'a' has none",
            id="naive-item-aware-now",
        ),
        pytest.param(
            [item(), item("b", created_at=datetime(2025, 1, 1))],
            {"now": None},
            "created_at of item 'a' has a time zone, created_at of item 'b' has none",
            id="naive-and-aware-items",
        ),
        pytest.param(
            [item(metadata={"tier_since": "2025-01-01"})],
            {},
            r"metadata\['tier_since'\] of item 'a' has none",
            id="naive-tier-since",
        ),
        pytest.param(
            [item(metadata={"tier_since": "yesterday"})],
            {},
            "ISO 8601 text, got 'yesterday'",
            id="unreadable-tier-since",
        ),
        pytest.param([item()], {"scores": {"a": 1.5}}, r"must be in \[0, 1\], got 1.5", id="score"),
        pytest.param([item()], {"scores": {"a": float("nan")}}, "got nan", id="score-not-finite"),
    ],
)
def test_unusable_input_is_refused(
    items: list[MemoryItem], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        review(*items, **options)


def test_duplicate_id_is_an_attribute() -> None:
    with pytest.raises(DuplicateItemError) as caught:
        apply_recommendations([item(), item()], [], now=NOW)
    assert caught.value.item_id == "a"


fractions = st.floats(0, 1)
ages = st.none() | st.floats(-5, 500).map(lambda days: NOW - timedelta(days=days))
any_items = st.builds(
    item,
    st.just("a"),
    st.sampled_from([tier.value for tier in MemoryTier]),
    relevance=st.none() | fractions,
    importance=fractions,
    created_at=ages,
    last_accessed_at=ages,
    access_count=st.integers(0, 100),
    pinned=st.booleans(),
    group=st.sampled_from([None, "g", "h"]),
)


@given(st.lists(any_items, max_size=6), st.sampled_from([0.0, 1.0, 30.0]))
def test_applying_twice_at_the_same_time_moves_nothing_more(
    drawn: list[MemoryItem], min_stay_days: float
) -> None:
    items = tuple(replace(one, id=f"m{row}") for row, one in enumerate(drawn))
    own = PromotionSettings(min_stay_days=min_stay_days)
    first = review(*items, settings=own)
    assert first.staying + len(first) == len(items)
    assert all(0.0 <= move.standing <= 1.0 for move in first)
    moved = apply_recommendations(items, first, now=NOW)
    assert [one.id for one in moved] == [one.id for one in items]
    again = {move.item_id for move in review(*moved, settings=own)}
    assert not again & {
        move.item_id for move in first if items[int(move.item_id[1:])].group is None
    }


@settings(max_examples=150)
@given(
    tier=st.sampled_from([tier.value for tier in MemoryTier]),
    importance=fractions,
    access_count=st.integers(0, 30),
    days_between_uses=st.none() | st.integers(1, 20),
)
def test_no_item_goes_back_to_a_tier_in_a_month_of_constant_use(
    tier: str, importance: float, access_count: int, days_between_uses: int | None
) -> None:
    one = item(tier=tier, importance=importance, access_count=access_count)
    visited = [one.tier]
    for day in range(31):
        now = NOW + timedelta(days=day)
        if days_between_uses and day % days_between_uses == 0:
            one = replace(one, access_count=one.access_count + 1, last_accessed_at=now)
        (one,) = apply_recommendations([one], review(one, now=now), now=now)
        if one.tier is not visited[-1]:
            visited.append(one.tier)
    assert len(visited) == len(set(visited))
