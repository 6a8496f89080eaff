"""Statistics of a service are those of its log, told apart and by windows, however old the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import cycle, islice

import pytest
from memory_services import Opened

from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.core.log.records import record_from_dict
from mba_integrations.core.log.statistics import AllocationStatistics, statistics
from mba_integrations.services.memory.past.statistics import By, LoggedStatistics
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock

QUERIES = (
    "Where does Kate live?",
    "Compare all that Kate did in Lisbon with what Tom did, step by step, and explain why.",
    "hi",
)


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    """A service with memories of `kate` and of `tom`."""
    made = opened()
    for name in ("kate", "tom"):
        made.create_workspace(name, max_total_tokens=60, caching={"uncached_price": 2.0})
        made.remember(name, [f"{name} did thing {number} in Lisbon." for number in range(12)])
    return made


def recall(service: MemoryService, clock: Clock, pauses: Sequence[int], name: str = "kate") -> None:
    """Recall some, each after a pause in seconds."""
    for pause, query in zip(pauses, islice(cycle(QUERIES), len(pauses)), strict=True):
        clock.pass_seconds(pause)
        service.recall(name, query, session_id="s", budget_tokens=7 + pause % 30)


def of_the_log(service: MemoryService) -> AllocationStatistics:
    """What the core says of the rows of the log."""
    rows = service.allocations.list("kate").rows
    return statistics([record_from_dict(row.record) for row in rows], workspace_id="kate")


def test_they_say_what_the_core_says_of_the_log(service: MemoryService, clock: Clock) -> None:
    recall(service, clock, [1, 40, 5_000, 3, 90_000, 8])
    found, wanted = service.statistics("kate"), of_the_log(service)
    for field in fields(AllocationStatistics):
        ours, theirs = getattr(found, field.name), getattr(wanted, field.name)
        if field.name.startswith("latency"):
            assert ours == pytest.approx(theirs, rel=0.1), field.name
        elif field.name == "median_utilisation":
            assert ours == pytest.approx(theirs, abs=0.01), field.name
        elif field.name == "tiers":
            assert [one.selected for one in ours.values()] == [
                one.selected for one in theirs.values()
            ]
        elif isinstance(theirs, float):
            assert ours == pytest.approx(theirs, abs=2e-6), field.name
        else:
            assert ours == theirs, field.name


def test_they_add_tokens_time_and_cost_of_each_call(service: MemoryService, clock: Clock) -> None:
    recall(service, clock, [1, 2, 3])
    rows = service.allocations.list("kate").rows
    figures = [row.figures or {} for row in rows]
    found = service.statistics("kate")
    assert found.used_tokens == sum(row.record["used_tokens"] for row in rows)
    assert found.used_tokens == sum(one.used for one in found.tier_tokens.values())
    assert found.cost == pytest.approx(sum(one["cost"] for one in figures))
    assert found.uncached_cost == 2.0 * found.used_tokens
    omitted = sum(tokens for one in figures for tokens, _ in one["omitted_tokens"].values())
    assert found.saved_tokens == omitted > 0
    assert {name: one.count for name, one in found.phases.items()} == dict.fromkeys(
        ("choose", "load", "embed", "recall"), 3
    )
    assert sum(bar.count for bar in found.utilisation_histogram) == 3
    assert found.stable_prefix_tokens == sum(row.stable_prefix_tokens or 0 for row in rows)


def test_a_window_begins_at_a_full_minute_and_says_so(service: MemoryService, clock: Clock) -> None:
    begin = clock.now.replace(second=0, microsecond=0)
    recall(service, clock, [10, 40])  # 12:00:10 and 12:00:50, if it was 12:00
    clock.pass_seconds(3_580)  # the hour before begins between the two
    found = service.statistics("kate", time_window_hours=1)
    assert (found.allocation_count, found.since) == (2, begin.isoformat())
    assert found.resolution == "minute"
    clock.pass_seconds(31)
    assert service.statistics("kate", time_window_hours=1).allocation_count == 0
    assert service.statistics("kate", time_window_hours=2).allocation_count == 2


@pytest.mark.parametrize("by", [By.COMPLEXITY, By.MINUTE, By.HOUR, By.DAY])
def test_groups_add_up_to_the_whole(service: MemoryService, clock: Clock, by: By) -> None:
    recall(service, clock, [1, 40, 700, 3, 9_000, 8])
    found = service.statistics("kate", time_window_hours=6, by=by)
    assert len(found.groups) >= (2 if by is not By.DAY else 1)
    assert [one.key for one in found.groups] == sorted(
        (one.key for one in found.groups),
        key=list(found.complexity_counts).index if by is By.COMPLEXITY else None,
    )
    for name in ("allocation_count", "used_tokens", "budget_tokens", "saved_tokens"):
        assert sum(getattr(one, name) for one in found.groups) == getattr(found, name)
    assert sum(one.omitted for one in found.groups) == sum(found.omission_counts.values())


def test_tiers_are_told_apart(service: MemoryService, clock: Clock) -> None:
    recall(service, clock, [1, 2])
    found = service.statistics("kate", by="tier")
    by_tier = {one.key: (one.used_tokens, one.budget_tokens) for one in found.groups}
    assert by_tier == {tier: (one.used, one.available) for tier, one in found.tier_tokens.items()}
    assert found.groups[0].latency_ms_p50 is None


@pytest.mark.parametrize(
    ("by", "hours"),
    [
        pytest.param("hour", None, id="hours-of-all-time"),
        pytest.param("minute", 9.0, id="more-minutes-than-a-picture-shows"),
        pytest.param("hour", 24.0 * 60, id="hours-that-are-not-kept"),
    ],
)
def test_too_many_groups_are_refused(service: MemoryService, by: str, hours: float | None) -> None:
    with pytest.raises(InputError, match=f"by={by} needs a window of less than 500 {by}s"):
        service.statistics("kate", time_window_hours=hours, by=by)


def test_several_workspaces_are_taken_together(service: MemoryService, clock: Clock) -> None:
    recall(service, clock, [1, 2])
    recall(service, clock, [1], "tom")
    found: LoggedStatistics = service.allocations.statistics(["kate", "tom"])
    assert (found.workspace_id, found.allocation_count) == (None, 3)
    assert service.allocations.statistics([]).allocation_count == 0
    with pytest.raises(UnknownWorkspaceError, match="there is no workspace 'ben'"):
        service.allocations.statistics(["kate", "ben"])


def test_they_are_made_anew_from_the_log(service: MemoryService, clock: Clock) -> None:
    recall(service, clock, [1, 4_000, 80_000])
    before = service.statistics("kate", time_window_hours=30)
    assert service.allocations.rebuild_statistics("kate") == 3
    assert service.statistics("kate", time_window_hours=30) == before
    assert service.allocations.rebuild_statistics("tom") == 0


def test_the_log_is_not_read_for_them(
    service: MemoryService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mba_integrations.services.store.statements.log import allocations

    recall(service, clock, [1, 2])
    for name in ("listed", "find", "items"):
        monkeypatch.delattr(allocations, name)
    assert service.statistics("kate", time_window_hours=24, by="hour").allocation_count == 2
