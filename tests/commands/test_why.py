"""What decides on one item: its rank, its rivals, and the budget that brings it in or keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import (
    Allocation,
    BudgetError,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    OmissionReason,
    Omitted,
)
from mba_integrations.commands.arguments.workspaces import chosen_workspace
from mba_integrations.commands.why import least_budget, why
from mba_integrations.core.result.candidates import Candidate


def item(
    name: str, relevance: float, *, words: int = 5, tier: str = "rag", pinned: bool = False
) -> MemoryItem:
    text = " ".join([name] * words)
    return MemoryItem(name, text, tier, relevance=relevance, importance=0.5, pinned=pinned)


class Asked:
    """One question put to the same items with any budget; it keeps the budgets that were tried."""

    def __init__(self, *items: MemoryItem, **settings: object) -> None:
        self.items: Sequence[MemoryItem] = items
        self.tried: list[int] = []
        self.allocator = MemoryBudgetAllocator()
        workspace = chosen_workspace(None, "default").model_copy(update=settings)
        self.allocator.register_workspace(workspace)

    def __call__(self, budget_tokens: int) -> Allocation:
        self.tried.append(budget_tokens)
        return self.allocator.allocate_memory_budget(
            "?", self.items, "default", budget_tokens=budget_tokens
        )


def names(candidates: Sequence[Candidate]) -> list[str]:
    return [one.id for one in candidates]


THREE = (item("red", 0.9), item("green", 0.6), item("blue", 0.3))


@pytest.mark.parametrize(
    ("name", "rank"), [("red", 1), ("green", 2), ("blue", 3)], ids=["first", "second", "last"]
)
def test_the_rank_goes_by_score(name: str, rank: int) -> None:
    ask = Asked(*THREE)
    found = why(name, ask(15), ask)
    assert (found.rank, found.tier_count) == (rank, 3)


def test_equal_scores_have_one_rank() -> None:
    ask = Asked(item("red", 0.5), item("tan", 0.5), item("sky", 0.2))
    ranks = [why(name, ask(100), ask).rank for name in ("red", "tan", "sky")]
    assert ranks == [1, 1, 3]


def test_the_rank_by_token_is_another() -> None:
    ask = Asked(item("red", 0.6), item("tan", 0.5))
    costs = {"red": (0.9, 60), "tan": (0.8, 20)}
    allocation = ask(200)
    scored = {
        one.id: replace(one, score=costs[one.id][0], tokens=costs[one.id][1])
        for one in allocation.selected
    }
    known = SimpleNamespace(
        decision=scored.get, selected=(*scored.values(),), omitted=(), budget_tokens=200
    )
    found = why("red", cast(Allocation, known), ask)
    assert (found.rank, found.density_rank) == (1, 2)


def test_only_items_of_the_same_tier_are_counted() -> None:
    ask = Asked(item("red", 0.2), item("green", 0.9, tier="project"))
    found = why("red", ask(100), ask)
    assert (found.rank, found.tier_count) == (1, 1)


def test_rivals_of_an_omitted_item_are_those_that_are_in_the_weakest_first() -> None:
    ask = Asked(*THREE, item("black", 0.1, words=50))
    found = why("black", ask(40), ask)
    assert isinstance(found.decision, Omitted)
    assert names(found.rivals) == ["blue", "green", "red"]


def test_rivals_of_a_selected_item_are_those_left_out_the_strongest_first() -> None:
    ask = Asked(item("red", 0.9), item("green", 0.2, words=60), item("blue", 0.3, words=60))
    assert names(why("red", ask(20), ask).rivals) == ["blue", "green"]


def test_rivals_are_of_any_tier_where_the_own_has_none() -> None:
    ask = Asked(item("red", 0.9), item("black", 0.3, words=60, tier="project"))
    assert names(why("black", ask(20), ask).rivals) == ["red"]


def test_at_most_five_rivals_are_named() -> None:
    ask = Asked(*(item(f"n{n}", 0.9, words=2) for n in range(9)), item("black", 0.1, words=99))
    assert len(why("black", ask(80), ask).rivals) == 5


def test_an_item_alone_has_no_rival() -> None:
    ask = Asked(item("red", 0.9))
    assert why("red", ask(50), ask).rivals == ()


@pytest.mark.parametrize("name", ["red", "green", "blue"])
@pytest.mark.parametrize("budget_tokens", [10, 14, 20, 25])
def test_the_item_is_in_at_the_deciding_budget_and_out_one_below(
    name: str, budget_tokens: int
) -> None:
    ask = Asked(*THREE)
    deciding = why(name, ask(budget_tokens), ask).deciding_budget_tokens
    assert deciding is not None
    assert not isinstance(ask(deciding).decision(name), Omitted)
    if deciding > 1:
        assert isinstance(ask(deciding - 1).decision(name), Omitted)


def test_a_budget_too_small_for_the_pins_counts_as_out() -> None:
    ask = Asked(item("red", 0.5, words=20, pinned=True), item("green", 0.9))
    deciding = why("red", ask(80), ask).deciding_budget_tokens
    assert deciding is not None
    ask(deciding)
    with pytest.raises(BudgetError):
        ask(deciding - 1)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"min_score": 1.0}, OmissionReason.BELOW_THRESHOLD, id="below-the-threshold"),
        pytest.param(
            {"tier_cap_tokens": {MemoryTier.RAG: 0}}, OmissionReason.TIER_EXCLUDED, id="tier-is-out"
        ),
    ],
)
def test_no_budget_is_looked_for_where_none_helps(
    settings: dict[str, object], reason: OmissionReason
) -> None:
    ask = Asked(*THREE, **settings)
    allocation = ask(20)
    found = why("blue", allocation, ask)
    assert isinstance(found.decision, Omitted)
    assert found.decision.reason is reason
    assert found.deciding_budget_tokens is None
    assert ask.tried == [20]


def test_an_item_that_is_not_there_is_refused() -> None:
    ask = Asked(*THREE)
    with pytest.raises(InputError, match="no item 'white'"):
        why("white", ask(20), ask)


# The search


@given(least=st.integers(1, 2**24), known_out=st.integers(0, 2**20))
def test_the_least_budget_of_one_threshold_is_found(least: int, known_out: int) -> None:
    tried: list[int] = []

    def is_in(tokens: int) -> bool:
        tried.append(tokens)
        return tokens >= least

    found = least_budget(is_in, known_out)
    assert found == max(least, known_out + 1)
    assert len(tried) <= 50


@given(inside=st.sets(st.integers(1, 400), min_size=1), known_out=st.integers(0, 200))
def test_what_is_found_was_tried_where_a_larger_budget_drops_it_again(
    inside: set[int], known_out: int
) -> None:
    known = {known_out: False}

    def is_in(tokens: int) -> bool:
        known[tokens] = tokens in inside
        return known[tokens]

    found = least_budget(is_in, known_out)
    if found is not None:
        assert known[found]
        assert not known[found - 1]
        assert found > known_out
