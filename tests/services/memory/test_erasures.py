"""What was erased is nowhere: no row, no byte, no pool, no log, no backup, no import."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened, texts

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.recalling.trail import Trace
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.testing import WordEmbedder

CANARY = "xylophone-canary-4711"
STEM = b"xylophon"
"""As its terms are kept."""
KEPT = "marimba-kept-0815"


@pytest.fixture
def filled(opened: Opened) -> MemoryService:
    """A canary and a memory to keep, with all that calls leave of them."""
    service = opened(
        embedder=WordEmbedder(16),
        embedding_model="words",
        extractor=lambda messages: [],
    )
    service.create_workspace("kate", logging={"include_text": True})
    for text, subject in ((CANARY, "zoe"), (KEPT, "kate")):
        item = MemoryItem(subject, f"The {text} plays.", "rag", source=f"s-{subject}")
        service.remember("kate", NewMemory(item=item, subject=subject), key=f"k-{subject}")
        said = {"role": "user", "content": f"I heard the {text}."}
        service.remember("kate", said, session_id=f"s-{subject}", subject=subject)
    service.jobs.run()
    service.revise("kate", "zoe", f"The {CANARY} plays again.")
    for subject in ("zoe", "kate"):
        service.recall("kate", f"{CANARY} and {KEPT}?", budget_tokens=200, session_id=subject)
    service._equipment.trail.flush()
    service.tiers.review("kate")
    return service


def bytes_beside(path: Path) -> bytes:
    """All files of the test's folder."""
    return b"".join(one.read_bytes() for one in path.iterdir() if one.is_file())


def test_the_canary_is_everywhere_before(filled: MemoryService, tmp_path: Path) -> None:
    there = bytes_beside(tmp_path)
    assert there.count(CANARY.encode()) > 3
    assert there.count(b"\n" + STEM + b"\n") >= 3


@pytest.mark.parametrize(
    "named", [{"subjects": "zoe"}, {"sources": ["s-zoe"]}], ids=["subject", "source"]
)
def test_no_byte_of_what_was_erased_is_left(
    filled: MemoryService, tmp_path: Path, named: dict[str, Any]
) -> None:
    receipt = filled.erasures.erase("kate", **named, actor="zoe")
    assert receipt.counts["memory"] == 3
    assert CANARY.encode() not in bytes_beside(tmp_path)
    assert STEM not in bytes_beside(tmp_path)
    assert KEPT.encode() in bytes_beside(tmp_path)
    assert not any(CANARY in text for text in texts(filled))
    assert len(texts(filled)) == 2
    [kept] = filled.erasures.receipts("kate")
    assert (kept, kept.actor) == (replace(receipt, freed=None), "zoe")
    assert "write-ahead log" in (receipt.freed or "")


def test_no_answer_knows_what_was_erased(filled: MemoryService, tmp_path: Path) -> None:
    filled.erasures.erase("kate", subjects="zoe")
    for session in ("zoe", "kate", None):
        reply = filled.recall("kate", "What plays?", budget_tokens=200, session_id=session)
        assert CANARY not in reply.prompt_text
        assert CANARY not in reply.explain()
    assert CANARY not in filled.search("kate", "What plays?").text
    with pytest.raises(UnknownMemoryError):
        filled.get("kate", "zoe")
    filled.transfer.export_to("kate", tmp_path / "out.jsonl", with_inactive=True)
    filled.close()
    assert CANARY.encode() not in bytes_beside(tmp_path)


def test_a_call_that_chose_before_the_erasure_leaves_nothing_after_it(
    filled: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail, left = filled._equipment.trail, list[Trace]()
    with monkeypatch.context() as patch:
        patch.setattr(trail, "leave", left.append)
        filled.recall("kate", CANARY, session_id="late")
    filled.erasures.erase("kate", subjects="zoe")
    assert CANARY in str(left)
    for trace in left:
        trail.leave(trace)
    trail.flush()
    assert CANARY.encode() not in bytes_beside(tmp_path)


def test_a_pool_of_another_service_loads_anew(opened: Opened, filled: MemoryService) -> None:
    other = opened(embedding_model="words")
    assert CANARY in other.recall("kate", CANARY, budget_tokens=300).prompt_text
    filled.erasures.erase("kate", subjects="zoe")
    before = other._equipment.pools.loads
    assert CANARY not in other.recall("kate", CANARY, budget_tokens=300).prompt_text
    assert other._equipment.pools.loads == before + 1


def test_an_import_does_not_bring_back_what_was_erased(
    filled: MemoryService, tmp_path: Path
) -> None:
    filled.transfer.export_to("kate", tmp_path / "out.jsonl", with_vectors=True)
    filled.erasures.erase("kate", subjects="zoe")
    reply = filled.transfer.import_from("kate", tmp_path / "out.jsonl")
    assert (reply.created, reply.duplicates, reply.erased) == (0, 2, 2)
    assert not any(CANARY in text for text in texts(filled))


def test_a_text_comes_not_back_under_another_id(filled: MemoryService, tmp_path: Path) -> None:
    filled.erasures.erase("kate", memory_ids="zoe")
    foreign = tmp_path / "mem0.json"
    foreign.write_text(json.dumps([{"id": "new", "memory": f"The {CANARY} plays."}]))
    reply = filled.transfer.import_from("kate", foreign, "mem0")
    assert (reply.created, reply.erased) == (0, 1)


def test_the_restore_of_a_backup_does_not_bring_it_back(
    opened: Opened, filled: MemoryService, tmp_path: Path
) -> None:
    (tmp_path / "apart").mkdir()
    copy = filled.backup(tmp_path / "apart" / "copy.db")
    assert MemoryService.verify_backup(copy).memories == 5
    filled.erasures.erase("kate", subjects="zoe")
    filled.close()
    MemoryService.restore_backup(copy, tmp_path / "memory.db")
    again = opened(embedding_model="words")
    assert len(texts(again)) == 2
    again.close()
    assert CANARY.encode() not in bytes_beside(tmp_path)


def test_an_erasure_by_id_takes_that_one_alone(filled: MemoryService) -> None:
    before = len(texts(filled))
    filled.erasures.erase("kate", memory_ids=["kate"])
    assert len(texts(filled)) == before - 1


def test_what_is_not_there_is_entered_all_the_same(filled: MemoryService) -> None:
    assert filled.erasures.erase("kate", subjects="nobody").counts.get("memory", 0) == 0


@pytest.mark.parametrize(
    ("named", "said"),
    [
        pytest.param({}, "got 0 of them", id="nothing"),
        pytest.param({"subjects": "a", "sources": "b"}, "got 2 of them", id="two"),
        pytest.param({"subjects": []}, "is empty", id="empty"),
    ],
)
def test_an_erasure_of_nothing_or_of_two_things_is_refused(
    filled: MemoryService, named: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        filled.erasures.erase("kate", **named)
    assert len(texts(filled)) == 4


def test_a_deleted_workspace_leaves_no_byte(filled: MemoryService, tmp_path: Path) -> None:
    filled.workspaces.delete("kate")
    assert CANARY.encode() not in bytes_beside(tmp_path)
    assert filled.workspaces.ids() == ()
