"""Vector stores and retrievers of LangChain as an index of candidates for `RagService.retrieve`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError
from mba_integrations.langchain import CandidateIndex
from mba_integrations.services import MemoryService, RagService
from mba_integrations.testing import WordEmbedder

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
QUESTION = "Who approves leave?"
PAGES = [
    Document("Ben approves leave.", id="p1", metadata={"source": "guide.pdf", "page": 1}),
    Document("Who serves lunch?", id="p2", metadata={"source": "guide.pdf", "page": 2}),
    Document("Trains are booked ahead.", id="p3", metadata={"source": "guide.pdf", "page": 3}),
]


class Words(Embeddings):
    """Vectors of words."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in WordEmbedder()(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class ByDistance(InMemoryVectorStore):
    """A store whose scores are distances, and whose relevance is unusable."""

    def similarity_search_with_score(self, *args: Any, **more: Any) -> list[tuple[Document, float]]:
        found = super().similarity_search_with_score(*args, **more)
        return [(document, 1.0 - score) for document, score in found]


class Given(BaseRetriever):
    """Finds these documents; takes a filter."""

    found: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, lang: str | None = None
    ) -> list[Document]:
        return [one for one in self.found if lang in (None, one.metadata.get("lang"))]


def stored(kind: type[InMemoryVectorStore]) -> VectorStore:
    store = kind(Words())
    store.add_documents(PAGES)
    return store


def ids(candidates: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in sorted(candidates, key=lambda one: -one["score"])]


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(stored(InMemoryVectorStore), id="similarities"),
        pytest.param(stored(ByDistance), id="distances"),
        pytest.param(stored(InMemoryVectorStore).as_retriever(), id="its-retriever"),
        pytest.param(Given(found=PAGES), id="any-retriever"),
    ],
)
def test_the_best_of_an_index_has_the_highest_score(index: Any) -> None:
    found = CandidateIndex(index).candidates(QUESTION)
    assert ids(found)[0] == "p1"
    assert len(found) == 3
    assert asyncio.run(CandidateIndex(index).acandidates(QUESTION)) == found


def test_a_rerankers_scores_count_where_documents_bring_them() -> None:
    scored = [
        Document(name, id=name, metadata={"relevance_score": n}) for n, name in enumerate("ab")
    ]
    assert ids(CandidateIndex(Given(found=scored)).candidates(QUESTION)) == ["b", "a"]


def test_what_is_chosen_is_cited_by_source_and_page(service: MemoryService, workspace: str) -> None:
    found = CandidateIndex(stored(InMemoryVectorStore)).candidates(QUESTION)
    reply = RagService(service).retrieve(workspace, QUESTION, candidates=found, budget_tokens=60)
    first = reply.citations[0]
    assert (first.memory_id, first.document_id, first.text) == (
        "p1",
        "guide.pdf",
        "guide.pdf, page 1",
    )


def test_no_more_than_k_are_taken() -> None:
    for index in (stored(InMemoryVectorStore), Given(found=PAGES)):
        assert len(CandidateIndex(index, k=2).candidates(QUESTION)) == 2


def test_filters_go_to_the_index_and_those_of_a_call_win() -> None:
    index = CandidateIndex(
        stored(InMemoryVectorStore), search={"filter": lambda one: one.metadata["page"] > 1}
    )
    assert sorted(ids(index.candidates(QUESTION))) == ["p2", "p3"]
    last = index.candidates(QUESTION, filter=lambda one: one.metadata["page"] == 3)
    assert ids(last) == ["p3"]
    found = [Document("eins", id="d", metadata={"lang": "de"}), Document("one", id="e")]
    assert ids(CandidateIndex(Given(found=found), search={"lang": "de"}).candidates("1")) == ["d"]


def test_what_json_cannot_hold_is_written_as_text() -> None:
    known = {"when": datetime(2026, 3, 2, tzinfo=UTC), "kind": Document, "share": float("nan")}
    (found,) = CandidateIndex(Given(found=[Document("a", metadata=known)])).candidates("a?")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["metadata"]["when"] == "2026-03-02T00:00:00Z"


def test_a_date_of_a_document_is_that_of_the_candidate(
    service: MemoryService, workspace: str
) -> None:
    dated = [Document("Ben approves leave.", metadata={"date": "2026-03-02"})]
    found = CandidateIndex(Given(found=dated)).candidates(QUESTION)
    reply = RagService(service).retrieve(workspace, QUESTION, candidates=found)
    assert reply.selected[0].item.created_at == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_question_without_text_finds_nothing() -> None:
    index = CandidateIndex(stored(InMemoryVectorStore))
    assert index.candidates("  ") == asyncio.run(index.acandidates("")) == []


def test_the_error_of_an_index_comes_through() -> None:
    index = CandidateIndex(stored(InMemoryVectorStore), search={"filter": "page > 1"})
    with pytest.raises(TypeError):
        index.candidates(QUESTION)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"index": "store"}, "index must be a VectorStore or a retriever", id="index"),
        pytest.param({"index": Given(found=[]), "k": 0}, "k must be an integer >= 1", id="k"),
    ],
)
def test_what_is_no_index_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CandidateIndex(**arguments)
