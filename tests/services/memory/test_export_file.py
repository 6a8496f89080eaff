"""The export file: what is written comes back, and what is not whole is refused."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.transfer.export_file import open_export, write_export

RECORDS = [
    {"kind": "memory", "id": "a", "content": "Zoë\u2028 skis."},
    {"kind": "memory", "id": "b"},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "kate.jsonl"
    write_export(target, {"workspace_id": "kate"}, RECORDS)
    return target


def test_records_come_back_in_their_order(path: Path) -> None:
    export = open_export(path)
    assert export.header["workspace_id"] == "kate"
    assert list(export.records()) == RECORDS


def test_an_export_of_nothing_is_whole(tmp_path: Path) -> None:
    receipt = write_export(tmp_path / "x", {}, [])
    assert receipt.count == 0
    assert list(open_export(receipt.path).records()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_may_read_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield {"kind": "memory"}
        raise InputError("no more")

    with pytest.raises(InputError, match="no more"):
        write_export(path, {}, broken())
    assert list(open_export(path).records()) == RECORDS
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_file_that_lacks_its_last_lines_is_refused(path: Path, length: int) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:length]))
    with pytest.raises(InputError, match=r"cut|not JSON"):
        open_export(path)


def changed(path: Path, line: int, **values: Any) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line] = json.dumps({**json.loads(lines[line]), **values}, ensure_ascii=False)
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "values", "said"),
    [
        pytest.param(0, {"format": "other"}, "no export of memories", id="format"),
        pytest.param(0, {"version": 2}, "this release reads 1", id="newer"),
        pytest.param(0, {"version": "1"}, "whole number", id="version-as-text"),
        pytest.param(0, {"workspace_id": "eve"}, "changed after", id="header"),
        pytest.param(1, {"content": "Zoë swims."}, "changed after", id="record"),
        pytest.param(3, {"count": 3}, "has 2 records", id="count"),
        pytest.param(3, {"sha256": "0"}, "changed after", id="hash"),
    ],
)
def test_a_changed_file_is_refused(
    path: Path, line: int, values: dict[str, Any], said: str
) -> None:
    changed(path, line, **values)
    with pytest.raises(InputError, match=said):
        open_export(path)


def test_what_follows_the_end_is_refused(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(InputError, match="follows the last line"):
        open_export(path)


@pytest.mark.parametrize("line", [b"[]", b"nonsense", b'"text"', b"[" * 100_000])
def test_a_line_that_is_no_object_is_named(path: Path, line: bytes) -> None:
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], line, *lines[2:]]))
    with pytest.raises(InputError, match=r"kate\.jsonl:2: "):
        open_export(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl: cannot be read"):
        open_export(tmp_path / "gone.jsonl")
