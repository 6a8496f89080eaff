"""Documents within a budget: the retriever, the compressor, the runnable, embeddings."""

from __future__ import annotations

import asyncio
import threading
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_agents import words
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import Field, ValidationError

from mba_integrations import (
    Allocation,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    counter_for_model,
)
from mba_integrations.langchain import (
    BudgetedDocumentCompressor,
    BudgetedRetriever,
    EmbeddingsEmbedder,
    RetrieverSource,
    as_runnable,
)


class ListRetriever(BaseRetriever):
    """Finds its documents for every query."""

    documents: list[Document]
    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.asked.append(query)
        return self.documents


def documents(*texts: str, **metadata: Any) -> list[Document]:
    return [Document(text, id=text.split()[0], metadata=metadata) for text in texts]


TREES = documents("oak is a tree", "elm is a tree too", "fir stands here")


def budgeted(*found: Any, **options: Any) -> BudgetedRetriever:
    retrievers = [ListRetriever(documents=one) if isinstance(one, list) else one for one in found]
    return BudgetedRetriever(retrievers=retrievers, token_counter=words, **options)


def names(found: Any) -> list[str | None]:
    return [document.id for document in found]


def joined_words(found: Any) -> int:
    return words("\n\n".join(document.page_content for document in found))


class TestStandard(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BudgetedRetriever]:
        return BudgetedRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"retrievers": [ListRetriever(documents=TREES)], "budget_tokens": 1000}

    @property
    def retriever_query_example(self) -> str:
        return "oak"


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(12, {"oak", "elm", "fir"}, id="exact-fit"),
        pytest.param(11, {"oak", "elm"}, id="one-under"),
        pytest.param(7, {"oak", "fir"}, id="the-match-and-what-fits"),
        pytest.param(4, {"oak"}, id="the-match"),
        pytest.param(2, set(), id="nothing-fits"),
    ],
)
def test_documents_fit_the_budget(budget: int, expected: set[str]) -> None:
    found = budgeted(TREES, budget_tokens=budget).invoke("oak")
    assert set(names(found)) == expected
    assert joined_words(found) <= budget


@given(
    st.lists(st.text(min_size=1, max_size=60), max_size=12),
    st.integers(1, 120),
    st.sampled_from(["\n\n", " / ", "\n---\n"]),
)
def test_joined_documents_are_never_over_the_budget(
    texts: list[str], budget: int, separator: str
) -> None:
    found = [Document(text) for text in texts]
    allocator = MemoryBudgetAllocator()
    chosen = BudgetedRetriever(
        retrievers=[ListRetriever(documents=found)],
        budget_tokens=budget,
        separator=separator,
        allocator=allocator,
    ).invoke(texts[0] if texts else "")
    joined = separator.join(document.page_content for document in chosen)
    assert counter_for_model("gpt-4o").count(joined) <= budget


def test_the_budget_of_the_call_goes_before_that_of_the_field() -> None:
    retriever = budgeted(TREES, budget_tokens=4)
    assert len(retriever.invoke("oak")) == 1
    assert len(retriever.invoke("oak", budget_tokens=12)) == 3
    assert len(asyncio.run(retriever.ainvoke("oak", budget_tokens=12, k=2))) == 2


def test_the_budget_may_be_configured() -> None:
    field = ConfigurableField(id="budget")
    retriever = budgeted(TREES).configurable_fields(budget_tokens=field)
    for budget, count in ((4, 1), (12, 3)):
        config: Any = {"configurable": {"budget": budget}}
        assert len(retriever.invoke("oak", config)) == count
        assert len(asyncio.run(retriever.ainvoke("oak", config))) == count


def test_originals_are_unchanged_but_for_one_key() -> None:
    original = documents("oak is a tree", colour="green")
    (found,) = budgeted(original, budget_tokens=9).invoke("oak")
    assert found is not original[0]
    assert original[0].metadata == {"colour": "green"}
    decision = found.metadata.pop("memory_budget")
    assert found == original[0]
    assert decision == {
        "tier": "rag",
        "tokens": 4,
        "score": decision["score"],
        "budget_tokens": 9,
        "used_tokens": 4,
        "shortened": False,
    }
    assert 0.0 < decision["score"] <= 1.0


def test_several_retrievers_find_each_document_once() -> None:
    found = budgeted(TREES, TREES[:2], documents("ash is an oak"), budget_tokens=99).invoke("oak")
    assert sorted(map(str, names(found))) == ["ash", "elm", "fir", "oak"]


def test_shares_divide_the_budget() -> None:
    many = [Document(f"{name} tree number {n}") for name in ("oak", "elm") for n in range(20)]
    first = RetrieverSource(ListRetriever(documents=many[:20]), tier="project", share=0.25)
    second = RetrieverSource(ListRetriever(documents=many[20:]), tier="rag", share=0.75)
    # A share is kept for what is worth nearly what it displaces; the last of a list is not.
    for budget, counts in ((40, (3, 7)), (80, (10, 10))):
        found = budgeted(first, second, budget_tokens=budget).invoke("tree")
        tiers = [document.metadata["memory_budget"]["tier"] for document in found]
        assert (tiers.count("project"), tiers.count("rag")) == counts


def test_what_a_tier_does_not_need_the_others_have() -> None:
    many = [Document(f"elm tree number {n}") for n in range(20)]
    first = RetrieverSource(ListRetriever(documents=TREES[:1]), tier="project", share=0.5)
    second = RetrieverSource(ListRetriever(documents=many), tier="rag", share=0.5)
    assert len(budgeted(first, second, budget_tokens=80).invoke("tree")) == 20


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"retrievers": []}, ValidationError, "retrievers is empty", id="none"),
        pytest.param({"retrievers": ["x"]}, ValidationError, "retrievers", id="no-retriever"),
        pytest.param({"budget_tokens": 0}, ValidationError, "budget_tokens must be", id="zero"),
        pytest.param({"k": 0}, ValidationError, "must be an integer >= 1", id="no-documents"),
        pytest.param(
            {"retrievers": [
                RetrieverSource(ListRetriever(documents=[]), share=0.5),
                ListRetriever(documents=[]),
            ]},
            ValidationError, "1 of 2 retrievers have a share", id="half-shared",
        ),
        pytest.param(
            {"retrievers": [RetrieverSource(ListRetriever(documents=[]), share=0.5)]},
            ValidationError, "shares sum to 0.5, must sum to 1", id="shares-do-not-sum-to-one",
        ),
    ],
)  # fmt: skip
def test_unusable_settings_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    given = {"retrievers": [ListRetriever(documents=TREES)], **options}
    with pytest.raises(error, match=message):
        BudgetedRetriever(**given)


def test_an_unusable_budget_of_a_call_is_refused() -> None:
    with pytest.raises(InputError, match="budget_tokens must be an integer >= 1, got 0"):
        budgeted(TREES).invoke("oak", budget_tokens=0)


class Meeting(BaseRetriever):
    """Waits until another one is asked too, so that one after the other would wait for ever."""

    barrier: Any

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.barrier.wait(timeout=5)
        return []


def test_retrievers_are_asked_at_the_same_time() -> None:
    barrier = threading.Barrier(2)
    pair = [Meeting(barrier=barrier), Meeting(barrier=barrier)]
    assert budgeted(*pair).invoke("oak") == []
    assert asyncio.run(budgeted(*pair).ainvoke("oak")) == []


def test_a_retrievers_error_is_the_callers() -> None:
    class Broken(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            raise ConnectionError("index is away")

    with pytest.raises(ConnectionError, match="index is away"):
        budgeted(Broken(), TREES).invoke("oak")


def test_steps_and_the_decision_are_traced() -> None:
    async def events() -> list[Any]:
        stream = budgeted(TREES, budget_tokens=4).astream_events("oak", version="v2")
        return [event async for event in stream]

    found = asyncio.run(events())
    started = [event["name"] for event in found if event["event"] == "on_retriever_start"]
    assert started == ["BudgetedRetriever", "ListRetriever"]
    (custom,) = [event for event in found if event["event"] == "on_custom_event"]
    assert custom["name"] == "memory_budget"
    assert custom["data"]["documents"] == ["oak"]
    assert custom["data"]["omitted"] == {"outranked": 1, "too_large": 1}
    assert sorted(custom["data"]["left_out"].values()) == ["outranked", "too_large"]
    assert "oak" not in custom["data"]["left_out"]


def test_the_rank_of_a_retriever_counts_where_words_do_not() -> None:
    found = documents("alpha one two", *(f"beta{n} one two" for n in range(9)))
    assert names(budgeted(found, budget_tokens=3).invoke("nothing of it")) == ["alpha"]
    last = documents("beta one two", "alpha one two")[::-1]
    assert names(budgeted(last, budget_tokens=3).invoke("nothing of it")) == ["alpha"]
    scores = [
        document.metadata["memory_budget"]["score"]
        for document in budgeted(found, budget_tokens=99).invoke("nothing of it")
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_documents_with_one_id_and_other_texts_are_other_documents() -> None:
    chunks = [
        Document("oak here", id="a"),
        Document("oak again", id="a"),
        Document("oak here", id="a"),
    ]
    found = budgeted(chunks, budget_tokens=99).invoke("oak")
    assert [(one.page_content, one.id) for one in found] == [("oak here", "a"), ("oak again", "a")]


def test_the_compressor_and_the_runnable_tell_documents_of_one_id_apart_too() -> None:
    chunks = [Document("oak here", id="a"), Document("oak again", id="a")]
    assert len(compressor(99).compress_documents(chunks, "oak")) == 2
    given_ = {"query": "oak", "memories": [*chunks, MemoryItem("a", "oak there", "rag")]}
    found = as_runnable(MemoryBudgetAllocator(words)).invoke(given_)
    assert sorted(one.item.content for one in found.selected) == [
        "oak again",
        "oak here",
        "oak there",
    ]


def test_a_blank_document_is_none() -> None:
    found = budgeted([Document(" \n"), Document("oak here")], budget_tokens=9).invoke("oak")
    assert [one.page_content for one in found] == ["oak here"]


def test_a_relevance_score_goes_before_the_rank() -> None:
    first, second = documents("alpha one two", "beta one two")
    first.metadata["relevance_score"], second.metadata["relevance_score"] = 0.1, 0.9
    assert names(budgeted([first, second], budget_tokens=3).invoke("nothing")) == ["beta"]


def test_empty_documents_and_odd_metadata_are_harmless() -> None:
    odd = Document("oak here", metadata={"date": "not a date", "source": 3, "relevance_score": 7})
    assert len(budgeted([Document(""), odd], budget_tokens=9).invoke("oak")) == 1


def compressor(budget: int | None, **options: Any) -> BudgetedDocumentCompressor:
    return BudgetedDocumentCompressor(budget_tokens=budget, token_counter=words, **options)


def test_compressor_keeps_what_fits_in_a_compression_retriever() -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor(4), base_retriever=ListRetriever(documents=TREES)
    )
    assert names(retriever.invoke("oak")) == ["oak"]
    assert names(asyncio.run(retriever.ainvoke("oak"))) == ["oak"]


@pytest.mark.parametrize("budget", range(1, 14))
def test_compressor_and_retriever_choose_alike(budget: int) -> None:
    found = compressor(budget).compress_documents(TREES, "oak")
    assert found == budgeted(TREES, budget_tokens=budget).invoke("oak")
    assert joined_words(found) <= budget


class Told(BaseCallbackHandler):
    """Keeps what custom events say; with an error, raises it in place of that."""

    def __init__(self, error: Exception | None = None) -> None:
        self.raise_error = True
        self.error = error
        self.data: list[Any] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        if self.error is not None:
            raise self.error
        self.data.append((name, data))


def test_the_compressor_tells_the_run_what_it_left_out_and_why() -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor(4), base_retriever=ListRetriever(documents=TREES)
    )
    told = Told()
    retriever.invoke("oak", {"callbacks": [told]})
    asyncio.run(retriever.ainvoke("oak", {"callbacks": [told]}))
    (name, data), again = told.data
    assert (name, data) == again
    assert name == "memory_budget"
    assert data["documents"] == ["oak"]
    assert sorted(data["left_out"].values()) == ["outranked", "too_large"]


def test_the_compressor_outside_of_a_run_tells_nobody() -> None:
    told = Told()
    assert names(compressor(4).compress_documents(TREES, "oak", callbacks=[told])) == ["oak"]
    assert told.data == []


def test_an_error_of_a_handler_that_wants_it_raised_is_the_callers() -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor(4), base_retriever=ListRetriever(documents=TREES)
    )
    with pytest.raises(RuntimeError, match="the watch is away"):
        retriever.invoke("oak", {"callbacks": [Told(RuntimeError("the watch is away"))]})


def test_compressor_takes_no_documents_and_at_most_k() -> None:
    assert compressor(9).compress_documents([], "oak") == []
    assert len(compressor(99, k=2).compress_documents(TREES, "oak")) == 2
    with pytest.raises(ValidationError, match="must be an integer >= 1"):
        compressor(0)


ITEMS = [
    MemoryItem("a", "Kate likes skiing.", "project"),
    MemoryItem("b", "The weather is fine today.", "rag"),
]


def test_runnable_is_a_step_of_a_chain() -> None:
    step = as_runnable(MemoryBudgetAllocator(words), memories=ITEMS, budget_tokens=6)
    chain = step | attrgetter("prompt_text")
    assert chain.invoke("What does Kate like?") == "## Project\n- Kate likes skiing.\n"


def test_runnable_gives_an_allocation_within_the_budget() -> None:
    step = as_runnable(MemoryBudgetAllocator(words), budget_tokens=6)
    given = {"query": "What does Kate like?", "memories": [*ITEMS, Document("Kate has skis.")]}
    for allocation in (step.invoke(given), asyncio.run(step.ainvoke(given))):
        assert isinstance(allocation, Allocation)
        assert allocation.used_tokens <= 6
        assert {tier for tier, used in allocation.tiers.items() if used.omitted_count} >= {
            MemoryTier.RAG
        }
    assert [one.budget_tokens for one in step.batch([given, given])] == [6, 6]


def test_runnable_takes_the_budget_of_the_configuration() -> None:
    step = as_runnable(MemoryBudgetAllocator(words), memories=ITEMS, budget_tokens=99)
    allocation = step.invoke("Kate?", {"configurable": {"budget_tokens": 7}})
    assert allocation.budget_tokens == 7
    assert step.invoke("Kate?").budget_tokens == 99


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(3, "the input must be a query or a mapping", id="number"),
        pytest.param({"question": "x"}, "a text under 'query'", id="other-key"),
        pytest.param({"query": "x", "memories": ["y"]}, "got str among them", id="text"),
        pytest.param({"query": "x", "memories": 3}, "memories must be a list of", id="no-list"),
        pytest.param({"query": "x", "memories": np.ones(2)}, "got float64 among them", id="array"),
    ],
)
def test_runnable_refuses_other_inputs(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_runnable(MemoryBudgetAllocator(words)).invoke(given)


class LetterEmbeddings(Embeddings):
    """Two numbers for a text: does it have an a, does it have a b."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.batches.append(list(texts))
        return [[float("a" in text), float("b" in text)] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        raise AssertionError("queries are embedded as texts are")


def test_embeddings_are_asked_once_for_each_text_in_batches() -> None:
    model = LetterEmbeddings()
    embedder = EmbeddingsEmbedder(model, batch_size=2)
    assert np.asarray(embedder(["a", "b", "ab", "a"])).tolist() == [[1, 0], [0, 1], [1, 1], [1, 0]]
    assert embedder(["b"]).tolist() == [[0, 1]]
    assert model.batches == [["a", "b"], ["ab"]]


def test_what_was_embedded_beforehand_is_found() -> None:
    model = LetterEmbeddings()
    embedder = EmbeddingsEmbedder(model)
    asyncio.run(embedder.aembed(["a", "b", "a"]))
    asyncio.run(embedder.aembed(["a"]))
    assert embedder(["a", "b"]).tolist() == [[1, 0], [0, 1]]
    assert model.batches == [["a", "b"]]


def test_embeddings_decide_where_words_do_not() -> None:
    embedder = EmbeddingsEmbedder(LetterEmbeddings())
    allocator = MemoryBudgetAllocator(words, embedder)
    items = [MemoryItem("x", "bbb one two", "rag"), MemoryItem("y", "aaa one two", "rag")]
    chosen = allocator.allocate_memory_budget("a", items, budget_tokens=6)
    assert [one.id for one in chosen.selected] == ["y"]


@pytest.mark.parametrize(
    ("embeddings", "options", "message"),
    [
        pytest.param(len, {}, "must be LangChain Embeddings, got builtin", id="function"),
        pytest.param(LetterEmbeddings(), {"batch_size": 0}, "batch_size must be", id="batch"),
    ],
)
def test_unusable_embeddings_are_refused(
    embeddings: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        EmbeddingsEmbedder(embeddings, **options)
