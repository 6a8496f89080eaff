"""An export is the workspace; an import of it is no news where it came from."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_services import Opened, texts

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.transfer.export_file import write_export
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.statements import vectors
from mba_integrations.testing import Clock

_OF_THE_STORE = ("stored_at", "added_seq", "change_seq", "tier_since")


@pytest.fixture
def filled(opened: Opened, clock: Clock) -> MemoryService:
    service = opened(embedding_model="m")
    for name in ("kate", "copy"):
        service.create_workspace(name)
    item = MemoryItem(
        "m1",
        "Zoë\u2028 skis.",
        "project",
        importance=0.25,
        created_at=clock() - timedelta(days=2),
        source="chat",
        position=1.5,
        group="g",
        pinned=True,
        embedding=[1.0, 0.5],
        metadata={"role": "user", "n": [1]},
    )
    service.remember(
        "kate",
        [
            NewMemory(
                item=item,
                subject="zoe",
                tags=("a",),
                expires_at=clock() + timedelta(days=1),
                author="user",
                held=True,
            ),
            MemoryItem("m2", "Kate sails.", "rag"),
            MemoryItem("m3", "Kate is gone.", "rag"),
        ],
    )
    service.forget("kate", "m3")
    return service


def rows(service: MemoryService, workspace_id: str) -> list[dict[str, Any]]:
    everything = MemoryFilter(states=None)
    found = service.list(workspace_id, everything, newest_first=False).rows
    return [_told(row) for row in found]


def _told(row: MemoryRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__ if name not in _OF_THE_STORE}


def test_an_export_that_is_imported_elsewhere_is_the_same(
    filled: MemoryService, tmp_path: Path
) -> None:
    receipt = filled.transfer.export_to(
        "kate", tmp_path / "out", with_vectors=True, with_inactive=True
    )
    assert receipt.count == 4
    reply = filled.transfer.import_from("copy", tmp_path / "out")
    assert (reply.created, reply.vectors) == (3, 1)
    assert rows(filled, "copy") == rows(filled, "kate")
    assert filled.get("copy", "m3").state is MemoryState.FORGOTTEN
    with filled._equipment.read("copy") as reading:
        ids, matrix = vectors.all_of(reading, "m")
    assert ids == ("m1",)
    assert np.array_equal(matrix, [[1.0, 0.5]])


def test_only_active_memories_go_along_unless_asked_for(
    filled: MemoryService, tmp_path: Path
) -> None:
    assert filled.transfer.export_to("kate", tmp_path / "out").count == 2


def test_an_export_tells_how_far_it_is(filled: MemoryService, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    receipt = filled.transfer.export_to(
        "kate", tmp_path / "out", with_vectors=True, progress=lambda *done: seen.append(done)
    )
    assert seen == [(2, 4), (4, 4)]  # memories, then vectors
    assert receipt.count <= 4
    filled.remember("kate", [f"Kate {number}." for number in range(1_000)])
    seen.clear()
    filled.transfer.export_to("kate", tmp_path / "out", progress=lambda *done: seen.append(done))
    assert seen == [(1_000, 1_002), (1_002, 1_002)]


def test_an_import_done_again_adds_nothing(filled: MemoryService, tmp_path: Path) -> None:
    filled.transfer.export_to("kate", tmp_path / "out")
    reply = filled.transfer.import_from("kate", tmp_path / "out")
    assert (reply.created, reply.duplicates, reply.rejected) == (0, 2, 0)


def test_a_dry_run_counts_and_keeps_nothing(filled: MemoryService, tmp_path: Path) -> None:
    filled.transfer.export_to("kate", tmp_path / "out", with_vectors=True)
    seen: list[tuple[int, int]] = []
    reply = filled.transfer.import_from(
        "copy", tmp_path / "out", dry_run=True, progress=lambda *done: seen.append(done)
    )
    assert (reply.created, reply.vectors) == (2, 0)
    assert texts(filled, "copy") == []
    assert seen == [(2, 2)]


def test_bad_records_are_counted_with_their_reasons(filled: MemoryService, tmp_path: Path) -> None:
    good = {"kind": "memory", "id": "x", "content": "Kate reads.", "tier": "rag"}
    bad: list[dict[str, Any]] = [
        {**good, "id": "y", "tier": "near"},
        {"kind": "memory", "id": "z"},
        {**good, "id": "w", "created_at": "2026-01-01T00:00:00"},
        {**good, "id": "v", "content": " "},
        {**good, "id": "u", "created_at": 5},
        {"kind": "of a later release"},
    ]
    write_export(tmp_path / "out", {}, [good, *bad])
    reply = filled.transfer.import_from("copy", tmp_path / "out")
    assert (reply.created, reply.rejected) == (1, 5)
    assert "out:3" in reply.reasons[0]
    assert texts(filled, "copy") == ["Kate reads."]


def test_memories_of_other_stores_are_remembered(filled: MemoryService, tmp_path: Path) -> None:
    path = tmp_path / "mem0.json"
    path.write_text(json.dumps({"results": [{"id": "a", "memory": "Kate skis."}]}))
    filled.transfer.import_from("copy", path, "mem0", tier="project", subject="kate")
    row = filled.get("copy", "a")
    assert (row.tier, row.subject) == (MemoryTier.PROJECT, "kate")


def test_a_large_export_comes_back_in_batches(filled: MemoryService, tmp_path: Path) -> None:
    for part in range(3):
        filled.remember("kate", [f"Kate {part} {number}." for number in range(500)])
    filled.transfer.export_to("kate", tmp_path / "out")
    seen: list[int] = []
    filled.transfer.import_from("copy", tmp_path / "out", progress=lambda n, _: seen.append(n))
    assert seen == [1_000, 1_502]
    assert texts(filled, "copy")[:100] == texts(filled, "kate")[:100]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"format": "zep"}, "format must be one of mba, mem0", id="format"),
        pytest.param({"tier": "near"}, "tier must be one of", id="tier"),
        pytest.param({}, "cannot be read", id="no-file"),
    ],
)
def test_an_import_that_cannot_be_is_refused(
    filled: MemoryService, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        filled.transfer.import_from("copy", tmp_path / "gone", **options)


def test_a_damaged_backup_is_found(filled: MemoryService, tmp_path: Path) -> None:
    from mba_integrations.services.store.errors import StoreFileError

    copy = filled.backup(tmp_path / "copy.db")
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    with pytest.raises(StoreFileError):
        MemoryService.verify_backup(copy)
