"""The records of one set of logging settings: bounded, without texts, and in a file if asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from log_records import NOW, log, moves, record

from mba_integrations import InputError
from mba_integrations.core.log.file import read_log_file


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
    assert off.record(moves(promoted=1)) is None
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


def test_moves_are_kept_and_written_among_allocations(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    kept = log(path=str(path))
    for one in (record(5), moves(promoted=2, demoted=1)):
        assert kept.record(one) is None
    assert kept.records() == (record(5), moves(promoted=2, demoted=1))
    assert read_log_file(path).records == kept.records()


def test_file_that_cannot_be_written_gives_a_note_and_keeps_the_record(tmp_path: Path) -> None:
    nowhere = log(path=str(tmp_path / "missing" / "log.jsonl"))
    note = nowhere.record(record())
    assert note is not None
    assert "could not be written (No such file or directory)" in note
    assert log(path=str(tmp_path)).record(record()) is not None
    assert nowhere.records() == (record(),)
    assert nowhere.record(moves()) is not None
