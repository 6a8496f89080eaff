"""Log files: lines of many writers, what is no record, exports in one piece."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from log_records import NOW, log, moves, record
from repository import ROOT

from mba_integrations import (
    AllocationRecord,
    ConfigError,
    InputError,
    LoggingSettings,
    record_from_dict,
)
from mba_integrations.core.log import file
from mba_integrations.core.log.file import export_records, read_log_file


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("a\0b", id="nul"),
        pytest.param("a\ud800b", id="surrogate"),
    ],
)
def test_path_that_names_no_file_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="must name a file"):
        LoggingSettings(path=path)


def test_unreadable_lines_are_reported_with_their_numbers_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    good = json.dumps(record().to_dict()).encode()
    newer = json.dumps(record().to_dict() | {"schema_version": 9}).encode()
    deep = b"[" * 100_000
    lines = [good, b"not json", b"", newer, b"[]", b"\xff\xfe", deep, good, good[:40]]
    path.write_bytes(b"\n".join(lines))
    found = read_log_file(path)
    assert found.records == (record(), record())
    assert [problem.line_number for problem in found.problems] == [2, 4, 5, 6, 7, 9]
    assert found.problem_count == 6
    assert "schema_version 9 is newer" in found.problems[1].message
    assert str(found.problems[-1]) == "line 9: not JSON; the line is cut short"


def test_all_bad_lines_are_counted_and_the_first_described(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("x\n" * 500)
    found = read_log_file(path)
    assert (found.problem_count, len(found.problems)) == (500, file.SHOWN_PROBLEMS)


def test_missing_log_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_log_file(tmp_path / "none.jsonl")


def test_append_after_a_crash_closes_the_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"schema_ver')
    log(path=str(path)).record(record())
    found = read_log_file(path)
    assert found.records == (record(),)
    assert [problem.line_number for problem in found.problems] == [1]


def test_lines_of_many_threads_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    kept = log(path=str(path), max_records=10_000)

    def write(thread: int) -> None:
        for _ in range(50):
            kept.record(record(workspace_id=f"thread-{thread}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_log_file(path)
    assert (len(found.records), found.problem_count, len(kept)) == (400, 0, 400)
    assert all(len(kept.records(f"thread-{number}")) == 50 for number in range(8))


WRITER = """
import sys
from mba_integrations.core.log import file
from mba_integrations.core.log.records import AllocationRecord
if sys.argv[3] == "unlocked":
    file._lock = lambda descriptor, patience: None
for number in range(200):
    file.append_record(sys.argv[1], AllocationRecord(
        timestamp="2025-06-01T12:00:00+00:00", workspace_id=sys.argv[2], complexity="simple",
        budget_tokens=number, used_tokens=0, value=0.0, upper_bound=0.0, duration_ms=0.0,
        notes=("x" * (number * 97 % 9000),)))
"""


@pytest.mark.parametrize("lock", ["locked", "unlocked"])
def test_lines_of_several_processes_do_not_mix(tmp_path: Path, lock: str) -> None:
    path = tmp_path / "log.jsonl"
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"process-{number}", lock],
            env={**os.environ, "PYTHONPATH": search},
        )
        for number in range(4)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0, 0]
    found = read_log_file(path)
    assert found.problem_count == 0
    for number in range(4):
        own = [one for one in found.records if one.workspace_id == f"process-{number}"]
        assert [one.budget_tokens for one in own if isinstance(one, AllocationRecord)] == list(
            range(200)
        )


def test_export_is_versioned_json_that_reads_back(tmp_path: Path) -> None:
    kept = (record(), moves(promoted=1))
    path = tmp_path / "export.json"
    export_records(kept, path, exported_at=NOW)
    document = json.loads(path.read_text())
    assert document["schema_version"] == 1
    assert document["exported_at"] == NOW.isoformat()
    assert tuple(record_from_dict(one) for one in document["records"]) == kept
    assert [one.name for one in tmp_path.iterdir()] == ["export.json"]


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """The lock of a file in the hands of somebody who may only read it."""
    fcntl = pytest.importorskip("fcntl")
    path.touch()
    with path.open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        yield


class SleptTime:
    """A clock that goes on by what is slept only."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_reader_that_keeps_the_lock_delays_one_call_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    kept = log(path=str(path))
    clock = SleptTime()
    monkeypatch.setattr(file, "time", clock)
    with held_lock(path):
        notes = [kept.record(record(minutes_ago)) for minutes_ago in range(30)]
    assert clock.now == pytest.approx(file.LOCK_SECONDS, abs=0.01)
    assert {note for note in notes if note and "another program holds its lock" in note} == set(
        notes
    )
    assert len(kept) == 30
    assert kept.record(record()) is None
    assert read_log_file(path).records == (record(),)


def test_an_append_waits_for_a_lock_that_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with ThreadPoolExecutor(1) as threads:
        with held_lock(path):
            waiting = threads.submit(log(path=str(path)).record, record())
            time.sleep(0.1)
            assert not waiting.done()
        assert waiting.result() is None
    assert read_log_file(path).records == (record(),)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_crash_during_export_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text("the old file")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(InputError, match=r"cannot be exported to .*No space left") as caught:
        export_records((), path, exported_at=NOW)
    assert isinstance(caught.value.__cause__, OSError)
    assert path.read_text() == "the old file"
    assert [one.name for one in tmp_path.iterdir()] == ["export.json"]


def test_export_keeps_the_mode_of_the_old_file_and_follows_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o600)
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    export_records((), link, exported_at=NOW)
    assert link.is_symlink()
    assert json.loads(target.read_text())["records"] == []
    if os.name == "posix":
        assert target.stat().st_mode & 0o777 == 0o600


def test_export_into_a_missing_directory_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory"):
        export_records((), tmp_path / "missing" / "export.json", exported_at=NOW)
