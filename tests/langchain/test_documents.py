"""Documents as items: their scores as a list has them; components whose fields are set later."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from langchain_agents import COUNTER, words
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from mba_integrations import InputError, MemoryBudgetAllocator, MemoryTier
from mba_integrations.langchain import (
    BudgetedDocumentCompressor,
    BudgetedMemory,
    BudgetedRetriever,
)
from mba_integrations.langchain.documents.items import items_from_documents


def scored(*scores: Any) -> list[Document]:
    return [
        Document(f"paragraph {place}", metadata={} if one is None else {"relevance_score": one})
        for place, one in enumerate(scores)
    ]


def retriever_scores(*scores: Any) -> list[float | None]:
    items = items_from_documents(scored(*scores), tier=MemoryTier.RAG)
    assert all(item.relevance is None for item in items)
    return [item.retriever_score for item in items]


BY_PLACE = [0.0, -1.0, -2.0]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0.9, 0.5, 0.0], [0.9, 0.5, 0.0], id="within"),
        pytest.param([8.0, 1.0, 0.0], [8.0, 1.0, 0.0], id="beyond-1"),
        pytest.param([3.0, 0.5, -2.0], [3.0, 0.5, -2.0], id="logits"),
        pytest.param([-1.0, -2.0, 0.5], [-1.0, -2.0, 0.5], id="not-in-order"),
        pytest.param([5.0, 5.0, 5.0], BY_PLACE, id="all-equal-tell-nothing"),
        pytest.param([0.9, None, 0.1], BY_PLACE, id="one-without"),
        pytest.param([None, None, None], BY_PLACE, id="none"),
        pytest.param([0.9, math.nan, 0.1], BY_PLACE, id="not-finite"),
        pytest.param([0.9, "high", 0.1], BY_PLACE, id="in-words"),
        pytest.param([10**400, 1, 0], BY_PLACE, id="beyond-any-float"),
        pytest.param([1.7e308, -1.7e308, 0.0], [1.7e308, -1.7e308, 0.0], id="wider-than-a-float"),
        pytest.param(
            [*np.array([0.75, 0.5, 0.25], dtype=np.float32)], [0.75, 0.5, 0.25], id="of-numpy"
        ),
    ],
)
def test_scores_keep_the_scale_of_their_retriever(scores: list[Any], expected: Any) -> None:
    assert retriever_scores(*scores) == pytest.approx(expected)


class Fixed(BaseRetriever):
    texts: list[str]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        assert query.strip(), "a question without text"
        return [Document(text) for text in self.texts]


TEXTS = [f"oak number {n}" for n in range(9)]


@pytest.mark.parametrize("query", ["", "  "])
def test_a_question_without_text_finds_nothing(query: str) -> None:
    made = BudgetedRetriever(retrievers=[Fixed(texts=TEXTS)], token_counter=words)
    assert made.invoke(query) == asyncio.run(made.ainvoke(query)) == []


def of_retriever(one: Any) -> int:
    return len(one.invoke("oak"))


def of_compressor(one: Any) -> int:
    return len(one.compress_documents([Document(text) for text in TEXTS], "oak"))


def dear(text: str) -> int:
    return 30 * words(text)


MADE = {
    "retriever": (
        lambda: BudgetedRetriever(
            retrievers=[Fixed(texts=TEXTS)], budget_tokens=99, token_counter=words
        ),
        of_retriever,
    ),
    "compressor": (
        lambda: BudgetedDocumentCompressor(budget_tokens=99, token_counter=words),
        of_compressor,
    ),
}


@pytest.mark.parametrize("way", ["set", "copied"])
@pytest.mark.parametrize(
    ("field", "value", "count"),
    [
        pytest.param("budget_tokens", 9, 3, id="budget"),
        pytest.param("k", 2, 2, id="most"),
        pytest.param("token_counter", dear, 1, id="counter"),
        pytest.param("separator", " x" * 30 + " ", 3, id="separator"),
        pytest.param(
            "allocator",
            MemoryBudgetAllocator(dear),
            1,
            id="allocator",
        ),
    ],
)
@pytest.mark.parametrize(("make", "count_of"), MADE.values(), ids=MADE)
def test_a_field_that_is_set_counts(
    make: Any, count_of: Any, field: str, value: object, count: int, way: str
) -> None:
    one = make()
    assert count_of(one) == 9
    if way == "set":
        setattr(one, field, value)
        assert count_of(one) == count
    else:
        assert count_of(one.model_copy(update={field: value})) == count
        assert count_of(one) == 9


def test_retrievers_that_are_set_are_asked() -> None:
    one = BudgetedRetriever(retrievers=[Fixed(texts=TEXTS)], token_counter=words)
    one.retrievers = [Fixed(texts=["elm"])]
    assert [found.page_content for found in one.invoke("oak")] == ["elm"]
    one.retrievers = []
    with pytest.raises(InputError, match="retrievers is empty"):
        one.invoke("oak")


@pytest.mark.parametrize(("make", "count_of"), MADE.values(), ids=MADE)
@pytest.mark.parametrize("field", ["budget_tokens", "k"])
def test_a_field_is_not_set_to_what_it_cannot_be(make: Any, count_of: Any, field: str) -> None:
    one = make()
    with pytest.raises(ValueError, match=f"{field}|budget_tokens"):
        setattr(one, field, 0)
    with pytest.raises(InputError, match=f"{field} must be an integer >= 1"):
        count_of(one.model_copy(update={field: 0}))
    assert count_of(one) == 9


@pytest.mark.parametrize("way", ["set", "copied"])
def test_the_budget_of_a_memory_may_be_set(way: str) -> None:
    memory = BudgetedMemory(budget_tokens=1_000, return_messages=True, token_counter=words)
    for number in range(30):
        memory.save_context({"input": f"question {number}"}, {"output": f"answer {number}"})
    assert len(memory.load_memory_variables({"input": "x"})["history"]) == 60
    one = memory.model_copy(update={"budget_tokens": 50}) if way == "copied" else memory
    one.budget_tokens = 50
    kept = one.load_memory_variables({"input": "x"})["history"]
    assert 0 < sum(COUNTER.message_tokens(kept)) <= 50
