"""What a retention policy decides, and which policies are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.config.problems import InvalidSettingsError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.retention.decisions import (
    Kept,
    RetentionDecision,
    retention_decisions,
)
from mba_integrations.services.memory.retention.preview import RetentionPreview
from mba_integrations.services.memory.retention.rules import (
    OnLimit,
    RetentionPolicy,
    RetentionRule,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def kept(
    name: str,
    *,
    score: float = 0.5,
    age_days: float | None = 0.0,
    used_days_ago: float | None = None,
    tokens: int = 1,
    held: bool = False,
    **fields: Any,
) -> Kept:
    def ago(days: float | None) -> datetime | None:
        return None if days is None else NOW - timedelta(days=days)

    times = {"created_at": ago(age_days), "last_accessed_at": ago(used_days_ago)}
    item = MemoryItem(name, name, fields.pop("tier", "working"), **times, **fields)
    return Kept(item=item, score=score, tokens=tokens, held=held)


def gone(memories: list[Kept], **rule: Any) -> dict[str, str]:
    """Names of those that go from working memory, with the limit that they are over."""
    decisions = retention_decisions(memories, RetentionPolicy(working=rule), now=NOW)
    return {one.memory_id: one.rule for one in decisions}


@pytest.mark.parametrize(
    ("memories", "rule", "expected"),
    [
        pytest.param([kept("a", age_days=900)], {}, {}, id="no-rule-keeps-everything"),
        pytest.param(
            [kept("a", age_days=3), kept("b", age_days=1)],
            {"max_age_days": 2},
            {"a": "max_age_days"},
            id="too-old",
        ),
        pytest.param([kept("a", age_days=2)], {"max_age_days": 2}, {}, id="exactly-as-old"),
        pytest.param([kept("a", age_days=None)], {"max_age_days": 2}, {}, id="age-unknown-stays"),
        pytest.param(
            [kept("a", age_days=9, used_days_ago=1), kept("b", age_days=9)],
            {"max_idle_days": 3},
            {"b": "max_idle_days"},
            id="used-lately-stays",
        ),
        pytest.param(
            [kept("a", score=0.9), kept("b", score=0.1), kept("c", score=0.4)],
            {"max_items": 2},
            {"b": "max_items"},
            id="least-score-goes",
        ),
        pytest.param([kept("a"), kept("b")], {"max_items": 2}, {}, id="exactly-as-many"),
        pytest.param([kept("a"), kept("b")], {"max_items": 0}, dict.fromkeys("ab", "max_items")),
        pytest.param(
            [kept("a", age_days=1), kept("b", age_days=5)],
            {"max_items": 1},
            {"b": "max_items"},
            id="of-equal-scores-the-older-goes",
        ),
        pytest.param(
            [kept("a", tokens=5, score=0.2), kept("b", tokens=4, score=0.3)],
            {"max_tokens": 4},
            {"a": "max_tokens"},
            id="tokens",
        ),
        pytest.param(
            [kept("a", score=0.1, pinned=True), kept("b", score=0.2, held=True), kept("c")],
            {"max_items": 1},
            {"c": "max_items"},
            id="pinned-and-held-stay-and-count",
        ),
        pytest.param(
            [kept("a", age_days=9, pinned=True), kept("b", age_days=9, held=True)],
            {"max_age_days": 1},
            {},
            id="pinned-and-held-do-not-age",
        ),
        pytest.param(
            [kept("a", score=0.1, group="g"), kept("b", score=0.9, group="g"), kept("c")],
            {"max_items": 2},
            {"c": "max_items"},
            id="group-stands-as-its-best",
        ),
        pytest.param(
            [kept("a", age_days=9, group="g"), kept("b", age_days=1, group="g")],
            {"max_age_days": 2},
            {},
            id="group-is-as-old-as-its-newest",
        ),
        pytest.param(
            [kept("a", group="g", pinned=True), kept("b", group="g"), kept("c")],
            {"max_items": 0},
            {"c": "max_items"},
            id="group-of-a-pinned-one-stays",
        ),
        pytest.param(
            [kept("a", tier="rag"), kept("b", tier="rag")], {"max_items": 0}, {}, id="other-tier"
        ),
    ],
)
def test_tier_keeps_what_its_rule_says(
    memories: list[Kept], rule: dict[str, Any], expected: dict[str, str]
) -> None:
    assert gone(memories, **rule) == expected


def test_decision_says_what_becomes_of_the_memory_and_why() -> None:
    policy = RetentionPolicy(rag={"max_age_days": 30, "on_limit": "remove"})
    [decision] = retention_decisions([kept("a", tier="rag", age_days=40)], policy, now=NOW)
    assert decision.action is OnLimit.REMOVE
    assert str(decision) == "remove 'a' of rag: 40.0 days old, max_age_days is 30"


memories = st.lists(
    st.builds(
        kept,
        st.uuids().map(str),
        score=st.floats(0, 1),
        age_days=st.floats(0, 10),
        tokens=st.integers(0, 20),
        held=st.booleans(),
        pinned=st.booleans(),
        group=st.sampled_from([None, None, "g", "h"]),
    ),
    max_size=12,
)


@given(memories, st.integers(0, 8), st.integers(0, 60))
def test_what_stays_is_within_the_limits_unless_it_is_exempt(
    listed: list[Kept], max_items: int, max_tokens: int
) -> None:
    left = gone(listed, max_items=max_items, max_tokens=max_tokens)
    staying = [one for one in listed if one.item.id not in left]
    exempt_groups = {one.item.group for one in listed if one.held or one.item.pinned} - {None}
    exempt = [one.held or one.item.pinned or one.item.group in exempt_groups for one in staying]
    within = len(staying) <= max_items and sum(one.tokens for one in staying) <= max_tokens
    assert within or all(exempt)


@given(memories, st.integers(0, 8))
def test_nothing_that_stays_is_worth_less_than_what_goes(
    listed: list[Kept], max_items: int
) -> None:
    alone = [one for one in listed if one.item.group is None]
    left = gone(alone, max_items=max_items)
    went = [one.score for one in alone if one.item.id in left]
    free = [one for one in alone if not (one.held or one.item.pinned)]
    stayed = [one.score for one in free if one.item.id not in left]
    assert not went or not stayed or max(went) <= min(stayed)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        pytest.param({"rag": {"on_limit": "demote"}}, "nothing is demoted out", id="demote-rag"),
        pytest.param({"project": {"max_age_days": 0}}, "must be above 0", id="zero-days"),
        pytest.param({"project": {"max_items": -1}}, "must be at least 0", id="negative"),
        pytest.param({"project": {"max_age": 3}}, "max_age_days", id="misspelled"),
        pytest.param({"projects": {}}, "project", id="unknown-tier"),
        pytest.param({"working": {"on_limit": "burn"}}, "on_limit", id="unknown-action"),
    ],
)
def test_policy_that_cannot_hold_is_refused(policy: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSettingsError, match=said):
        RetentionPolicy(**policy)


def test_preview_counts_by_tier_action_and_limit() -> None:
    policy = RetentionPolicy(working={"max_items": 1}, project={"max_age_days": 1})
    listed = [kept("a"), kept("b"), kept("c", tier="project", age_days=2)]
    preview = RetentionPreview(decisions=retention_decisions(listed, policy, now=NOW), expired=3)
    assert preview.counts == {
        (MemoryTier.WORKING, OnLimit.FORGET, "max_items"): 1,
        (MemoryTier.PROJECT, OnLimit.FORGET, "max_age_days"): 1,
    }
    assert str(preview).splitlines() == [
        "working: 1 forget by max_items",
        "project: 1 forget by max_age_days",
        "3 expired",
    ]


def test_preview_of_nothing_says_so() -> None:
    assert str(RetentionPreview(decisions=())) == "Nothing goes."


def test_rule_without_a_limit_limits_nothing() -> None:
    assert not RetentionRule(on_limit="remove").limits
    assert RetentionRule(max_tokens=0).limits


def test_decisions_are_in_input_order() -> None:
    policy = RetentionPolicy(working={"max_items": 0}, rag={"max_items": 0})
    listed = [kept("a", tier="rag"), kept("b"), kept("c", tier="rag")]
    decisions: tuple[RetentionDecision, ...] = retention_decisions(listed, policy, now=NOW)
    assert [one.memory_id for one in decisions] == ["a", "b", "c"]
