"""Accounts of what is spent: never over their limit, whatever is reserved, settled or lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from store_rows import START, Clock, read

from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.store.rows.gateway.spend import (
    Balance,
    Hold,
    SpendPlace,
    SubjectBalance,
    slice_of,
)
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.gateway import spend
from mba_integrations.services.store.store import Store

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=60)
DAY = SpendPlace(
    account="workspace/tokens/day/UTC", subject="", start=START, ends_at=START + 24 * HOUR
)
KEY = SpendPlace(account="key/usd/day/UTC", subject="k1", start=START, ends_at=START + 24 * HOUR)


class NoRoomError(Exception):
    """Undoes a write."""


def rolling(now: datetime) -> SpendPlace:
    return SpendPlace.rolling("workspace/tokens/rolling/3600", "", HOUR, now)


def reserve(
    store: Store, name: str, *holds: tuple[SpendPlace, int, int | None], workspace: str = "kate"
) -> bool:
    """Reserve of some places, each with an amount and a limit; all of it or nothing."""

    def act(writing: Writing) -> None:
        spend.opened(writing, [place for place, _, _ in holds])
        taken = {place: Hold(amount, limit) for place, amount, limit in holds}
        if not spend.reserve(writing, name, taken, lease_until=writing.at + LEASE):
            raise NoRoomError

    try:
        store.write(workspace, act)
    except NoRoomError:
        return False
    return True


def settle(
    store: Store, name: str, *spent: tuple[SpendPlace, int], workspace: str = "kate"
) -> bool:
    return store.write(workspace, lambda writing: spend.settle(writing, name, dict(spent)))


def balance(store: Store, place: SpendPlace, workspace: str = "kate") -> Balance:
    return store.write(workspace, lambda writing: spend.opened(writing, [place])[place])


def test_what_fits_exactly_is_admitted_and_one_more_is_not(store: Store) -> None:
    assert reserve(store, "a", (DAY, 60, 100))
    assert not reserve(store, "b", (DAY, 41, 100))
    assert reserve(store, "c", (DAY, 40, 100))
    assert balance(store, DAY) == Balance(0, 100)


def test_a_call_that_one_account_has_no_room_for_takes_of_none(store: Store) -> None:
    assert not reserve(store, "a", (DAY, 5, 100), (KEY, 5, 4))
    assert (balance(store, DAY), balance(store, KEY)) == (Balance(0, 0), Balance(0, 0))


def test_what_was_not_used_is_free_again(store: Store) -> None:
    reserve(store, "a", (DAY, 60, 100), (KEY, 9, 9))
    assert settle(store, "a", (DAY, 20), (KEY, 0))
    assert (balance(store, DAY), balance(store, KEY)) == (Balance(20, 0), Balance(0, 0))


def test_a_call_is_settled_once(store: Store) -> None:
    reserve(store, "a", (DAY, 60, 100))
    assert settle(store, "a", (DAY, 20))
    assert not settle(store, "a", (DAY, 20))
    assert balance(store, DAY) == Balance(20, 0)


def test_a_reservation_whose_lease_is_over_comes_back_and_is_still_settled(
    store: Store, clock: Clock
) -> None:
    reserve(store, "a", (DAY, 60, 100))
    clock.move(seconds=59)
    assert not reserve(store, "b", (DAY, 60, 100))
    clock.move(seconds=1)
    assert reserve(store, "b", (DAY, 60, 100))
    assert settle(store, "a", (DAY, 50))
    assert balance(store, DAY) == Balance(50, 60)
    assert not settle(store, "a", (DAY, 50))


def test_a_lease_that_is_renewed_holds_and_one_that_lapsed_stays_lapsed(
    store: Store, clock: Clock
) -> None:
    def renew(*names: str) -> int:
        return store.write("kate", lambda writing: spend.renew(writing, names, writing.at + LEASE))

    reserve(store, "a", (DAY, 60, 100), (KEY, 1, 9))
    reserve(store, "b", (DAY, 30, 100))
    clock.move(seconds=40)
    assert renew("a", "unknown") == 2
    clock.move(seconds=40)
    assert balance(store, DAY) == Balance(0, 60)
    assert renew("b") == 0
    assert renew("a") == 2


def test_the_accounts_of_subjects_and_of_workspaces_are_apart(store: Store) -> None:
    other = SpendPlace(account=KEY.account, subject="k2", start=START, ends_at=KEY.ends_at)
    assert reserve(store, "a", (KEY, 9, 9))
    assert reserve(store, "b", (other, 9, 9))
    assert reserve(store, "a", (KEY, 9, 9), workspace="tom")
    assert not settle(store, "b", (other, 9), workspace="tom")
    assert balance(store, other) == Balance(0, 9)
    assert read(store, "tom", lambda scope: spend.standing(scope, KEY, START)) == (
        SubjectBalance(subject="k1", used=0, reserved=9),
    )


def test_nothing_is_reserved_in_a_workspace_that_is_not_there(store: Store) -> None:
    with pytest.raises(UnknownWorkspaceError):
        reserve(store, "a", (DAY, 1, 9), workspace="nobody")


def test_a_workspace_takes_its_accounts_along(store: Store, clock: Clock) -> None:
    reserve(store, "a", (DAY, 1, 9), (rolling(clock.now), 1, 9))
    settle(store, "a", (DAY, 1), (rolling(clock.now), 1))
    reserve(store, "b", (DAY, 1, 9))
    gone = store.write("kate", workspaces.delete)
    assert {name: gone[name] for name in gone if name.startswith("spend")} == {
        "spend_period": 2,
        "spend_slice": 1,
        "spend_reservation": 1,
    }


def test_what_was_spent_leaves_a_rolling_window_an_hour_after_the_call_ended(
    store: Store, clock: Clock
) -> None:
    begun = rolling(clock.now)
    reserve(store, "a", (begun, 60, 100))
    clock.move(minutes=30)
    store.write("kate", lambda writing: spend.renew(writing, ["a"], writing.at + HOUR))
    settle(store, "a", (begun, 50))
    clock.move(minutes=59)
    assert balance(store, rolling(clock.now)) == Balance(50, 0)
    assert read(store, "kate", lambda scope: spend.slices(scope, begun))[0][1] == 50
    reserve(store, "b", (rolling(clock.now), 7, 100))
    settle(store, "b", (rolling(clock.now), 7))
    clock.move(minutes=2)
    shown = read(store, "kate", lambda scope: spend.standing(scope, rolling(clock.now), clock.now))
    assert [one.used for one in shown] == [7]
    assert balance(store, rolling(clock.now)) == Balance(7, 0)


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 3_600, 86_400])
def test_a_slice_leaves_after_the_window_and_soon(seconds: int) -> None:
    window = timedelta(seconds=seconds)
    found = slice_of(START, window)
    late = found.leaves_at - START - window
    assert found.begins_at <= START
    assert timedelta(0) < late <= max(timedelta(seconds=1), window / 60 + timedelta(seconds=1))


def test_what_ended_a_week_ago_goes_when_a_period_begins(store: Store, clock: Clock) -> None:
    reserve(store, "a", (DAY, 1, 9), (rolling(clock.now), 2, 9))
    clock.move(days=8.1)
    balance(store, SpendPlace(account="x", subject="", start=clock.now, ends_at=clock.now))
    assert not settle(store, "a", (DAY, 1), (rolling(clock.now), 2))
    assert read(store, "kate", lambda scope: spend.standing(scope, DAY, START)) == ()


@dataclass
class Oracle:
    """What must be: every call with what it reserved, used, and when."""

    limit: int
    window: timedelta | None = None
    running: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    lapsed: set[str] = field(default_factory=set)
    spent: list[tuple[datetime, int]] = field(default_factory=list)

    def balance(self, now: datetime) -> Balance:
        for name, (_, until) in list(self.running.items()):
            if until <= now:
                del self.running[name]
                self.lapsed.add(name)
        used = sum(amount for at, amount in self.spent if self._counts(at, now))
        return Balance(used, sum(amount for amount, _ in self.running.values()))

    def _counts(self, at: datetime, now: datetime) -> bool:
        return self.window is None or slice_of(at, self.window).leaves_at > now


@pytest.mark.parametrize("kind", ["day", "rolling"])
def test_any_sequence_of_calls_leaves_what_a_slow_count_says(
    store: Store, clock: Clock, kind: str
) -> None:
    for seed in range(3):
        rng = random.Random(seed)
        oracle = Oracle(limit=100, window=HOUR if kind == "rolling" else None)
        name = f"{kind}{seed}"
        for step in range(25):
            clock.move(seconds=rng.choice((0, 1, 20, 61, 700)))
            place = (
                SpendPlace.rolling(name, "", HOUR, clock.now)
                if kind == "rolling"
                else SpendPlace(account=name, subject="", start=START, ends_at=DAY.ends_at)
            )
            act(store, clock, oracle, place, rng, f"{name}.{step}")
            assert balance(store, place) == oracle.balance(clock.now)


def act(
    store: Store, clock: Clock, oracle: Oracle, place: SpendPlace, rng: random.Random, name: str
) -> None:
    before = oracle.balance(clock.now)
    open_calls = [*oracle.running, *sorted(oracle.lapsed)]
    if open_calls and rng.random() < 0.5:
        old = rng.choice(open_calls)
        held, _ = oracle.running.pop(old, (50, None))
        oracle.lapsed.discard(old)
        spent = rng.choice((0, held // 2, held))
        oracle.spent.append((clock.now, spent))
        assert settle(store, old, (place, spent))
        return
    amount = rng.choice((1, 10, 40, 100, 101))
    fits = sum(before) + amount <= oracle.limit
    assert reserve(store, name, (place, amount, oracle.limit)) == fits
    if fits:
        oracle.running[name] = (amount, clock.now + LEASE)
