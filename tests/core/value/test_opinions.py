"""Orders of others: of retrievers' lists and of a reranker, whatever the scale of their scores."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.value.opinions.order import places, with_order, with_places

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTES = ["one note here", "two note here", "six note here", "ten note here"]

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=1, max_size=12))
def test_places_are_those_of_a_loop(scores: list[float]) -> None:
    expected = [
        3 / (3 + sum(one > score for one in scores) + (scores.count(score) - 1) / 2)
        for score in scores
    ]
    assert places(np.array(scores), half=3).tolist() == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.floats(0.001, 0.999), numbers), min_size=1, max_size=9),
    st.floats(0.0, 4.0),
)
def test_an_order_moves_odds_and_leaves_what_the_list_has_in_all(
    pairs: list[tuple[float, float]], power: float
) -> None:
    probability = np.array([0.5, *(one for one, _ in pairs)])
    scores = np.array([score for _, score in pairs])
    rows = np.arange(1, len(probability))
    moved = with_order(probability, rows, places(scores, half=3), power=power)
    assert moved[0] == 0.5
    logits = np.log(probability / (1 - probability)), np.log(moved / (1 - moved))
    assert logits[1][rows].mean() == pytest.approx(logits[0][rows].mean(), abs=1e-6)
    shift = logits[1][rows] - logits[0][rows]
    best, worst = int(scores.argmax()), int(scores.argmin())
    assert shift[best] >= shift[worst] - 1e-9


@given(st.lists(st.tuples(st.floats(0, 1), numbers), min_size=1, max_size=9), st.floats(0, 1))
def test_a_relevance_beside_places_stays_in_0_to_1(
    pairs: list[tuple[float, float]], weight: float
) -> None:
    share, scores = np.array(pairs).T
    moved = with_places(share, np.arange(len(pairs)), places(scores, half=3), weight=weight)
    assert ((moved >= 0.0) & (moved <= 1.0)).all()


def found(method: str, scores: list[float | None], names: list[str | None]) -> Allocation:
    items = [
        MemoryItem(str(place), text, "rag", retriever_score=score, retriever=name)
        for place, (text, score, name) in enumerate(zip(NOTES, scores, names, strict=True))
    ]
    allocator = MemoryBudgetAllocator()
    config = allocator.workspace("default").model_copy(
        update={"scoring_method": ScoringMethod(method)}
    )
    allocator.register_workspace(config)
    return allocator.allocate_memory_budget("note", items, now=NOW)


def order(allocation: Allocation) -> list[str]:
    entries = (*allocation.selected, *allocation.omitted)
    return [one.id for one in sorted(entries, key=lambda one: -one.score)]


@pytest.mark.parametrize("method", ["usefulness", "weighted_sum"])
@pytest.mark.parametrize(
    "scale",
    [
        pytest.param(lambda x: x, id="as-it-is"),
        pytest.param(lambda x: 0.79 + x / 1000, id="cosines-that-lie-together"),
        pytest.param(lambda x: 1e5 * x - 3e6, id="logits"),
    ],
)
def test_only_the_order_of_scores_counts(method: str, scale: object) -> None:
    scores = [scale(one) for one in (2.0, 9.0, 1.0, 4.0)]  # type: ignore[operator]
    allocation = found(method, scores, [None] * 4)
    assert order(allocation) == ["1", "3", "0", "2"]
    plain = found(method, [2.0, 9.0, 1.0, 4.0], [None] * 4)
    assert [one.score for one in allocation.selected] == [one.score for one in plain.selected]


@pytest.mark.parametrize("method", ["usefulness", "weighted_sum"])
def test_each_retrievers_scores_rank_its_own_list(method: str) -> None:
    allocation = found(method, [0.9, 0.8, 77.0, 33.0], ["cosine", "cosine", "bm25", "bm25"])
    score = {one.id: one.score for one in (*allocation.selected, *allocation.omitted)}
    assert score["0"] == score["2"]
    assert score["1"] == score["3"]
    assert score["0"] > score["1"]


@pytest.mark.parametrize("method", ["usefulness", "weighted_sum"])
def test_beside_vectors_the_order_of_a_list_moves_the_estimates(method: str) -> None:
    def scored(scores: list[float | None]) -> dict[str, float]:
        items = [
            MemoryItem(str(place), text, "rag", embedding=[1.0, 0.1 * place], retriever_score=score)
            for place, (text, score) in enumerate(zip(NOTES, scores, strict=True))
        ]
        allocator = MemoryBudgetAllocator(embedder=lambda texts: np.array([[1.0, 0.0]]))
        config = allocator.workspace("default").model_copy(
            update={"scoring_method": ScoringMethod(method)}
        )
        allocator.register_workspace(config)
        allocation = allocator.allocate_memory_budget("note", items, now=NOW)
        return {one.id: one.score for one in (*allocation.selected, *allocation.omitted)}

    plain, moved = scored([None] * 4), scored([1.0, None, None, 9.0])
    assert plain["0"] > plain["3"]
    assert moved["3"] / moved["0"] > plain["3"] / plain["0"]
    assert moved["1"] == pytest.approx(plain["1"], rel=0.2)


def test_a_score_is_a_signal_and_a_given_relevance_goes_before_it() -> None:
    items = [
        MemoryItem("low", NOTES[0], "rag", relevance=0.2, retriever_score=99.0),
        MemoryItem("high", NOTES[1], "rag", relevance=0.8, retriever_score=-99.0),
    ]
    allocation = MemoryBudgetAllocator().allocate_memory_budget("note", items, now=NOW)
    assert order(allocation) == ["high", "low"]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), "high", 10**400])
def test_a_score_that_is_no_number_is_refused(score: object) -> None:
    with pytest.raises(ValueError, match="item 'a': retriever_score must be finite, got"):
        MemoryItem("a", "text", "rag", retriever_score=score)  # type: ignore[arg-type]
