"""Retrieval within a budget: of documents, of both, or of what another index returned."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mba_integrations import MemoryItem
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.services.rag.candidates import candidate_items
from mba_integrations.services.rag.errors import UnknownDocumentError
from mba_integrations.services.rag.service import RagService
from mba_integrations.testing import WordCounter

LEAVE = "Ben approves leave within two days."


@pytest.fixture
def filled(rag: RagService) -> RagService:
    """Two documents, and a memory."""
    pieces = [MemoryItem("x", LEAVE, "rag", metadata={"page": 4, "colour": "red"})]
    rag.put_document("kate", "guide", pieces=pieces, title="Guide", uri="https://a.example/g")
    rag.put_document("kate", "menu", text="Lunch is at noon, with leaves of salad.")
    rag.memory.remember("kate", "Kate asked about leave on Monday.")
    return rag


def test_passages_are_cited_with_title_address_and_place(filled: RagService) -> None:
    reply = filled.retrieve("kate", "Who approves leave?")
    first = reply.citations[0]
    assert (first.document_id, first.title, first.uri) == ("guide", "Guide", "https://a.example/g")
    assert (first.text, first.place) == ("Guide, page 4", {"page": 4})
    assert [one.memory_id for one in reply.citations] == [one.item.id for one in reply.selected]
    assert reply.to_dict()["citations"][0]["place"] == {"page": 4}


def test_a_line_template_names_the_place_of_each_passage(filled: RagService) -> None:
    filled.memory.workspaces.change(
        "kate", rendering={"line_templates": {"rag": "[{citation}] {text}"}}
    )
    reply = filled.retrieve("kate", "Who approves leave?")
    assert f"[Guide, page 4] {LEAVE}" in reply.prompt_text
    assert WordCounter().count(reply.prompt_text) == reply.used_tokens


def test_memories_share_the_budget_when_asked_for(filled: RagService) -> None:
    alone = filled.retrieve("kate", "Who approves leave?")
    assert "Monday" not in alone.prompt_text
    both = filled.retrieve("kate", "Who approves leave?", with_memories=True)
    assert "Monday" in both.prompt_text
    assert LEAVE in both.prompt_text
    assert len(both.citations) < len(both.selected)


def test_a_recall_of_memories_sees_documents_too(filled: RagService) -> None:
    assert LEAVE in filled.memory.recall("kate", "Who approves leave?").prompt_text


def test_documents_can_be_named(filled: RagService) -> None:
    reply = filled.retrieve("kate", "Who approves leave?", document_ids=["menu"])
    assert {one.document_id for one in reply.citations} <= {"menu"}
    with pytest.raises(UnknownDocumentError, match="'nothing'"):
        filled.retrieve("kate", "leave", document_ids=["menu", "nothing"])


def test_candidates_of_another_index_stand_in_place_of_documents(filled: RagService) -> None:
    candidates: list[Any] = [
        {"id": "c1", "text": "Leave is approved by Zoe.", "score": 12.5, "source": "wiki"},
        MemoryItem("c2", "Trains leave at noon.", "project", retriever_score=3.0),
    ]
    reply = filled.retrieve("kate", "Who approves leave?", candidates=candidates)
    assert {one.item.id for one in reply.selected} <= {"c1", "c2"}
    assert reply.citations[0].document_id == "wiki"
    both = filled.retrieve("kate", "Who approves leave?", candidates=candidates, with_memories=True)
    assert "Monday" in both.prompt_text
    assert LEAVE not in both.prompt_text
    assert len(filled.memory.list("kate").rows) == 3


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text("ab c\n", min_size=1, max_size=30), max_size=8),
    budget=st.integers(1, 40),
)
def test_no_prompt_of_candidates_is_over_the_budget(
    rag: RagService, texts: list[str], budget: int
) -> None:
    found = [{"text": text, "score": -float(place)} for place, text in enumerate(texts)]
    reply = rag.retrieve("kate", "a b?", candidates=found, budget_tokens=budget)
    assert WordCounter().count(reply.prompt_text) == reply.used_tokens <= budget


def test_a_session_keeps_its_place_with_candidates(rag: RagService) -> None:
    found = [{"id": f"c{number}", "text": f"Leave rule {number}."} for number in range(6)]
    first = rag.retrieve("kate", "leave rule", candidates=found, session_id="s")
    again = rag.retrieve("kate", "leave rule", candidates=found[::-1], session_id="s")
    assert again.prompt_text == first.prompt_text
    rag.memory.equipment.trail.flush()


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        pytest.param(["text"], "candidate 0 must be a MemoryItem or a mapping", id="text"),
        pytest.param([{"id": "a"}], "candidate 0 has the text None", id="no text"),
        pytest.param([{"text": "a", "rank": 1}], "candidate 0 has 'rank'", id="unknown"),
        pytest.param(7, "candidates must be a list", id="number"),
        pytest.param([{"text": "a", "score": "high"}], "retriever_score", id="score"),
        pytest.param([{"text": "a", "created_at": "May"}], "candidate 0: created_at", id="time"),
    ],
)
def test_what_is_no_candidate_is_refused(candidates: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        candidate_items(candidates)


@pytest.mark.parametrize(
    ("metadata", "citation"),
    [
        pytest.param({"page": 7}, "wiki, page 7", id="source-and-page"),
        pytest.param({"title": "Guide", "lines": [3, 9]}, "Guide, lines 3-9", id="title"),
        pytest.param({"citation": "Kate's wiki", "page": 7}, "Kate's wiki", id="its-own"),
        pytest.param({"lines": 3, "rows": "a-b", "headings": "A"}, "wiki", id="no-places"),
        pytest.param({"headings": ["A", "B"], "page": None}, "wiki, A > B", id="headings"),
    ],
)
def test_a_candidate_is_cited_by_what_is_known_of_it(
    rag: RagService, metadata: dict[str, Any], citation: str
) -> None:
    found = [{"id": "a", "text": "Leave rule.", "source": "wiki", "metadata": metadata}]
    reply = rag.retrieve("kate", "Which leave rule?", candidates=found)
    assert reply.citations[0].text == citation


def test_two_candidates_of_one_id_are_refused(filled: RagService) -> None:
    twice = [{"id": "a", "text": "one"}, {"id": "a", "text": "two"}]
    with pytest.raises(DuplicateItemError, match="'a'"):
        filled.retrieve("kate", "leave", candidates=twice)


@pytest.mark.parametrize("other", [{"with_memories": True}, {"candidates": []}])
def test_named_documents_and_others_do_not_go_together(
    filled: RagService, other: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="document_ids narrow"):
        filled.retrieve("kate", "leave", document_ids=["menu"], **other)
