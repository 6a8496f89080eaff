"""A document is put whole, replaced whole and removed whole; what stays the same costs nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_services import Opened, on_both

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.services.memory.new_memory import MOST_TEXT_BYTES
from mba_integrations.services.rag import new_document
from mba_integrations.services.rag.errors import UnknownDocumentError
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState
from mba_integrations.testing import Clock, WordEmbedder

GUIDE = "# Leave\n\nBen approves leave.\n\n# Travel\n\nBook trains early.\n"


WORKSPACES = (f"any-{number}" for number in count())
"""One for each example of a test."""


def pieces(rag: RagService, workspace_id: str = "kate") -> list[str]:
    return [row.content for row in rag.pieces(workspace_id, "guide")]


def test_a_text_is_cut_at_its_headings_and_its_pieces_are_in_their_order(rag: RagService) -> None:
    reply = rag.put_document("kate", "guide", text=GUIDE, title="Guide", uri="https://a.example/g")
    assert (reply.created, reply.unchanged, reply.added) == (True, False, 2)
    assert pieces(rag) == ["# Leave\n\nBen approves leave.", "# Travel\n\nBook trains early."]
    kept = rag.get("kate", "guide")
    assert kept == reply.document
    assert (kept.title, kept.uri, kept.version, kept.piece_count) == (
        *("Guide", "https://a.example/g"),
        *(1, 2),
    )


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param({"name": "a.txt"}, 1, id="a text file is one piece"),
        pytest.param({"uri": "https://a.example/a.txt"}, 1, id="so the uri says"),
        pytest.param({"name": "a.md", "uri": "a.txt"}, 2, id="the name decides before the uri"),
        pytest.param({}, 2, id="without a suffix it is Markdown"),
    ],
)
def test_the_name_says_how_a_text_is_cut(
    rag: RagService, named: dict[str, Any], expected: int
) -> None:
    assert rag.put_document("kate", "guide", text=GUIDE, **named).added == expected


def test_a_heading_without_text_begins_the_piece_that_follows(rag: RagService) -> None:
    text = "# Leave\n\n## Who approves\n\nBen does.\n\n## Notice\n\nTwo weeks.\n\n# Appendix\n"
    rag.put_document("kate", "guide", text=text)
    assert pieces(rag) == [
        "# Leave\n\n## Who approves\n\nBen does.",
        "## Notice\n\nTwo weeks.",
        "# Appendix",
    ]
    assert rag.pieces("kate", "guide")[0].metadata["lines"] == [1, 5]


@on_both
def test_the_same_document_again_writes_nothing(rag: RagService) -> None:
    first = rag.put_document("kate", "guide", text=GUIDE)
    again = rag.put_document("kate", "guide", text=GUIDE)
    assert again.unchanged
    assert again.document == first.document
    assert again.change_seq == first.change_seq


@on_both
def test_a_new_version_replaces_the_old_and_keeps_the_pieces_of_both(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    leave = rag.pieces("kate", "guide")[0]
    reply = rag.put_document("kate", "guide", text="# New\n\nFirst.\n\n" + GUIDE.split("# T")[0])
    assert (reply.added, reply.kept, reply.removed, reply.document.version) == (1, 1, 1, 2)
    assert pieces(rag) == ["# New\n\nFirst.", "# Leave\n\nBen approves leave."]
    stayed = rag.pieces("kate", "guide")[1]
    assert (stayed.memory_id, stayed.position) == (leave.memory_id, 1.0)
    assert stayed.created_at == leave.created_at


def test_a_piece_that_comes_back_is_the_memory_that_it_was(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    before = rag.pieces("kate", "guide")
    rag.put_document("kate", "guide", text="# Leave\n\nBen approves leave.\n")
    rag.put_document("kate", "guide", text=GUIDE)
    assert [row.memory_id for row in rag.pieces("kate", "guide")] == [
        row.memory_id for row in before
    ]


def test_two_pieces_of_one_text_are_both_kept(rag: RagService) -> None:
    rag.put_document("kate", "guide", pieces=["Same.", "Other.", "Same."])
    assert pieces(rag) == ["Same.", "Other.", "Same."]
    rag.put_document("kate", "guide", pieces=["Same.", "Other."])
    assert pieces(rag) == ["Same.", "Other."]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(st.lists(st.sampled_from("abcde"), min_size=1), min_size=1, max_size=6))
def test_after_any_versions_the_pieces_are_those_of_the_last(
    rag: RagService, versions: list[list[str]]
) -> None:
    own = next(WORKSPACES)
    rag.memory.create_workspace(own)
    for version in versions:
        reply = rag.put_document(own, "guide", pieces=version)
        assert reply.added + reply.kept == len(version)
    assert pieces(rag, own) == versions[-1]
    active = rag.memory.list(own).rows
    assert sorted(row.content for row in active) == sorted(versions[-1])


def test_what_the_document_says_of_itself_is_said_of_its_pieces(rag: RagService) -> None:
    written = datetime(2024, 5, 1, tzinfo=UTC)
    until = datetime(2031, 1, 1, tzinfo=UTC)
    rag.put_document(
        "kate",
        "guide",
        pieces=[MemoryItem("x", "Leave.", "project", importance=0.9, metadata={"page": 3})],
        metadata={"team": "people"},
        created_at=written,
        valid_until=until,
        tags=["hr"],
        subject="ben",
    )
    piece = rag.pieces("kate", "guide")[0]
    assert (piece.tier.value, piece.source, piece.importance) == ("rag", "guide", 0.9)
    assert piece.metadata == {"citation": "guide, page 3", "team": "people", "page": 3}
    assert (piece.created_at, piece.expires_at, piece.tags, piece.subject) == (
        *(written, until),
        *(("hr",), "ben"),
    )


def test_a_new_validity_alone_is_a_new_version_of_the_same_pieces(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    until = datetime(2031, 1, 1, tzinfo=UTC)
    reply = rag.put_document("kate", "guide", text=GUIDE, valid_until=until)
    assert (reply.added, reply.kept, reply.removed) == (0, 2, 0)
    assert {row.expires_at for row in rag.pieces("kate", "guide")} == {until}


def test_a_document_that_is_no_longer_valid_is_not_retrieved(rag: RagService, clock: Clock) -> None:
    until = clock() + timedelta(days=1)
    rag.put_document("kate", "guide", text=GUIDE, valid_until=until)
    assert rag.retrieve("kate", "Who approves leave?").citations
    clock.pass_seconds(2 * 86_400)
    reply = rag.retrieve("kate", "Who approves leave?")
    assert (reply.citations, reply.not_considered.expired) == ((), 2)


def test_removed_documents_are_gone_for_recalls_and_kept_in_the_history(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    rag.put_document("kate", "other", text="Something else.")
    reply = rag.remove("kate", "guide")
    assert (reply.document_ids, reply.pieces) == (("guide",), 2)
    assert rag.memory.recall("kate", "Who approves leave?").omitted_by_reason.keys() <= {
        *rag.memory.recall("kate", "leave").omitted_by_reason
    }
    assert [row.document_id for row in rag.list("kate").documents] == ["other"]
    with pytest.raises(UnknownDocumentError, match="has no document 'guide'"):
        rag.get("kate", "guide")
    forgotten = MemoryFilter(states=frozenset({MemoryState.FORGOTTEN}))
    assert len(rag.memory.list("kate", forgotten).rows) == 2


def test_a_memory_that_names_the_document_as_its_source_is_no_piece_of_it(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    rag.memory.remember("kate", "Kate likes the guide.", source="guide")
    rag.put_document("kate", "guide", text="Short.")
    assert pieces(rag) == ["Short."]
    rag.remove("kate", "guide")
    assert [row.content for row in rag.memory.list("kate").rows] == ["Kate likes the guide."]


def test_only_new_pieces_are_embedded(opened: Opened) -> None:
    counted: list[str] = []
    words = WordEmbedder(16)

    def embedder(texts: list[str]) -> Any:
        counted.extend(texts)
        return words(texts)

    rag = RagService(opened(embedder=embedder, embedding_model="words"))
    rag.memory.create_workspace("kate")
    rag.put_document("kate", "guide", text=GUIDE)
    rag.memory.jobs.run()
    assert len(counted) == 2
    rag.put_document("kate", "guide", text=GUIDE + "\n# Food\n\nLunch is at noon.\n")
    rag.memory.jobs.run()
    assert counted[2:] == ["# Food\n\nLunch is at noon."]


def test_pieces_may_bring_their_vectors(opened: Opened) -> None:
    rag = RagService(opened(embedding_model="theirs"))
    rag.memory.create_workspace("kate")
    items = [MemoryItem("x", text, "rag", embedding=[1.0, 0.0]) for text in ("Leave.", "Travel.")]
    rag.put_document("kate", "guide", pieces=items)
    assert rag.memory.embeddings.coverage("kate") == {"theirs": 1.0}


@on_both
def test_no_recall_sees_two_versions_at_once(opened: Opened) -> None:
    rag = RagService(opened())
    rag.memory.create_workspace("kate", max_total_tokens=4_000)
    versions = [[f"Part {part} of version {number}." for part in range(12)] for number in (1, 2)]
    rag.put_document("kate", "guide", pieces=versions[0])
    ended = threading.Event()
    seen: list[set[str]] = []

    def ask() -> None:
        while not ended.is_set():
            reply = rag.retrieve("kate", "Which version is part 3 of?", budget_tokens=2_000)
            seen.append({one.item.content.split()[-1] for one in reply.selected})

    asking = threading.Thread(target=ask)
    asking.start()
    for turn in range(12):
        rag.put_document("kate", "guide", pieces=versions[turn % 2])
    ended.set()
    asking.join()
    assert seen
    assert all(len(one) <= 1 for one in seen)


def test_documents_of_another_workspace_are_not_there(rag: RagService) -> None:
    rag.memory.create_workspace("tom")
    rag.put_document("kate", "guide", text=GUIDE)
    assert rag.list("tom").documents == ()
    with pytest.raises(UnknownDocumentError):
        rag.get("tom", "guide")
    with pytest.raises(UnknownDocumentError):
        rag.remove("tom", "guide")
    with pytest.raises(UnknownWorkspaceError, match="'kate'"):
        rag.put_document("kat", "guide", text=GUIDE)


def test_documents_are_listed_page_by_page(rag: RagService) -> None:
    for name in ("c", "a", "b"):
        rag.put_document("kate", name, text=name)
    first = rag.list("kate", limit=2)
    assert [row.document_id for row in first.documents] == ["a", "b"]
    last = rag.list("kate", limit=2, after=first.next_after)
    assert ([row.document_id for row in last.documents], last.next_after) == (["c"], None)
    with pytest.raises(InputError, match="limit must be at most 500, got 501"):
        rag.list("kate", limit=501)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({}, "give a text or pieces, got neither", id="nothing"),
        pytest.param({"text": "a", "pieces": ["a"]}, "got both", id="both"),
        pytest.param({"text": " \n"}, "has no text", id="blank"),
        pytest.param({"pieces": []}, "has no text", id="no pieces"),
        pytest.param({"pieces": ["a", " "]}, "piece 1 is empty", id="empty piece"),
        pytest.param({"pieces": [7]}, "piece 0 must be a text or a MemoryItem", id="number"),
        pytest.param(
            {"pieces": ["x" * (MOST_TEXT_BYTES + 1)]}, "at most 262,144 are kept", id="long piece"
        ),
        pytest.param({"text": "a", "title": "\0"}, "title holds a NUL", id="NUL"),
        pytest.param({"text": "a", "metadata": {"a": {1}}}, "metadata is not JSON", id="metadata"),
        pytest.param(
            {"text": "a", "valid_until": datetime(2031, 1, 1)}, "has no time zone", id="naive"
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_and_what_is_there_stays(
    rag: RagService, given: dict[str, Any], message: str
) -> None:
    before = rag.put_document("kate", "guide", text=GUIDE)
    with pytest.raises(InputError, match=message):
        rag.put_document("kate", "guide", **given)
    assert rag.get("kate", "guide") == before.document


@pytest.mark.parametrize(
    ("document_id", "message"),
    [("", "must be a text"), ("x" * 481, "has 481 characters, at most 480"), (7, "must be a text")],
)
def test_an_id_that_cannot_be_kept_is_refused(
    rag: RagService, document_id: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rag.put_document("kate", document_id, text="a")


def test_a_document_of_too_many_pieces_is_refused(
    rag: RagService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_document, "MOST_PIECES", 2)
    with pytest.raises(InputError, match="has 3 pieces, at most 2 are kept"):
        rag.put_document("kate", "guide", pieces=["a", "b", "c"])


def test_an_erasure_by_source_takes_the_document_too(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE, title="Guide of Zoe")
    receipt = rag.memory.erasures.erase("kate", sources="guide")
    assert (receipt.counts["document"], receipt.counts["memory"]) == (1, 2)
    assert rag.list("kate").documents == ()


def test_a_document_stays_as_long_as_a_piece_of_it_does(rag: RagService) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    first, second = rag.pieces("kate", "guide")
    assert rag.memory.erasures.erase("kate", memory_ids=first.memory_id).counts["document"] == 0
    assert rag.memory.erasures.erase("kate", memory_ids=second.memory_id).counts["document"] == 1
    assert rag.list("kate").documents == ()


def test_an_export_carries_documents_into_another_workspace(rag: RagService, tmp_path: Any) -> None:
    rag.put_document("kate", "guide", text=GUIDE, title="Guide", metadata={"team": "people"})
    rag.memory.transfer.export_to("kate", tmp_path / "kate.jsonl")
    rag.memory.create_workspace("tom")
    rag.memory.transfer.import_from("tom", tmp_path / "kate.jsonl")
    assert rag.get("tom", "guide") == rag.get("kate", "guide")
    assert [one.content for one in rag.pieces("tom", "guide")] == pieces(rag)
    assert rag.put_document(
        "tom", "guide", text=GUIDE, title="Guide", metadata={"team": "people"}
    ).unchanged


def test_an_import_brings_no_document_whose_pieces_were_erased(
    rag: RagService, tmp_path: Any
) -> None:
    rag.put_document("kate", "guide", text=GUIDE)
    rag.memory.transfer.export_to("kate", tmp_path / "kate.jsonl")
    rag.memory.erasures.erase("kate", sources="guide")
    rag.memory.transfer.import_from("kate", tmp_path / "kate.jsonl")
    assert rag.list("kate").documents == ()
