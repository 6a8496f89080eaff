"""A given relevance decides: over words and scores, beside length, importance and freshness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, MemoryPool
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need.given import probability_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORD = "The zebra crossing at the harbour is repainted in May."
OTHERS = ["Lunch is ordered from the bakery.", "Parking permits are renewed in April."]


def allocate(
    query: str, items: list[MemoryItem] | MemoryPool, budget: int = 4000, **arguments: Any
) -> Allocation:
    return MemoryBudgetAllocator(**arguments).allocate_memory_budget(
        query, items, budget_tokens=budget, now=NOW
    )


def scores(allocation: Allocation) -> dict[str, float]:
    return {one.id: one.score for one in (*allocation.selected, *allocation.omitted)}


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20))
def test_probability_rises_with_relevance_from_0_to_near_1(relevance: list[float]) -> None:
    ordered = probability_of(np.array([0.0, *sorted(relevance), 1.0]))
    assert (np.diff(ordered) >= 0.0).all()
    assert ordered[0] == 0.0
    assert ordered[-1] == pytest.approx(0.99)


def test_a_rare_word_does_not_outvote_a_given_relevance() -> None:
    items = [
        MemoryItem("word", WORD, "project", relevance=0.4),
        MemoryItem("said", OTHERS[0], "project", relevance=0.6),
    ]
    found = scores(allocate("When is the zebra crossing repainted?", items))
    assert found["said"] > found["word"]


@pytest.mark.parametrize(
    ("relevance", "expected"),
    [
        pytest.param(0.61, {"long"}, id="more-than-0.1-above"),
        pytest.param(0.59, {"oak", "fir"}, id="less-than-0.1-above"),
    ],
)
def test_twice_the_length_costs_an_item_a_tenth_of_relevance(
    relevance: float, expected: set[str]
) -> None:
    items = [
        MemoryItem("oak", "oak " * 10, "rag", relevance=0.5),
        MemoryItem("fir", "fir " * 10, "rag", relevance=0.5),
        MemoryItem("long", "elm " * 21, "rag", relevance=relevance),
    ]
    counter = {"token_counter": lambda text: len(text.split())}
    chosen = allocate("tree", items, 24, **counter).selected  # a heading of 2, and 22
    assert {one.id for one in chosen} == expected


@given(st.permutations([0.1, 0.3, 0.5, 0.7, 0.9, 0.95]), st.integers(1, 6))
def test_of_equally_long_items_the_most_relevant_come_in(
    relevance: list[float], count: int
) -> None:
    items = [
        MemoryItem(f"m{place}", f"Note {place} of six.", "rag", relevance=one)
        for place, one in enumerate(relevance)
    ]
    budget = 2 + 6 * count  # a heading, and so many lines of a hyphen, four words and a full stop
    counter = {"token_counter": lambda text: len(text.replace(".", " .").split())}
    chosen = {one.relevance for one in allocate("note 3", items, budget, **counter).selected}
    assert chosen == set(sorted(relevance)[-count:])


def test_what_is_given_as_irrelevant_stays_out_unless_it_holds_whatever_is_asked() -> None:
    items = [
        MemoryItem("not", WORD, "project", relevance=0.0),
        MemoryItem("rule", OTHERS[0], "project", relevance=0.0, importance=1.0),
        MemoryItem("pin", OTHERS[1], "project", relevance=0.0, pinned=True),
    ]
    allocation = allocate("When is the zebra crossing repainted?", items)
    assert {one.id for one in allocation.selected} == {"rule", "pin"}


def test_importance_and_freshness_move_equally_relevant_items() -> None:
    items = [
        MemoryItem("old", OTHERS[0], "rag", relevance=0.5, created_at=NOW - timedelta(99)),
        MemoryItem("new", OTHERS[1], "rag", relevance=0.5, created_at=NOW),
        MemoryItem("low", WORD, "rag", relevance=0.5, importance=0.1, created_at=NOW),
    ]
    found = scores(allocate("anything", items))
    assert found["new"] > found["old"] > found["low"]


def test_the_newest_exchange_comes_in_for_a_question_that_hangs_on_it() -> None:
    talk = [
        MemoryItem(
            f"t{place}",
            text,
            "working",
            relevance=0.0,
            created_at=NOW - timedelta(minutes=9 - place),
            source="chat",
            position=place,
            metadata={"role": role},
        )
        for place, (role, text) in enumerate(
            [("user", "How do I start the migration?"), ("assistant", "Run larkctl with it.")]
        )
    ]
    found = scores(allocate("and how do I undo it?", talk))
    assert min(found.values()) >= 0.5


def test_nothing_is_embedded_or_indexed_where_all_relevance_is_given() -> None:
    asked: list[list[str]] = []

    def embedder(texts: list[str]) -> FloatArray:
        asked.append(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    def reranker(query: str, texts: list[str]) -> list[float]:
        asked.append(texts)
        return [0.0] * len(texts)

    items = [
        MemoryItem(str(place), text, "rag", relevance=0.5, embedding=[1.0, float("nan")])
        for place, text in enumerate([WORD, *OTHERS])
    ]
    pool = MemoryPool.from_items(items)
    allocation = allocate("zebra?", pool, embedder=embedder, reranker=reranker)
    assert len(allocation.selected) == 3
    assert asked == []
    snapshot = pool.snapshot()
    made = (PoolSnapshot.lexical, PoolSnapshot.embeddings, PoolSnapshot.speakers)
    assert not any(column.known(snapshot) for column in made)


def test_where_some_relevance_is_given_it_decides_for_those_and_the_others_are_estimated() -> None:
    unknown = [MemoryItem(f"u{place}", text, "rag") for place, text in enumerate([WORD, *OTHERS])]
    sure = MemoryItem("sure", "Keys hang in the hall.", "rag", relevance=1.0)
    poor = MemoryItem("poor", "Zebra crossing, zebra.", "rag", relevance=0.1)
    found = scores(allocate("When is the zebra crossing repainted?", [*unknown, sure, poor]))
    assert found["sure"] == pytest.approx(0.99)
    assert found["u0"] > found["poor"]
    assert found["poor"] == pytest.approx(float(probability_of(np.array([0.1]))[0]), rel=1e-6)


def test_the_second_question_is_worked_out_from_what_the_first_left() -> None:
    items = [MemoryItem(str(place), WORD, "rag", relevance=place / 3) for place in range(3)]
    pool = MemoryPool.from_items(items)
    allocator = MemoryBudgetAllocator()
    first, second = (allocator.allocate_memory_budget("a", pool, now=NOW) for _ in range(2))
    assert scores(first) == scores(second)
    pool.update(MemoryItem("0", WORD, "rag", relevance=1.0))
    assert scores(allocator.allocate_memory_budget("a", pool, now=NOW))["0"] == pytest.approx(0.99)
