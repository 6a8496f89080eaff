"""Retrievers of LlamaIndex as an index of candidates for `RagService.retrieve`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import (
    ImageNode,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError
from mba_integrations.llamaindex import CandidateIndex
from mba_integrations.services import MemoryService, RagService

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
pytestmark = pytest.mark.usefixtures("own_event_loop")
QUESTION = "Who approves leave?"


class Given(BaseRetriever):
    """Finds these nodes."""

    def __init__(self, *nodes: NodeWithScore) -> None:
        self._nodes = list(nodes)
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._nodes


def node(name: str, score: float | None = None, **metadata: Any) -> NodeWithScore:
    made = TextNode(id_=name, text=f"Rule {name} of leave.", metadata=metadata)
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="guide")
    return NodeWithScore(node=made, score=score)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        pytest.param((0.9, 0.5, 0.5), True, id="similarities"),
        pytest.param((0.1, 0.5, 0.9), False, id="distances"),
        pytest.param((0.9, None, 0.5), False, id="one-without"),
        pytest.param((0.9, float("nan"), 0.5), False, id="one-not-finite"),
        pytest.param((None, None, None), False, id="none"),
    ],
)
def test_scores_count_where_they_fall_along_the_list(
    scores: tuple[float | None, ...], kept: bool
) -> None:
    nodes = [node(name, score) for name, score in zip("abc", scores, strict=True)]
    index = CandidateIndex(Given(*nodes))
    found = index.candidates(QUESTION)
    assert [one["id"] for one in found] == ["a", "b", "c"]
    assert [one["score"] for one in found] == (list(scores) if kept else [0.0, -1.0, -2.0])
    assert asyncio.run(index.acandidates(QUESTION)) == found


def test_what_is_chosen_is_cited_by_file_and_page(service: MemoryService, workspace: str) -> None:
    known = {"file_name": "guide.pdf", "page_label": "iv", "page": 3}
    found = CandidateIndex(Given(node("a", 0.9, **known))).candidates(QUESTION)
    assert found[0]["text"] == "Rule a of leave."
    reply = RagService(service).retrieve(workspace, QUESTION, candidates=found)
    first = reply.citations[0]
    assert (first.memory_id, first.document_id) == ("a", "guide")
    assert (first.text, first.title) == ("guide.pdf, page iv", "guide.pdf")


def test_a_vector_index_is_asked_through_its_retriever() -> None:
    nodes = [node(name).node for name in "abc"]
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=2))
    found = CandidateIndex(index.as_retriever(similarity_top_k=3), k=2).candidates(QUESTION)
    assert len(found) == 2
    with pytest.raises(InputError, match=r"index\.as_retriever"):
        CandidateIndex(index)  # type: ignore[arg-type]


def test_nodes_without_text_are_left_out() -> None:
    picture = NodeWithScore(node=ImageNode(image_url="https://a.example/p.png"), score=0.8)
    found = CandidateIndex(Given(node("a", 0.9), picture, node("b", 0.7))).candidates(QUESTION)
    assert [one["text"] for one in found] == ["Rule a of leave.", "Rule b of leave."]


def test_a_question_without_text_finds_nothing() -> None:
    index = CandidateIndex(Given(node("a")))
    assert index.candidates(" ") == asyncio.run(index.acandidates("")) == []


def test_k_is_a_number_of_nodes() -> None:
    with pytest.raises(InputError, match="k must be an integer >= 1"):
        CandidateIndex(Given(), k=0)
