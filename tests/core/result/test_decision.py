"""What was decided on each candidate, read from columns; each reason as a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from allocators import NOW, allocator_with, lettered
from fakes import line
from hypothesis import given
from hypothesis import strategies as st
from strategies import memories, workspaces

from mba_integrations import (
    Allocation,
    MemoryItem,
    MemoryTier,
    OmissionReason,
    Omitted,
    PinnedOverBudgetError,
    Selected,
    WorkspaceConfig,
)
from mba_integrations.core.result.candidates import reason_sentence
from mba_integrations.core.turns.previous import digest_of

KEY = "The deploy key of the server rotates on Monday."
LONG = f"{KEY} " + "Nobody has asked about the weather. " * 30


def allocate(items: list[MemoryItem], budget: int = 100, **given: Any) -> Allocation:
    previous = given.pop("previous", None)
    return allocator_with(lettered(**given)).allocate_memory_budget(
        "deploy key", items, "w", budget, now=NOW, previous=previous
    )


ONE_OF_EACH = [
    line("fits", 40, relevance=0.9),
    line("outranked", 60, relevance=0.5),
    line("too_large", 9000, relevance=0.8),
    line("below_threshold", 20, relevance=0.1),
    line("tier_excluded", 20, "long_term", relevance=0.9),
]
REASONS = [
    ("outranked", "other items are worth more for its 60 tokens"),
    ("too_large", "it needs 9,000 tokens, more than it could have alone"),
    ("below_threshold", "its score 0.100 is below min_score 0.200"),
    ("tier_excluded", "the workspace gives tier long_term no tokens"),
]


@pytest.mark.parametrize(("reason", "detail"), REASONS, ids=[reason for reason, _ in REASONS])
def test_an_omission_has_its_reason_and_its_numbers(reason: str, detail: str) -> None:
    found = allocate(ONE_OF_EACH, min_score=0.2, tier_cap_tokens={"long_term": 0})
    decided = found.decision(reason)
    assert isinstance(decided, Omitted)
    assert (decided.reason.value, decided.detail) == (reason, detail)


def test_a_repetition_is_told_as_one() -> None:
    said = [MemoryItem(f"m{n}", KEY, "rag", relevance=0.9 - n / 10) for n in range(2)]
    decided = allocate(said, 200, duplicate_threshold=0.9).decision("m1")
    assert isinstance(decided, Omitted)
    assert decided.reason is OmissionReason.DUPLICATE
    assert decided.detail == "an item that is in the prompt says the same"


def test_a_group_is_too_large_by_all_its_tokens() -> None:
    items = [line(name, 70, group="g", relevance=0.9) for name in "ab"]
    decided = allocate(items).decision("a")
    assert isinstance(decided, Omitted)
    assert decided.detail == "it needs 140 tokens, more than it could have alone"
    assert decided.tokens == 70


def test_where_something_stays_from_before_the_sentence_says_so() -> None:
    before = allocate([line("a", 80, relevance=0.5)])
    items = [line("a", 80, relevance=0.5), line("b", 80, relevance=0.5)]
    decided = allocate(items, previous=before, stability=1.0).decision("b")
    assert isinstance(decided, Omitted)
    assert decided.detail.endswith("for its 80 tokens, or stay from the previous prompt")


def test_every_reason_has_a_sentence_of_its_own() -> None:
    numbers: dict[str, Any] = {"tokens": 12, "unit_tokens": 56, "score": 0.25, "min_score": 0.5}
    sentences = {
        reason_sentence(reason, tier=MemoryTier.RAG, follows=False, **numbers)
        for reason in OmissionReason
    }
    assert len(sentences) == len(OmissionReason)


def test_a_passage_is_told_with_its_text_and_the_whole_stays_in_the_item() -> None:
    items = [MemoryItem("long", LONG, "rag", relevance=0.9), line("a", 30, relevance=0.5)]
    found = allocate(items, 300, passage_min_tokens=50)
    decided = found.decision("long")
    assert isinstance(decided, Selected)
    assert decided.passage is not None
    assert KEY in decided.passage
    assert decided.passage in found.prompt_text
    assert decided.content == LONG
    assert decided.to_dict()["shortened"] is True
    assert decided.sentences is not None
    shown, every = decided.sentences
    assert 0 < shown < every == LONG.count(". ")
    assert f"{shown} of {every} sentences" in found.explain()
    assert found.selected[1 - found.selected_ids.index("long")].to_dict()["shortened"] is False


def test_what_the_next_turn_needs_of_each_item() -> None:
    pin = line("p", 30, "project", pinned=True)
    items = [MemoryItem("long", LONG, "rag", relevance=0.9), pin]
    found = allocate(items, 300, passage_min_tokens=50)
    first, second = found.as_previous.items
    assert (first.id, first.tier, first.passage, first.opens) == ("p", pin.tier, None, True)
    assert second.passage == getattr(found.decision("long"), "passage", None)
    assert second.digest == digest_of(LONG)
    assert second.opens
    assert not second.changing


@given(memories(max_size=10), workspaces(), st.integers(1, 250))
def test_all_ways_of_asking_for_a_decision_agree(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int
) -> None:
    try:
        found = allocator_with(config).allocate_memory_budget("é 9", items, "w", budget, now=NOW)
    except PinnedOverBudgetError:
        return
    asked = {item.id: found.decision(item.id) for item in items}
    told = {one.id: one for one in (*found.selected, *found.omitted)}
    assert asked == told
    assert found.selected_ids == tuple(one.id for one in found.selected)
    assert [one.id for one in found.omitted] == [
        item.id for item in items if item.id not in found.selected_ids
    ]
    counted: dict[OmissionReason, int] = {}
    for one in found.omitted:
        counted[one.reason] = counted.get(one.reason, 0) + 1
    assert found.omission_counts() == counted
    assert list(found.omission_reasons().items()) == [(one.id, one.reason) for one in found.omitted]
    for tier, usage in found.tiers.items():
        assert usage.selected_count == sum(one.tier is tier for one in found.selected)
        assert usage.omitted_count == sum(one.tier is tier for one in found.omitted)
    groups = {item.group for item in items if item.pinned and item.group is not None}
    for selected in found.selected:
        assert selected.pinned == (selected.item.pinned or selected.item.group in groups)
