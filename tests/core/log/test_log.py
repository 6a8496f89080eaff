"""The allocation log: records, bounds, files, several processes, statistics, export."""

from __future__ import annotations

import json
import os
import statistics as slow
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.core.log import file
from mba_integrations.core.log.log import (
    AllocationLog,
    AllocationRecord,
    LogRecord,
    MovesRecord,
    TierRecord,
    read_log_file,
    record_from_dict,
    statistics,
)
from mba_integrations.core.model import MemoryTier, QueryComplexity

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
RAG = TierRecord(budget_tokens=40, used_tokens=50, selected=2, omitted=1)


def record(minutes_ago: float = 0, **known: Any) -> AllocationRecord:
    values: dict[str, Any] = {
        "timestamp": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "workspace_id": "dev",
        "complexity": "simple",
        "budget_tokens": 100,
        "used_tokens": 50,
        "value": 1.5,
        "upper_bound": 2.0,
        "duration_ms": 3.0,
        "tiers": {"rag": RAG},
        "omission_reasons": {"outranked": 1},
        "selected_count": 2,
        "counter_id": "o200k_base",
    }
    return AllocationRecord(**(values | known))


def log(clock: Callable[[], datetime] = lambda: NOW, **known: Any) -> AllocationLog:
    return AllocationLog(LoggingSettings(**known), clock=clock)


def test_records_turn_into_json_and_back_without_loss() -> None:
    full = record(notes=("a note",), query="why \ud800 \0?", texts=("x", "ß"), exact=False)
    moves = MovesRecord(timestamp=NOW.isoformat(), workspace_id="dev", promoted=1, demoted=2)
    for one in (full, record(), moves):
        assert record_from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert "query" not in record().to_dict()
    assert record(tiers={"rag": RAG.to_dict()}) == record()


def test_keys_of_a_later_release_are_ignored_within_a_schema_version() -> None:
    assert record_from_dict(record().to_dict() | {"colour": "blue"}) == record()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"schema_version": 2}, "2 is newer than 1.*Update", id="newer-schema"),
        pytest.param({"schema_version": None}, "schema_version must be an integer", id="no-schema"),
        pytest.param({"kind": "poem"}, "kind must be 'allocation', got 'poem'", id="unknown-kind"),
        pytest.param({"timestamp": "noon"}, "ISO 8601 text, got 'noon'", id="unreadable-time"),
        pytest.param({"timestamp": "2025-06-01"}, "must have a time zone", id="no-zone"),
        pytest.param({"workspace_id": ""}, "workspace_id must be a text", id="no-workspace"),
        pytest.param({"complexity": "odd"}, "simple, medium, complex, expert", id="complexity"),
        pytest.param({"budget_tokens": -1}, "budget_tokens must be an integer", id="negative"),
        pytest.param({"used_tokens": True}, "used_tokens must be an integer", id="boolean"),
        pytest.param({"used_tokens": 10**5000}, "got a longer integer", id="huge-integer"),
        pytest.param({"value": float("inf")}, "value must be a finite number", id="infinite"),
        pytest.param({"duration_ms": float("nan")}, "duration_ms must be a finite", id="nan"),
        pytest.param({"exact": 1}, "exact must be true or false", id="not-a-boolean"),
        pytest.param({"tiers": []}, "tiers must be a mapping", id="tiers-list"),
        pytest.param({"tiers": {"moon": {}}}, "a tier must be one of working", id="unknown-tier"),
        pytest.param({"tiers": {"rag": 1}}, r"tiers\['rag'\] must be a mapping", id="tier-number"),
        pytest.param({"tiers": {"rag": {}}}, "lacks budget_tokens, used_tokens", id="tier-empty"),
        pytest.param({"omission_reasons": {"x": -1}}, r"omission_reasons\['x'\]", id="reason"),
        pytest.param({"notes": "text"}, "notes must be a list of texts", id="notes"),
        pytest.param({"texts": [1]}, "texts must be a list of texts", id="texts"),
        pytest.param({"query": 1}, "query must be a text", id="query"),
    ],
)
def test_unusable_records_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        record_from_dict(record().to_dict() | change)


def test_missing_key_is_named() -> None:
    values = record().to_dict()
    del values["value"], values["complexity"]
    with pytest.raises(InputError, match="lacks complexity, value"):
        record_from_dict(values)


def test_a_log_takes_over_the_records_of_an_earlier_one_within_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    later = log(max_records=2, path=str(path))
    later.take_over([record(3), record(2), record(1)])
    assert later.records() == (record(2), record(1))
    assert not path.exists()


def test_only_the_latest_records_are_kept() -> None:
    kept = log(max_records=3)
    for minutes_ago in range(5, 0, -1):
        assert kept.record(record(minutes_ago)) is None
    assert kept.records() == (record(3), record(2), record(1))
    assert len(kept) == 3


def test_nothing_is_recorded_when_logging_is_off(tmp_path: Path) -> None:
    off = log(enabled=False, path=str(tmp_path / "log.jsonl"))
    assert off.record(record()) is None
    off.record_moves("dev", promoted=1, demoted=0)
    assert off.records() == ()
    assert list(tmp_path.iterdir()) == []


def test_texts_are_recorded_only_if_asked_for(tmp_path: Path) -> None:
    secret = record(query="my secret", texts=("another secret",))
    quiet, open_ = log(path=str(tmp_path / "log.jsonl")), log(include_text=True)
    quiet.record(secret)
    open_.record(secret)
    assert quiet.records() == (record(),)
    assert "secret" not in (tmp_path / "log.jsonl").read_text()
    assert open_.records() == (secret,)


def test_records_are_chosen_by_workspace_and_time() -> None:
    kept = log()
    for one in (record(60), record(30, workspace_id="other"), record(10)):
        kept.record(one)
    assert kept.records("dev") == (record(60), record(10))
    assert kept.records(since=NOW - timedelta(minutes=30))[0].workspace_id == "other"
    assert kept.records("nobody") == ()
    with pytest.raises(InputError, match="since must have a time zone"):
        kept.records(since=datetime(2025, 1, 1))


def test_moves_are_recorded_at_the_present_time_and_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    kept = log(path=str(path))
    kept.record(record(5))
    assert kept.record_moves("dev", promoted=2, demoted=1) is None
    expected = MovesRecord(timestamp=NOW.isoformat(), workspace_id="dev", promoted=2, demoted=1)
    assert kept.records()[-1] == expected
    assert read_log_file(path).records == (record(5), expected)


def test_file_that_cannot_be_written_gives_a_note_and_keeps_the_record(tmp_path: Path) -> None:
    nowhere = log(path=str(tmp_path / "missing" / "log.jsonl"))
    note = nowhere.record(record())
    assert note is not None
    assert "could not be written (No such file or directory)" in note
    assert log(path=str(tmp_path)).record(record()) is not None
    assert log(path="\ud800").record(record()) is not None
    assert nowhere.records() == (record(),)
    assert nowhere.record_moves("dev", promoted=0, demoted=0) is not None


@pytest.mark.parametrize("path", [pytest.param("", id="empty"), pytest.param("a\0b", id="nul")])
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
    file._lock = lambda descriptor: None
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


def test_statistics_of_nothing_are_sound() -> None:
    empty = statistics([])
    assert empty.allocation_count == 0
    assert empty.mean_utilisation is None
    assert empty.latency_ms_p99 is None
    assert empty.first_timestamp is None
    assert set(empty.complexity_counts.values()) == {0}
    assert empty.tiers[MemoryTier.RAG].mean_utilisation is None
    assert json.loads(json.dumps(empty.to_dict(), allow_nan=False))["promoted"] == 0


def test_statistics_of_known_records() -> None:
    working = TierRecord(budget_tokens=0, used_tokens=0, selected=0, omitted=4)
    records: list[LogRecord] = [
        record(10, used_tokens=100, complexity="expert", duration_ms=9.0, notes=("a", "b")),
        record(20, tiers={"rag": replace(RAG, used_tokens=10), "working": working}),
        record(30, omission_reasons={"duplicate": 3}, exact=False, upper_bound=0.0),
        MovesRecord(timestamp=NOW.isoformat(), workspace_id="dev", promoted=2, demoted=1),
        MovesRecord(timestamp=NOW.isoformat(), workspace_id="dev", promoted=1),
    ]
    found = statistics(records)
    assert found.allocation_count == 3
    assert found.mean_utilisation == pytest.approx(2 / 3)
    assert found.median_utilisation == 0.5
    assert found.mean_used_tokens == pytest.approx(200 / 3)
    assert found.mean_gap == pytest.approx(0.5 / 3)
    assert found.tiers[MemoryTier.RAG].mean_utilisation == pytest.approx(2.75 / 3)
    assert found.tiers[MemoryTier.RAG].median_utilisation == 1.25
    assert found.tiers[MemoryTier.RAG].selected == 6
    assert found.tiers[MemoryTier.WORKING].mean_utilisation is None
    assert found.tiers[MemoryTier.WORKING].omitted == 4
    assert found.complexity_counts[QueryComplexity.SIMPLE] == 2
    assert list(found.omission_counts.items()) == [("duplicate", 3), ("outranked", 2)]
    assert found.latency_ms_p50 == 3.0
    assert found.latency_ms_p95 == pytest.approx(8.4)
    assert (found.promoted, found.demoted) == (3, 1)
    assert (found.inexact_count, found.noted_count) == (1, 1)
    assert found.first_timestamp == record(30).timestamp
    assert found.last_timestamp == record(10).timestamp


def test_statistics_of_a_window_leave_out_what_is_older_or_of_others() -> None:
    kept = log()
    for one in (record(90), record(60), record(5), record(1, workspace_id="other")):
        kept.record(one)
    assert kept.statistics("dev", 1).allocation_count == 2
    assert kept.statistics("dev", 1).since == (NOW - timedelta(hours=1)).isoformat()
    assert kept.statistics().allocation_count == 4
    assert kept.statistics("nobody").allocation_count == 0
    assert statistics(kept.records(), until=NOW - timedelta(minutes=5)).allocation_count == 3


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param(float("nan"), id="nan"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param(1e9, id="before-the-calendar"),
    ],
)
def test_window_that_is_no_window_is_refused(hours: float) -> None:
    with pytest.raises(InputError, match="time_window_hours"):
        log().statistics(time_window_hours=hours)


@given(
    st.lists(
        st.builds(
            record,
            st.integers(0, 100),
            budget_tokens=st.integers(0, 50),
            used_tokens=st.integers(0, 50),
            duration_ms=st.floats(0, 1e6),
        ),
        max_size=20,
    )
)
def test_statistics_agree_with_the_standard_library(records: list[AllocationRecord]) -> None:
    found = statistics(records)
    used = [one.used_tokens / one.budget_tokens for one in records if one.budget_tokens]
    if used:
        assert found.mean_utilisation == pytest.approx(slow.mean(used))
        assert found.median_utilisation == pytest.approx(slow.median(used))
    else:
        assert found.mean_utilisation is None
    if records:
        durations = [one.duration_ms for one in records]
        assert found.latency_ms_p50 == pytest.approx(slow.median(durations))
        assert found.latency_ms_p99 is not None
        assert slow.median(durations) <= found.latency_ms_p99 * 1.0000001
        assert found.latency_ms_p99 <= max(durations) * 1.0000001


def test_export_is_versioned_json_that_reads_back(tmp_path: Path) -> None:
    kept = log()
    kept.record(record())
    kept.record_moves("dev", promoted=1, demoted=0)
    path = tmp_path / "export.json"
    kept.export(path)
    document = json.loads(path.read_text())
    assert document["schema_version"] == 1
    assert document["exported_at"] == NOW.isoformat()
    assert tuple(record_from_dict(one) for one in document["records"]) == kept.records()
    assert [one.name for one in tmp_path.iterdir()] == ["export.json"]


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
        log().export(path)
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
    log().export(link)
    assert link.is_symlink()
    assert json.loads(target.read_text())["records"] == []
    if os.name == "posix":
        assert target.stat().st_mode & 0o777 == 0o600


def test_export_into_a_missing_directory_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory"):
        log().export(tmp_path / "missing" / "export.json")
