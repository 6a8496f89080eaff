"""Writers that are killed, and many that write at once. The whole programs run as benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.services_crash import kill_writers, write_together
from benchmarks.services_fuzz import fuzz
from mba_integrations.services.store.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")


def test_nothing_acknowledged_is_lost_or_counted_twice_when_a_writer_is_killed(
    where: Path | str,
) -> None:
    report = kill_writers(str(where), moments=2, seed=1, longest_s=0.05)
    assert report.moments == 2
    assert report.acknowledged > 0
    assert (report.lost, report.half, report.broken_feeds, report.miscounted) == (0, 0, 0, 0)


def test_processes_that_write_at_once_all_keep_what_they_wrote(where: Path | str) -> None:
    report = write_together(str(where), processes=3, writes=10)
    assert (report.kept, report.failed) == (30, 0)


def test_no_operation_sees_or_changes_what_belongs_to_another_workspace(store: Store) -> None:
    report = fuzz(store, operations=150, seed=1)
    assert report.operations == 150
    assert report.refused < 100
    assert report.foreign == []
    assert report.wrong == []
