from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.budget.plan import plan_budget
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import REASONS, MemoryItem, OmissionReason, QueryComplexity
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.duplicates import (
    near_duplicates,
)
from mba_integrations.core.selection.problem import selection_problem
from mba_integrations.core.selection.select import select as select_from
from mba_integrations.core.value.worth import Worth

DAY = datetime(2026, 1, 1, tzinfo=UTC)
TEN = "the deploy key of the staging server rotates on every monday morning"


def memory(name: str, content: str, tier: str = "rag", **fields: Any) -> MemoryItem:
    return MemoryItem(name, content, tier, **fields)


def dropped(
    items: list[MemoryItem], *, values: list[float] | None = None, threshold: float = 0.9
) -> dict[str, str]:
    snapshot = PoolSnapshot(items)
    value = np.array(values or [0.5] * len(items))
    rows = np.arange(len(items))
    found = near_duplicates(snapshot, rows, value=value, threshold=threshold)
    return {items[row].id: items[kept].id for row, kept in found.items()}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(TEN, TEN, True, id="equal"),
        pytest.param(TEN, TEN.upper(), True, id="case-does-not-count"),
        pytest.param(TEN, f"{TEN} {TEN}", True, id="repetition-does-not-count"),
        pytest.param(TEN, TEN.replace("staging", "production"), False, id="one-word-differs"),
        pytest.param("thank you", "thank you", False, id="too-short-to-say-the-same"),
        pytest.param(TEN, "nothing in common with that one at all", False, id="different"),
    ],
)
def test_which_texts_say_the_same(first: str, second: str, same: bool) -> None:
    found = dropped([memory("a", first), memory("b", second)])
    assert found == ({"b": "a"} if same else {})


def test_the_more_valuable_is_kept() -> None:
    assert dropped([memory("a", TEN), memory("b", TEN)], values=[0.2, 0.9]) == {"a": "b"}


def test_the_newer_is_kept_even_if_it_is_worth_less() -> None:
    old, new = memory("a", TEN, created_at=DAY), memory("b", TEN, created_at=DAY + timedelta(1))
    assert dropped([old, new], values=[0.9, 0.2]) == {"a": "b"}


def test_of_many_copies_one_is_kept() -> None:
    items = [memory(name, TEN) for name in "abcd"]
    assert dropped(items, values=[0.1, 0.4, 0.2, 0.3]) == {"a": "b", "c": "b", "d": "b"}


@given(
    texts=st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), max_size=8),
    threshold=st.sampled_from([0.5, 0.75, 0.9, 1.0]),
)
def test_pairs_are_those_of_a_comparison_of_all(texts: list[list[str]], threshold: float) -> None:
    items = [memory(f"m{number}", " ".join(words)) for number, words in enumerate(texts)]
    sets = [set(words) for words in texts]
    similar = {
        (f"m{left}", f"m{right}")
        for right in range(len(sets))
        for left in range(right)
        if min(len(sets[left]), len(sets[right])) >= 4
        and len(sets[left] & sets[right]) / len(sets[left] | sets[right]) >= threshold
    }
    found = dropped(items, threshold=threshold)
    alone = {item.id for item in items} - set(found)
    assert not any(left in alone and right in alone for left, right in similar)
    assert all(any(drop in pair for pair in similar) for drop in found)


def select(
    items: list[MemoryItem], budget: int, **settings: Any
) -> tuple[set[str], dict[str, str]]:
    config = WorkspaceConfig(workspace_id="w")
    snapshot, renderer, counter = PoolSnapshot(items), Renderer(config.rendering), CharCounter()
    score = np.array([0.9 - 0.1 * number for number in range(len(items))])
    problem = selection_problem(
        snapshot,
        plan=plan_budget(config, QueryComplexity.EXPERT, budget_tokens=budget),
        layout=renderer,
        counter=counter,
        tokens=snapshot.token_column(renderer, counter),
        worth=Worth(of_item=score, per_token=False),
        score=score,
        **{"duplicate_threshold": 0.9, **settings},
    )
    selection = select_from(problem)
    chosen = {items[row].id for row in selection.prompt.rows}
    reasons = {
        item.id: REASONS[selection.reason[row]].value
        for row, item in enumerate(items)
        if item.id not in chosen
    }
    return chosen, reasons


def test_a_duplicate_makes_room_for_another_item() -> None:
    items = [memory("a", TEN), memory("b", TEN), memory("c", "x" * len(TEN))]
    budget = len("## Documents\n") + 2 * (len(TEN) + 3)
    assert select(items, budget) == ({"a", "c"}, {"b": OmissionReason.DUPLICATE.value})
    assert select(items, budget, duplicate_threshold=None)[0] == {"a", "b"}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"pinned": True}, id="pinned"),
        pytest.param({"group": "g"}, id="grouped"),
        pytest.param({"tier": "working"}, id="said-in-the-conversation"),
    ],
)
def test_some_repetitions_stay(fields: dict[str, Any]) -> None:
    items = [memory("a", TEN), memory("b", TEN, **fields)]
    assert select(items, 500)[0] == {"a", "b"}


def test_a_document_that_repeats_the_conversation_goes() -> None:
    items = [memory("said", TEN, "working"), memory("read", TEN)]
    assert select(items, 500) == ({"said"}, {"read": "duplicate"})


def all_similar_pairs(sets: list[frozenset[str]], threshold: float) -> list[tuple[int, int]]:
    """The slow way: every pair, by a table of which set has which word."""
    words = sorted(frozenset().union(*sets))
    has = np.array([[word in own for word in words] for own in sets], dtype=np.float64)
    size = has.sum(axis=1)
    both = has @ has.T
    either = size[:, None] + size - both
    long = np.minimum(size[:, None], size) >= 4
    rows, others = np.nonzero(np.triu(long & (both >= threshold * either), 1))
    return list(zip(rows.tolist(), others.tolist(), strict=True))


def dropped_slowly(
    sets: list[frozenset[str]], values: list[float], threshold: float
) -> dict[str, str]:
    """Every pair in order; of two that are there yet, the less valuable goes."""
    kept_by: dict[int, int] = {}
    for low, high in all_similar_pairs(sets, threshold):
        if low not in kept_by and high not in kept_by:
            keep, drop = (high, low) if values[high] > values[low] else (low, high)
            kept_by[drop] = keep
    found = {}
    for drop, keep in kept_by.items():
        while keep in kept_by:
            keep = kept_by[keep]
        found[f"m{drop}"] = f"m{keep}"
    return found


def compared(sets: list[frozenset[str]], values: list[float], threshold: float) -> dict[str, str]:
    """What both ways drop, and for which item."""
    items = [memory(f"m{row}", " ".join(sorted(own))) for row, own in enumerate(sets)]
    expected = dropped_slowly(sets, values, threshold)
    assert dropped(items, values=values, threshold=threshold) == expected
    return expected


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 40),
    threshold=st.sampled_from([0.3, 0.5, 0.8, 0.9, 1.0]),
)
def test_what_goes_is_what_a_comparison_of_all_pairs_drops(
    seed: int, count: int, threshold: float
) -> None:
    random = np.random.default_rng(seed)
    compared(word_sets(random, count), random.integers(0, 5, count).tolist(), threshold)


def test_many_rows_are_compared_in_blocks() -> None:
    random = np.random.default_rng(5)
    sets = word_sets(random, 1300)
    assert len(compared(sets, random.random(1300).tolist(), 0.9)) > 100


def word_sets(random: np.random.Generator, count: int) -> list[frozenset[str]]:
    """Sets of 1 to 60 words, many of them another with a few words changed."""
    made: list[frozenset[str]] = []
    for row in range(count):
        drawn = {f"w{word}" for word in random.integers(0, 400, random.integers(1, 60)).tolist()}
        if made and random.random() < 0.5:
            other = set(made[int(random.integers(len(made)))])
            drawn = other ^ {f"w{word}" for word in random.integers(0, 400, 2).tolist()}
        made.append(frozenset(drawn or {f"only{row}"}))
    return made
