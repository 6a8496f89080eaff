"""Rollups: each logged allocation is in them once, whatever becomes of writes and of the log."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from logged_rows import Kept, added_up, kept_rollups, log_some, logged
from store_rows import START, Clock, add, read

from mba_integrations.services.store.erasure import erasing, pruning
from mba_integrations.services.store.rows import figures
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.rollups import (
    KEPT,
    Part,
    Span,
    finest,
    floor,
    oldest_kept,
    parts_of,
)
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements.log import allocations, rebuilding, rollups
from mba_integrations.services.store.store import Store
from mba_integrations.services.store.tables.log import allocation_rollup

UNPRUNED = timedelta(hours=30)


class BrokenError(Exception):
    """What a write ends with in these tests."""


class LogKeeper:
    """Writes to a log at random, and remembers what must be in it."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random) -> None:
        self.store, self.clock, self.rng = store, clock, rng
        self.rows: dict[str, AllocationRow] = {}
        self.count = 0

    def log(self, *, fails: bool) -> None:
        """Log a few, some for a second time, some late; the write may fail at its end."""
        batch = [self._row() for _ in range(self.rng.randint(1, 4))]

        def act(writing: Writing) -> None:
            allocations.add(writing, batch)
            if fails:
                raise BrokenError

        if fails:
            with pytest.raises(BrokenError):
                self.store.write("kate", act)
        self.store.write("kate", lambda writing: allocations.add(writing, batch))
        for row in batch:
            self.rows.setdefault(row.allocation_id, row)

    def act(self) -> None:
        """Do anything that may be done to a log."""
        self.clock.move(minutes=self.rng.choice((0, 1, 40, 900)))
        choice = self.rng.randrange(8)
        if choice == 0:
            self.store.write("kate", self._prune)
        elif choice == 1:
            self.store.write("kate", lambda writing: self._erase(writing))
        elif choice == 2:
            rebuild(self.store)
        else:
            self.log(fails=choice == 3)

    def _row(self) -> AllocationRow:
        at = self.clock.now - timedelta(seconds=self.rng.choice((0, 0, 70, 4_000)))
        again = [row for row in self.rows.values() if self.clock.now - row.at < UNPRUNED]
        if again and self.rng.random() < 0.2:
            return self.rng.choice(again)
        self.count += 1
        return logged(f"a{self.count}", at, self.rng)

    def _prune(self, writing: Writing) -> None:
        before = writing.at - UNPRUNED
        old = pruning.old_allocations(writing, before, with_items=False, limit=100)
        pruning.remove_allocations(writing, old, items_alone=False)

    def _erase(self, writing: Writing) -> None:
        name = f"e{len(self.rows)}.{self.rng.random()}"
        erasing.erase(writing, name, "memory", ["m1"])


def rebuild(store: Store) -> None:
    """Make the rollups of `kate` anew, as the service does."""
    since = None
    while True:
        at = read(store, "kate", lambda reading: rebuilding.next_logged(reading, since))  # noqa: B023
        if at is None:
            return
        hour = floor(at, Span.HOUR)
        store.write("kate", lambda writing: rebuilding.rebuild_hour(writing, hour))  # noqa: B023
        day = floor(hour, Span.DAY)
        store.write("kate", lambda writing: rebuilding.rebuild_day(writing, day))  # noqa: B023
        since = hour + Span.HOUR.length


def still_kept(all_of_them: Kept, now: datetime) -> Kept:
    """Those that statistics may ask for."""
    return {
        key: one
        for key, one in all_of_them.items()
        if (oldest := oldest_kept(key[0], now)) is None or key[1] >= oldest
    }


def test_rollups_add_up_to_all_that_was_ever_logged(store: Store, clock: Clock) -> None:
    keeper = LogKeeper(store, clock, random.Random(4))
    add(store, "kate", "m1")
    for _ in range(30):
        keeper.act()
    assert len(keeper.rows) > 20
    wanted = added_up(keeper.rows.values())
    assert still_kept(kept_rollups(store, "kate"), clock.now) == still_kept(wanted, clock.now)
    assert kept_rollups(store, "tom") == {}


@pytest.mark.parametrize("step", ["of_keys", "put"])
def test_a_write_that_ends_in_the_middle_leaves_neither_row_nor_rollup(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    row = logged("a", START, random.Random(1))

    def ends(*_: object) -> None:
        raise BrokenError

    with monkeypatch.context() as patch:
        patch.setattr(rollups, step, ends)
        with pytest.raises(BrokenError):
            store.write("kate", lambda writing: allocations.add(writing, [row]))
    assert read(store, "kate", lambda reading: allocations.find(reading, "a")) is None
    assert kept_rollups(store, "kate") == {}
    for _ in range(2):
        store.write("kate", lambda writing: allocations.add(writing, [row]))
    assert kept_rollups(store, "kate") == added_up([row])


def test_the_first_write_of_an_hour_deletes_what_is_kept_no_longer(
    store: Store, clock: Clock
) -> None:
    log_some(store, "kate", count=3)
    clock.move(days=2, hours=2)
    one = logged("b", clock.now, random.Random(1))
    store.write("kate", lambda writing: allocations.add(writing, [one]))
    spans = [span for span, start, _ in kept_rollups(store, "kate") if start <= START]
    assert Span.MINUTE not in spans
    assert {Span.HOUR, Span.DAY} <= set(spans)
    clock.move(days=60)
    other = logged("c", clock.now, random.Random(1))
    store.write("kate", lambda writing: allocations.add(writing, [other]))
    assert {span for span, start, _ in kept_rollups(store, "kate") if start <= START} == {Span.DAY}


def test_what_is_logged_late_adds_no_minute_that_would_go_at_once(
    store: Store, clock: Clock
) -> None:
    clock.move(days=3)
    log = [logged("a", START, random.Random(1))]
    store.write("kate", lambda writing: allocations.add(writing, log))
    assert {span for span, _, _ in kept_rollups(store, "kate")} == {Span.HOUR, Span.DAY}


def test_a_rebuild_makes_what_is_missing_and_keeps_what_the_log_has_lost(
    store: Store, clock: Clock
) -> None:
    rng = random.Random(2)
    rows = [logged(f"a{number:02}", START + timedelta(hours=number), rng) for number in range(18)]
    clock.move(hours=18)
    store.write("kate", lambda writing: allocations.add(writing, rows))
    whole = kept_rollups(store, "kate")
    assert whole == added_up(rows)
    store.write("kate", lambda writing: writing.execute(writing.delete(allocation_rollup)))
    rebuild(store)
    assert kept_rollups(store, "kate") == whole
    gone = [row.allocation_id for row in rows[:9]]
    store.write(
        "kate", lambda writing: pruning.remove_allocations(writing, gone, items_alone=False)
    )
    rebuild(store)
    assert kept_rollups(store, "kate") == whole


def test_every_moment_of_a_window_is_in_one_part_of_it() -> None:
    rng, now = random.Random(3), START
    for _ in range(100):
        since = now - timedelta(seconds=rng.choice((1, 9e3, 1e5, 2e5, 6e6)) * rng.random())
        parts = parts_of(since, now)
        begin = floor(since, finest(since, now))
        assert parts[0].since == begin
        for at in (begin, now, begin + (now - begin) * rng.random()):
            assert sum(holds(part, at) for part in parts) == 1
        assert not any(holds(part, begin - timedelta.resolution) for part in parts)
        assert all(is_kept(part, now) for part in parts)


def holds(part: Part, at: datetime) -> bool:
    """Whether the rollup that a moment is in belongs to a part."""
    start = floor(at, part.span)
    return (part.since is None or part.since <= start) and (
        part.until is None or start < part.until
    )


def is_kept(part: Part, now: datetime) -> bool:
    """Whether all rollups of a part are still there."""
    kept = KEPT[part.span]
    return kept is None or (part.since is not None and part.since > now - kept - part.span.length)


@pytest.mark.parametrize(
    ("age", "span"),
    [
        pytest.param(timedelta(hours=24), Span.MINUTE, id="a-day"),
        pytest.param(timedelta(days=2), Span.MINUTE, id="as-long-as-minutes"),
        pytest.param(timedelta(days=7), Span.HOUR, id="a-week"),
        pytest.param(timedelta(days=61), Span.DAY, id="longer-than-hours"),
    ],
)
def test_a_window_begins_at_the_shortest_span_that_is_kept(age: timedelta, span: Span) -> None:
    now = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
    assert parts_of(now - age, now)[0].span is span


@pytest.mark.parametrize(
    ("used", "budget", "bucket"),
    [
        pytest.param(0, 100, 0, id="nothing"),
        pytest.param(1, 1_000, 1, id="a-bit"),
        pytest.param(7, 100, 7, id="a-whole-percent-belongs-below"),
        pytest.param(71, 1_000, 8, id="just-above"),
        pytest.param(100, 100, 100, id="all"),
        pytest.param(201, 100, 201, id="far-more-than-its-share"),
    ],
)
def test_utilisation_falls_into_its_percent(used: int, budget: int, bucket: int) -> None:
    record = {"budget_tokens": budget, "used_tokens": used}
    row = AllocationRow(allocation_id="a", at=START, record=record)
    found = figures.figures_of(row)
    histogram = figures.utilisation_row()
    assert [
        slot - histogram.start for slot in found if slot in range(*histogram.indices(9_999))
    ] == [bucket]


def test_no_two_figures_share_a_slot() -> None:
    rows: Sequence[Any] = [
        range(12),
        *([figures.tier_slot(tier, name)] for tier in range(4) for name in figures.OF_TIER),
        *(figures.omission_slots(reason) for reason in range(6)),
        *(figures.phase_slots(phase) for phase in range(4)),
        *(range(4_608)[figures.utilisation_row(tier)] for tier in (None, 0, 1, 2, 3)),
        *(range(4_608)[figures.duration_row(phase)] for phase in range(4)),
    ]
    slots = [slot for row in rows for slot in row]
    assert len(set(slots)) == len(slots)
    assert max(slots) < figures.SLOTS
