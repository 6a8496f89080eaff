"""`LogMemory`: a log for each workspace, with that workspace's settings of the moment."""

from __future__ import annotations

from pathlib import Path

from log_records import record

from mba_integrations import LoggingSettings, LogMemory
from mba_integrations.core.log.file import read_log_file

TWO = LoggingSettings(max_records=2)


def test_records_of_all_workspaces_are_given_oldest_first() -> None:
    store = LogMemory()
    for one in (record(3), record(2, workspace_id="other"), record(1)):
        assert store.record(one, TWO) is None
    assert store.records() == (record(3), record(2, workspace_id="other"), record(1))


def test_a_workspace_pushes_out_its_own_records_only() -> None:
    store = LogMemory()
    store.record(record(9, workspace_id="other"), TWO)
    for minutes_ago in (3, 2, 1):
        store.record(record(minutes_ago), TWO)
    assert store.records() == (record(9, workspace_id="other"), record(2), record(1))


def test_changed_settings_keep_the_records_within_the_new_bound() -> None:
    store = LogMemory()
    for minutes_ago in (4, 3, 2):
        store.record(record(minutes_ago), LoggingSettings(max_records=3))
    store.record(record(1), TWO)
    assert store.records() == (record(2), record(1))


def test_each_workspace_writes_to_its_own_file(tmp_path: Path) -> None:
    store = LogMemory()
    for name in ("a", "b"):
        settings = LoggingSettings(path=str(tmp_path / name))
        store.record(record(workspace_id=name), settings)
        assert read_log_file(tmp_path / name).records == (record(workspace_id=name),)
