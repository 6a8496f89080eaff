"""A reranker: about which texts it is asked, what its order does, its limits and its failures."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from mba_integrations import Allocation, InputError, MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.calls.reranking import MOST_AT_ONCE, Reranker
from mba_integrations.core.config.settings import ScoringMethod

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTES = [f"note {number} of the list" for number in ("one", "two", "six", "ten")]
QUERY = "which note of the list?"


def items(**changes: Any) -> list[MemoryItem]:
    return [MemoryItem(str(n), text, "rag", **changes) for n, text in enumerate(NOTES)]


def allocate(
    reranker: Reranker | None,
    memories: list[MemoryItem] | None = None,
    query: str = QUERY,
    method: str = "usefulness",
    **arguments: Any,
) -> Allocation:
    allocator = MemoryBudgetAllocator(reranker=reranker, **arguments)
    config = allocator.workspace("default").model_copy(
        update={"scoring_method": ScoringMethod(method)}
    )
    allocator.register_workspace(config)
    return allocator.allocate_memory_budget(query, memories or items(), now=NOW)


def order(allocation: Allocation) -> list[str]:
    entries = (*allocation.selected, *allocation.omitted)
    return [one.id for one in sorted(entries, key=lambda one: -one.score)]


def last_first(query: str, texts: list[str]) -> list[float]:
    return [float(NOTES.index(text)) for text in texts]


@pytest.mark.parametrize("method", ["usefulness", "weighted_sum", "product"])
@pytest.mark.parametrize("seconds", [None, 60.0])
def test_its_order_decides_among_equals(method: str, seconds: float | None) -> None:
    allocation = allocate(last_first, method=method, rerank_seconds=seconds)
    assert order(allocation) == ["3", "2", "1", "0"]
    assert order(allocate(None, method=method)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda n: np.arange(n, dtype=np.float32), id="an-array-of-numpy"),
        pytest.param(lambda n: tuple(-1e9 + one for one in range(n)), id="any-scale"),
    ],
)
def test_any_numbers_are_taken(answer: Callable[[int], Any]) -> None:
    assert len(allocate(lambda query, texts: answer(len(texts))).selected) == 4


def test_it_is_asked_about_the_best_candidates_with_the_question() -> None:
    asked: list[tuple[str, list[str]]] = []

    def reranker(query: str, texts: list[str]) -> list[float]:
        asked.append((query, texts))
        return [0.0] * len(texts)

    best = MemoryItem("best", "which note of the list is it", "rag")
    allocate(reranker, [*items(), best], rerank_candidates=2)
    [(query, texts)] = asked
    assert query == QUERY
    assert len(texts) == 2
    assert texts[0] == best.content


def test_equal_scores_change_nothing() -> None:
    plain = allocate(None)
    equal = allocate(lambda query, texts: [7.0] * len(texts))
    before, after = ([one.score for one in each.selected] for each in (plain, equal))
    assert after == pytest.approx(before)


@pytest.mark.parametrize(
    ("memories", "query"),
    [
        pytest.param(items(relevance=0.5), QUERY, id="relevance-given"),
        pytest.param(items()[:1], QUERY, id="one-candidate"),
        pytest.param(items(), " \n", id="no-question"),
        pytest.param([], QUERY, id="no-candidate"),
    ],
)
def test_it_is_not_asked_where_there_is_nothing_to_ask(
    memories: list[MemoryItem], query: str
) -> None:
    def reranker(query: str, texts: list[str]) -> list[float]:
        raise AssertionError("asked")

    allocator = MemoryBudgetAllocator(reranker=reranker, embedder=lambda texts: np.eye(len(texts)))
    assert allocator.allocate_memory_budget(query, memories, now=NOW).notes == ()


def test_a_given_relevance_needs_no_second_look() -> None:
    asked: list[str] = []

    def reranker(query: str, texts: list[str]) -> list[float]:
        asked.extend(texts)
        return [0.0] * len(texts)

    allocate(reranker, [MemoryItem("sure", "sure note", "rag", relevance=0.9), *items()])
    assert sorted(asked) == sorted(NOTES)


def test_one_that_is_late_is_left_behind_with_a_note() -> None:
    release = threading.Event()

    def reranker(query: str, texts: list[str]) -> list[float]:
        release.wait(60)
        return last_first(query, texts)

    late = allocate(reranker, rerank_seconds=0.01)
    release.set()
    assert order(late) == order(allocate(None))
    assert "the reranker took longer than 0.01 s; the choice goes on without it." in late.notes
    assert late.notes[-1] in late.explain()


def test_one_that_hangs_does_not_cost_a_thread_for_each_question() -> None:
    release, started = threading.Event(), []

    def reranker(query: str, texts: list[str]) -> list[float]:
        started.append(query)
        release.wait(60)
        return last_first(query, texts)

    allocator = MemoryBudgetAllocator(reranker=reranker, rerank_seconds=0.001)
    for _ in range(MOST_AT_ONCE + 3):
        allocation = allocator.allocate_memory_budget(QUERY, items(), now=NOW)
        assert any("took longer than" in note for note in allocation.notes)
    release.set()
    assert len(started) <= MOST_AT_ONCE


@pytest.mark.parametrize("seconds", [None, 60.0])
@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError("by itself")])
def test_one_that_is_out_of_reach_is_noted(error: OSError, seconds: float | None) -> None:
    def reranker(query: str, texts: list[str]) -> list[float]:
        raise error

    allocation = allocate(reranker, rerank_seconds=seconds)
    kind = type(error).__name__
    expected = f"the reranker is out of reach ({kind}: {error}); the choice goes on without it."
    assert expected in allocation.notes


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_any_other_error_of_it_is_raised(seconds: float | None) -> None:
    def reranker(query: str, texts: list[str]) -> list[float]:
        raise KeyError("api_key")

    with pytest.raises(KeyError, match="api_key"):
        allocate(reranker, rerank_seconds=seconds)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param([1.0], r"shape \(1,\) for 4 texts; it must return one number", id="too-few"),
        pytest.param([[1.0]] * 4, r"shape \(4, 1\) for 4 texts", id="a-column"),
        pytest.param(None, "returned", id="nothing"),
        pytest.param(["high"] * 4, "what is no list of numbers", id="words"),
        pytest.param([1, 2, float("nan"), 4], "nan for text 2 of 4", id="not-a-number"),
        pytest.param([1, 2, 3, float("inf")], "inf for text 3 of 4", id="infinite"),
    ],
)
def test_an_answer_that_is_no_score_for_each_text_is_refused(answer: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        allocate(lambda query, texts: answer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"reranker": 3}, "reranker must be a function, got int", id="no-function"),
        pytest.param({"reranker": dict}, "got the class dict", id="a-class"),
        pytest.param({"rerank_candidates": 1}, "rerank_candidates must be .* >= 2", id="one"),
        pytest.param({"rerank_seconds": 0}, "rerank_seconds must be .* > 0", id="no-time"),
        pytest.param({"rerank_seconds": float("nan")}, "rerank_seconds", id="nan"),
        pytest.param({"rerank_seconds": True}, "rerank_seconds", id="truth"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryBudgetAllocator(**arguments)


def test_it_sees_the_context_of_the_call() -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="none")
    seen: list[str] = []

    def reranker(query: str, texts: list[str]) -> list[float]:
        seen.append(tenant.get())
        return last_first(query, texts)

    tenant.set("north")
    allocate(reranker)
    assert seen == ["north"]
