"""Accounts of what is spent: reserve before a call, settle after it, and what lapses comes back.

A transaction opens all accounts of a call before it takes anything (`opened`), always in the same
order, so that two calls never wait for each other. From there to its end nobody else changes them.
`reserve` asks the database once more: a row takes a reservation only where

    used + reserved + amount <= limit

holds of it at that moment. So what is reserved and used is never more than the limit, whoever
reserves at the same time, and in whichever process.

A reservation has a lease. Once that is over it lapses the next time somebody opens the account, and
what it held is free again. One that is settled after that is still counted, for it was spent. So
an account may come to more than its limit only by calls that outlived their lease, or that used
more than they had reserved.

A rolling window is one account whose `used` is the sum of its slices; a slice that is older than
the window is taken off when the account is opened:

    slices   12:00 700   12:01 200        window of an hour
    12:59    used 900
    13:01    used 200                     all of 12:00 is older than an hour
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, func

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.owned import delete_owned, select_owned, update_owned
from mba_integrations.services.store.rows.gateway.spend import (
    Balance,
    Hold,
    SpendPlace,
    SubjectBalance,
    slice_of,
)
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.tables.gateway import (
    spend_period,
    spend_reservation,
    spend_slice,
)

KEPT = timedelta(days=7)
"""How long periods and reservations outlive their end: so late a call may still be settled."""
MOST = 2**62
_period, _reservation, _slice = spend_period.c, spend_reservation.c, spend_slice.c


def _at(table: Table) -> tuple[ColumnElement[bool], ...]:
    """That a row is of the place that the parameters say."""
    names = ("account", "subject", "start")
    return tuple(table.c[name] == bindparam(f"at_{name}") for name in names)


def _key(place: SpendPlace) -> dict[str, Any]:
    return {f"at_{name}": value for name, value in place.key.items()}


_LOCKED = (
    select_owned(spend_period, _period.used, _period.reserved)
    .where(*_at(spend_period))
    .with_for_update()
)
_LAPSE = (
    update_owned(spend_reservation)
    .where(
        *_at(spend_reservation),
        _reservation.lapsed.is_(False),
        _reservation.lease_until <= bindparam("now"),
    )
    .values(lapsed=True)
    .returning(_reservation.amount)
)
_LEAVE = (
    delete_owned(spend_slice)
    .where(
        _slice.account == bindparam("at_account"),
        _slice.subject == bindparam("at_subject"),
        _slice.ends_at <= bindparam("now"),
    )
    .returning(_slice.used)
)
_MOVE = (
    update_owned(spend_period)
    .where(*_at(spend_period))
    .values(
        used=_period.used + bindparam("more_used"),
        reserved=_period.reserved + bindparam("more_reserved"),
        ends_at=bindparam("until"),
    )
)
_RESERVE = (
    update_owned(spend_period)
    .where(
        *_at(spend_period),
        _period.used + _period.reserved + bindparam("amount") <= bindparam("limit"),
    )
    .values(reserved=_period.reserved + bindparam("amount"), ends_at=bindparam("until"))
)
_TAKE = (
    delete_owned(spend_reservation)
    .where(_reservation.reservation_id == bindparam("id"), *_at(spend_reservation))
    .returning(_reservation.amount, _reservation.lapsed)
)


def opened(writing: Writing, places: Iterable[SpendPlace]) -> dict[SpendPlace, Balance]:
    """How accounts stand at the moment of the write; nobody else changes them until its end."""
    ordered = sorted(set(places))
    rows = [{**one.key, "ends_at": one.ends_at, "used": 0, "reserved": 0} for one in ordered]
    if writing.insert(spend_period, rows, skip_known=True):
        _prune(writing)
    return {place: _brought_up(writing, place) for place in ordered}


def reserve(
    writing: Writing,
    reservation_id: str,
    holds: Mapping[SpendPlace, Hold],
    *,
    lease_until: datetime,
) -> bool:
    """Take from accounts that are open; False if one has no room, and the write must be undone."""
    checked_id("reservation_id", reservation_id)
    for place, hold in holds.items():
        limit = MOST if hold.limit is None else hold.limit
        asked = {"amount": hold.amount, "limit": limit, "until": place.ends_at}
        if not writing.execute(_RESERVE, {**_key(place), **asked}).rowcount:
            return False
    kept = [
        {
            **place.key,
            "reservation_id": reservation_id,
            "amount": hold.amount,
            "lease_until": lease_until,
            "lapsed": False,
        }
        for place, hold in holds.items()
    ]
    writing.insert(spend_reservation, kept)
    return True


def settle(writing: Writing, reservation_id: str, spent: Mapping[SpendPlace, int]) -> bool:
    """Count what a call used in place of what it had reserved; False if that was done before.

    Args:
        writing: The scope.
        reservation_id: Of the call.
        spent: By each place that it reserved of; 0 gives back all.
    """
    ordered = sorted(spent)
    for place in ordered:
        writing.execute(_LOCKED, _key(place))  # in the order of `opened`, before its reservations
    settled = [_settled(writing, reservation_id, place, spent[place]) for place in ordered]
    return any(settled)


def renew(writing: Writing, reservation_ids: Sequence[str], lease_until: datetime) -> int:
    """Give reservations a longer lease; gives how many rows. What has lapsed stays so.

    It waits for nobody: a reservation that is held is being settled, or is lapsing.
    """
    mine = among(_reservation.reservation_id, reservation_ids)
    holds = writing.select(spend_reservation, _reservation.reservation_id)
    locked = holds.where(mine, _reservation.lapsed.is_(False)).with_for_update(skip_locked=True)
    free = set(writing.execute(locked).scalars())
    if not free:
        return 0
    longer = writing.update(spend_reservation).where(
        among(_reservation.reservation_id, free), _reservation.lapsed.is_(False)
    )
    return writing.execute(longer.values(lease_until=lease_until)).rowcount


def standing(
    reading: Reading, place: SpendPlace, at: datetime, *, limit: int = 100
) -> tuple[SubjectBalance, ...]:
    """How the accounts of all subjects stand at a time, those that used most first."""
    found = reading.execute(
        reading.select(spend_period, _period.subject, _period.used, _period.reserved)
        .where(_period.account == place.account, _period.start == place.start)
        .where(_period.ends_at > at)
        .order_by(_period.used.desc(), _period.subject)
        .limit(limit)
    ).all()
    lapsed = _sums(reading, spend_reservation, "amount", place, _is_over(at))
    left = _sums(reading, spend_slice, "used", place, _slice.ends_at <= at)
    return tuple(
        SubjectBalance(
            subject=subject,
            used=used - (left.get(subject, 0) if place.window else 0),
            reserved=reserved - lapsed.get(subject, 0),
        )
        for subject, used, reserved in found
    )


def slices(reading: Reading, place: SpendPlace) -> list[tuple[datetime, int]]:
    """When what of a rolling window leaves, the next first."""
    statement = reading.select(spend_slice, _slice.ends_at, _slice.used).where(
        _slice.account == place.account, _slice.subject == place.subject
    )
    return [(ends_at, used) for ends_at, used in reading.execute(statement.order_by(_slice.start))]


def _is_over(at: datetime) -> ColumnElement[bool]:
    return _reservation.lapsed.is_(False) & (_reservation.lease_until <= at)


def _sums(
    reading: Reading, table: Table, name: str, place: SpendPlace, which: ColumnElement[bool]
) -> dict[str, int]:
    """Sums of a column by subject."""
    subject = table.c.subject
    statement = reading.select(table, subject, func.sum(table.c[name]))
    statement = statement.where(table.c.account == place.account, which)
    if table is spend_reservation:
        statement = statement.where(table.c.start == place.start)
    return {one: int(total) for one, total in reading.execute(statement.group_by(subject))}


def _brought_up(writing: Writing, place: SpendPlace) -> Balance:
    """Lock an account, and take off what has lapsed and what has left."""
    used, reserved = writing.execute(_LOCKED, _key(place)).one()
    asked = {**_key(place), "now": writing.at}
    lapsed = sum(writing.execute(_LAPSE, asked).scalars())
    gone = sum(writing.execute(_LEAVE, asked).scalars()) if place.window is not None else 0
    if lapsed or gone:
        _move(writing, place, -gone, -lapsed, until=place.ends_at)
    return Balance(used - gone, reserved - lapsed)


def _settled(writing: Writing, reservation_id: str, place: SpendPlace, spent: int) -> bool:
    taken = writing.execute(_TAKE, {**_key(place), "id": reservation_id}).one_or_none()
    if taken is None:
        return False
    held = 0 if taken.lapsed else taken.amount
    if place.window is None:
        _move(writing, place, spent, -held, until=place.ends_at)
        return True
    now = slice_of(writing.at, place.window)
    if _move(writing, place, spent, -held, until=now.leaves_at) and spent:
        key = {**place.key, "start": now.begins_at, "ends_at": now.leaves_at}
        writing.add_up(spend_slice, [{**key, "used": spent}], sums=("used",))
    return True


def _move(writing: Writing, place: SpendPlace, used: int, reserved: int, *, until: datetime) -> int:
    asked = {"more_used": used, "more_reserved": reserved, "until": until}
    return writing.execute(_MOVE, {**_key(place), **asked}).rowcount


def _prune(writing: Writing) -> None:
    before = writing.at - KEPT
    for table, column in (
        (spend_reservation, _reservation.lease_until),
        (spend_slice, _slice.ends_at),
        (spend_period, _period.ends_at),
    ):
        writing.execute(writing.delete(table).where(column < before))
