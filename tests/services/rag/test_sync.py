"""A sync brings a workspace to what an origin has, and removes no more than it may."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_services import on_both

from mba_integrations.core.errors import InputError
from mba_integrations.services.rag import syncing
from mba_integrations.services.rag.errors import TooManyRemovedError
from mba_integrations.services.rag.new_document import NewDocument
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.rag.syncing import RefusedDocument, SameDocument, SyncReply


def documents(texts: Mapping[str, str]) -> list[NewDocument]:
    return [NewDocument(document_id=name, text=text) for name, text in texts.items()]


WORKSPACES = (f"any-{number}" for number in count())
"""One for each example of a test."""


def synced(
    rag: RagService, texts: Mapping[str, str], own: str = "kate", **options: Any
) -> SyncReply:
    return rag.sync(own, "wiki", documents(texts), **options)


def there(rag: RagService, own: str = "kate") -> dict[str, str]:
    return {
        row.document_id: "\n".join(piece.content for piece in rag.pieces(own, row.document_id))
        for row in rag.list(own, limit=500).documents
    }


@on_both
def test_new_changed_same_and_vanished_documents_are_told_apart(rag: RagService) -> None:
    synced(rag, {"a": "one", "b": "two", "c": "three"})
    reply = synced(rag, {"a": "one", "b": "2", "d": "four"})
    assert (reply.created, reply.replaced, reply.unchanged, reply.removed) == (1, 1, 1, ("c",))
    assert (reply.added_pieces, reply.removed_pieces) == (2, 2)
    assert there(rag) == {"a": "one", "b": "2", "d": "four"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "z"])),
        min_size=1,
        max_size=5,
    ),
    most_pieces=st.integers(1, 4),
)
def test_after_any_syncs_there_is_what_the_origin_has(
    rag: RagService, states: list[dict[str, str]], most_pieces: int
) -> None:
    own = next(WORKSPACES)
    rag.memory.create_workspace(own)
    rag.put_document(own, "put alone", text="stays")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syncing, "_BATCH_PIECES", most_pieces)
        for state in states:
            foretold = synced(rag, state, own, dry_run=True)
            reply = synced(rag, state, own, most_removed=1)
            for name in ("created", "replaced", "unchanged", "removed"):
                assert getattr(foretold, name) == getattr(reply, name)
            assert there(rag, own) == {**state, "put alone": "stays"}


def test_a_dry_run_writes_nothing(rag: RagService) -> None:
    synced(rag, {"a": "one"})
    seq = rag.memory.recall("kate", "x").change_seq
    reply = synced(rag, {"b": "two"}, dry_run=True)
    assert (reply.dry_run, reply.created, reply.removed) == (True, 1, ("a",))
    assert there(rag) == {"a": "one"}
    assert rag.memory.recall("kate", "x").change_seq == seq


def test_more_than_a_fifth_is_not_removed_without_a_word(rag: RagService) -> None:
    many = {f"d{number:02}": "text" for number in range(30)}
    synced(rag, many)
    with pytest.raises(
        TooManyRemovedError, match=r"28 of 30 documents of 'wiki' were not found, such as 'd02'"
    ) as error:
        synced(rag, {"d00": "text", "d01": "new"})
    assert (error.value.removed, error.value.known) == (28, 30)
    assert there(rag) == {**many, "d01": "new"}
    assert len(synced(rag, {"d00": "text", "d01": "new"}, most_removed=1).removed) == 28
    assert there(rag) == {"d00": "text", "d01": "new"}


def test_five_of_few_may_go(rag: RagService) -> None:
    synced(rag, dict.fromkeys("abcdef", "text"))
    assert len(synced(rag, {"a": "text"}).removed) == 5


def test_what_cannot_be_read_keeps_its_old_version_and_is_told(rag: RagService) -> None:
    synced(rag, {"a": "one", "b": "two"})
    refused = RefusedDocument(document_id="a", reason="is encrypted")
    reply = rag.sync("kate", "wiki", [refused, NewDocument(document_id="b", text=" ")])
    assert [(one.document_id, one.reason) for one in reply.refused] == [
        ("a", "is encrypted"),
        ("b", "document 'b': has no text. Leave it out, or remove the one that is there."),
    ]
    assert reply.removed == ()
    assert there(rag) == {"a": "one", "b": "two"}


def test_what_is_known_to_be_as_it_was_is_not_read(rag: RagService) -> None:
    synced(rag, {"a": "one"})
    reply = rag.sync("kate", "wiki", [SameDocument(document_id="a")])
    assert (reply.unchanged, reply.removed) == (1, ())


def test_documents_of_other_origins_are_left_alone(rag: RagService) -> None:
    synced(rag, {"a": "one"})
    rag.sync("kate", "drive", documents({"b": "two"}))
    assert rag.list("kate", origin="drive").documents[0].document_id == "b"
    with pytest.raises(InputError, match="document 'a' belongs to 'wiki'"):
        rag.sync("kate", "drive", documents({"a": "other", "b": "two"}))
    assert there(rag) == {"a": "one", "b": "two"}


def test_a_document_that_was_put_alone_may_be_taken_over(rag: RagService) -> None:
    rag.put_document("kate", "a", text="one")
    synced(rag, {"a": "one"})
    assert rag.get("kate", "a").origin == "wiki"
    rag.put_document("kate", "a", text="two")
    assert rag.get("kate", "a").origin == "wiki"


def test_progress_is_told_of_each_document(rag: RagService) -> None:
    told: list[int] = []
    synced(rag, {"a": "one", "b": "two"}, progress=told.append)
    assert told == [1, 2]


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        pytest.param(["text"], {}, "documents must be NewDocuments", id="a text"),
        pytest.param(
            [SameDocument(document_id="a")] * 2, {}, "document 'a' comes twice", id="twice"
        ),
        pytest.param([], {"most_removed": 1.5}, r"share in \[0, 1\], got 1.5", id="share"),
        pytest.param([], {"most_removed": True}, "got True", id="truth value"),
    ],
)
def test_what_makes_no_sense_is_refused(
    rag: RagService, found: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rag.sync("kate", "wiki", found, **options)
