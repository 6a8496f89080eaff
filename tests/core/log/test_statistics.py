"""Statistics over records, against known numbers and the standard library."""

from __future__ import annotations

import json
import statistics as slow
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_records import NOW, RAG, moves, record

from mba_integrations import AllocationRecord, InputError, MemoryTier, QueryComplexity
from mba_integrations.core.log.records import LogRecord, TierRecord
from mba_integrations.core.log.statistics import recent_statistics, statistics, window


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
        moves(promoted=2, demoted=1),
        moves(promoted=1),
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
    kept = (record(90), record(60), record(5), record(1, workspace_id="other"))
    recent = recent_statistics(kept, "dev", 1, now=NOW)
    assert (recent.allocation_count, recent.since) == (2, (NOW - timedelta(hours=1)).isoformat())
    assert recent_statistics(kept, None, None, now=NOW).allocation_count == 4
    assert recent_statistics(kept, "nobody", None, now=NOW).allocation_count == 0
    assert statistics(kept, until=NOW - timedelta(minutes=5)).allocation_count == 3


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
        window(hours)


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
