"""What holds in every turn of any conversation, however prompts follow each other."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from counters import ADDITIVE, COUNTERS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import NOW, fractions, memories, texts, workspaces

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PinnedOverBudgetError,
    WorkspaceConfig,
)
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.selection.assembly import chronological_order

any_counter = st.sampled_from(list(COUNTERS))
stabilities = st.sampled_from([0.0, 0.3, 0.6, 1.0])
fewer = settings(max_examples=50)  # each example is a conversation of two to four calls
QUERIES = ("What did Zebra say in 2026?", "é 9", "project", "")


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[list[MemoryItem], int]]:
    """Items and budget of each turn: some items go, come, change their text or their relevance."""
    every = draw(memories(max_size=14))
    turns = []
    for _ in range(draw(st.integers(2, 4))):
        shown = [item for item in every if draw(st.integers(0, 9))]
        turns.append((shown, draw(st.integers(1, 250))))
        every = [_later(draw, item) for item in every]
    return turns


def _later(draw: st.DrawFn, item: MemoryItem) -> MemoryItem:
    chance = draw(st.integers(0, 11))
    if chance == 0:
        return replace(item, content=draw(texts))
    if chance == 1 and item.group is None:
        return replace(item, tier=draw(st.sampled_from(MemoryTier)))
    return replace(item, relevance=draw(st.none() | fractions)) if chance < 5 else item


def replay(
    turns: list[tuple[list[MemoryItem], int]], config: WorkspaceConfig, counter: str
) -> list[Allocation]:
    allocator = MemoryBudgetAllocator(token_counter=COUNTERS[counter])
    allocator.register_workspace(config)
    done: list[Allocation] = []
    for number, (items, budget) in enumerate(turns):
        query = QUERIES[number % len(QUERIES)]
        try:
            done.append(
                allocator.allocate_memory_budget(
                    query,
                    items,
                    "w",
                    budget,
                    now=NOW,
                    previous=done[-1] if done else None,
                )
            )
        except PinnedOverBudgetError:
            with pytest.raises(PinnedOverBudgetError):
                allocator.allocate_memory_budget(query, items, "w", budget, now=NOW)
            assume(False)
    return done


def steady_workspaces(**fixed: Any) -> st.SearchStrategy[WorkspaceConfig]:
    return stabilities.flatmap(lambda stability: workspaces(stability=stability, **fixed))


@settings(max_examples=75)
@given(conversations(), steady_workspaces(), any_counter)
def test_every_turn_keeps_what_is_promised(
    turns: list[tuple[list[MemoryItem], int]], config: WorkspaceConfig, counter: str
) -> None:
    """All promises of one conversation: to hold it takes most of the time."""
    done = replay(turns, config, counter)
    for (items, budget), allocation in zip(turns, done, strict=True):
        keeps_to_its_budget_and_decides_on_every_item(items, budget, config, counter, allocation)
        pins_are_in_groups_are_whole_and_low_scores_are_out(items, config, allocation)
        chronological_sections_are_in_order(config, allocation)
        if counter in ADDITIVE and config.rendering.format != "messages":
            tiers_add_up_and_keep_to_their_caps(config, allocation)
    what_is_called_stable_stands_at_the_beginning_of_both_prompts(done)


def keeps_to_its_budget_and_decides_on_every_item(
    items: list[MemoryItem],
    budget: int,
    config: WorkspaceConfig,
    counter: str,
    allocation: Allocation,
) -> None:
    assert COUNTERS[counter].count(allocation.prompt_text) == allocation.used_tokens
    assert allocation.used_tokens <= budget == allocation.budget_tokens
    if config.rendering.format == "messages":
        assert allocation.message_tokens <= budget
    decided = [entry.id for entry in (*allocation.selected, *allocation.omitted)]
    assert sorted(decided) == sorted(item.id for item in items)
    assert 0.0 <= allocation.value <= allocation.upper_bound + 1e-9


def pins_are_in_groups_are_whole_and_low_scores_are_out(
    items: list[MemoryItem], config: WorkspaceConfig, allocation: Allocation
) -> None:
    chosen = {entry.id: entry for entry in allocation.selected}
    assert all(item.id in chosen for item in items if item.pinned)
    for group in {item.group for item in items if item.group}:
        members = [item.id in chosen for item in items if item.group == group]
        assert all(members) or not any(members)
    problem = allocation.decided.problem
    recent = {items[row].id for row in problem.units.rows(problem.recent).tolist()}
    alone = [entry for entry in chosen.values() if not entry.pinned and not entry.item.group]
    assert all(entry.score >= config.min_score or entry.id in recent for entry in alone)


def tiers_add_up_and_keep_to_their_caps(config: WorkspaceConfig, allocation: Allocation) -> None:
    tiers = allocation.tiers
    assert sum(tier.used_tokens for tier in tiers.values()) == allocation.used_tokens
    for tier, cap in config.tier_cap_tokens.items():
        if not any(entry.pinned for entry in allocation.selected if entry.tier is tier):
            assert tiers[tier].used_tokens <= cap


def what_is_called_stable_stands_at_the_beginning_of_both_prompts(done: list[Allocation]) -> None:
    assert done[0].stable_prefix_tokens == 0
    assert done[0].prefix_hash == ""
    for before, after in pairwise(done):
        stable = after.reuse.stable_text
        assert before.prompt_text.startswith(stable)
        assert after.prompt_text.startswith(stable)
        assert 0 <= after.stable_prefix_tokens <= after.used_tokens
        assert bool(after.prefix_hash) == bool(stable)
        assert "".join(block["text"] for block in after.to_cache_blocks()) == after.prompt_text


def chronological_sections_are_in_order(config: WorkspaceConfig, allocation: Allocation) -> None:
    decided = allocation.decided
    snapshot = decided.problem.snapshot
    # An item without a time has that of the item before it, whichever that is.
    steady = [row for row in decided.rows.tolist() if row not in decided.continuation.changing]
    for tier in MemoryTier:
        rows = [row for row in steady if snapshot.items[row].tier is tier]
        items = [snapshot.items[row] for row in rows]
        if config.rendering.order_of(tier) is ItemOrder.CHRONOLOGICAL and all(
            item.created_at and not item.group for item in items
        ):
            ordered = sorted(rows)
            expected = chronological_order(snapshot, np.array(ordered, dtype=np.int64))
            assert rows == [ordered[place] for place in expected]


@fewer
@given(
    conversations(),
    steady_workspaces(duplicate_threshold=None, passage_min_tokens=None),
    st.sampled_from(sorted(ADDITIVE)),
)
def test_the_bound_of_every_turn_holds_for_what_would_be_chosen_anew(
    turns: list[tuple[list[MemoryItem], int]], config: WorkspaceConfig, counter: str
) -> None:
    assume(config.rendering.format != "messages")
    done = replay(turns, config, counter)
    for number, ((items, budget), allocation) in enumerate(zip(turns, done, strict=True)):
        allocator = MemoryBudgetAllocator(token_counter=COUNTERS[counter])
        allocator.register_workspace(config)
        query = QUERIES[number % len(QUERIES)]
        chosen = allocator.allocate_memory_budget(query, items, "w", budget, now=NOW)
        assert allocation.upper_bound >= chosen.value - 1e-9


@fewer
@given(conversations(), workspaces(), any_counter, stabilities)
def test_without_a_previous_allocation_the_stability_does_not_matter(
    turns: list[tuple[list[MemoryItem], int]],
    config: WorkspaceConfig,
    counter: str,
    stability: float,
) -> None:
    first = turns[:1]
    left = replay(first, config.with_changes(stability=0.0), counter)[0]
    right = replay(first, config.with_changes(stability=stability), counter)[0]
    assert left == right
    assert [entry.id for entry in left.selected] == [entry.id for entry in right.selected]


def test_a_long_conversation_keeps_to_its_budget_in_every_turn() -> None:
    draw = random.Random(5)
    items = [
        MemoryItem(f"m{n}", f"word{n} " * draw.randint(3, 30), list(MemoryTier)[n % 4])
        for n in range(60)
    ]
    allocator = MemoryBudgetAllocator()
    session = allocator.session("s")
    for _ in range(40):
        budget = draw.choice([200, 400, 800])
        allocation = session.allocate_memory_budget(
            f"word{draw.randrange(60)} word{draw.randrange(60)}", items, budget_tokens=budget
        )
        assert COUNTERS["o200k"].count(allocation.prompt_text) == allocation.used_tokens <= budget
