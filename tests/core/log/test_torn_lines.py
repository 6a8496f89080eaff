"""A log whose last line was cut at any byte: all but that line is read, and appends go on."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_records import log, moves, record

from mba_integrations.core.log.file import append_record, read_log_file
from mba_integrations.core.log.records import LogRecord

KEPT: tuple[LogRecord, ...] = (record(3), moves(promoted=1), record(1, notes=("a\nb", "\u2028é")))


def written(path: Path) -> bytes:
    path.unlink(missing_ok=True)
    for one in KEPT:
        append_record(path, one)
    return path.read_bytes()


def test_a_log_cut_at_any_byte_keeps_every_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    data = written(path)
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        found = read_log_file(path)
        whole = data[:end].count(b"\n")
        assert found.records[:whole] == KEPT[:whole]
        assert len(found.records) + found.problem_count == len(data[:end].splitlines())


def test_an_append_after_a_cut_at_any_byte_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    data = written(path)
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        append_record(path, record(0))
        found = read_log_file(path)
        assert found.records[-1] == record(0)
        assert found.problem_count <= 1
        assert path.read_bytes().startswith(data[:end])


def test_a_whole_line_without_an_end_is_a_record_before_and_after_an_append(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(written(path).rstrip(b"\n"))
    assert read_log_file(path).records == KEPT
    append_record(path, record(0))
    assert read_log_file(path).records == (*KEPT, record(0))


def test_a_write_in_several_parts_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    for one in KEPT:
        append_record(path, one)
    assert read_log_file(path).records == KEPT


def test_writers_with_logs_of_their_own_lose_nothing_on_one_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"torn')

    def write(writer: int) -> None:
        own = log(path=str(path))
        for minutes_ago in range(20):
            assert own.record(record(minutes_ago, workspace_id=f"w{writer}")) is None

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(partial(write, writer)) for writer in range(4)]:
            done.result()
    found = read_log_file(path)
    assert [problem.line_number for problem in found.problems] == [1]
    for writer in range(4):
        own = tuple(one for one in found.records if one.workspace_id == f"w{writer}")
        assert own == tuple(record(n, workspace_id=f"w{writer}") for n in range(20))


@given(st.lists(st.sampled_from([b"", b" ", b"{}", b"[]", b"\xff", b"null", b"record"])))
def test_every_line_is_a_record_a_problem_or_blank(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    good = json.dumps(record().to_dict()).encode()
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(b"".join(line.replace(b"record", good) + b"\n" for line in lines))
    found = read_log_file(path)
    assert len(found.records) == lines.count(b"record")
    blank = sum(not line.strip() for line in lines)
    assert found.problem_count == len(lines) - blank - lines.count(b"record")
