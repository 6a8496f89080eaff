"""Rollups made anew from the log, for what was logged before there were any.

An hour, then its day, are a write each, so other writers get between two of them. Nothing is lost
by it, and a second time changes nothing: the log may have been cut since, so a rollup stays as it
is where it knows of more allocations than the log does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import func

from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.figures import COUNT
from mba_integrations.services.store.rows.rollups import Span
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements.log import allocations, rollups
from mba_integrations.services.store.statements.log.rollups import Gathered, Key
from mba_integrations.services.store.tables.log import allocation, allocation_rollup

_PAGE = 1_000


def next_logged(reading: Reading, since: datetime | None) -> datetime | None:
    """When the first allocation was, from a time on; None if the log has none."""
    statement = reading.select(allocation, func.min(allocation.c.at))
    if since is not None:
        statement = statement.where(allocation.c.at >= since)
    found: datetime | None = reading.execute(statement).scalar()
    return found


def rebuild_hour(writing: Writing, hour: datetime) -> None:
    """Make the minutes of an hour and the hour itself from the log."""
    writing.hold()
    made = rollups.in_all_spans(_logged(writing, hour), writing.at)
    _put(writing, {key: one for key, one in made.items() if key[0] is not Span.DAY})


def rebuild_day(writing: Writing, day: datetime) -> None:
    """Make a day from its hours."""
    writing.hold()
    hours = writing.select(allocation_rollup).where(
        allocation_rollup.c.span == Span.HOUR,
        allocation_rollup.c.start >= day,
        allocation_rollup.c.start < day + Span.DAY.length,
    )
    _put(writing, rollups.longer(rollups.read(writing, hours), Span.DAY))


def _logged(reading: Reading, hour: datetime) -> Iterator[AllocationRow]:
    after = None
    while True:
        page = allocations.listed(
            reading, since=hour, until=hour + Span.HOUR.length, after=after, limit=_PAGE
        )
        yield from page
        if len(page) < _PAGE:
            return
        after = (page[-1].at, page[-1].allocation_id)


def _put(writing: Writing, made: Mapping[Key, Gathered]) -> None:
    known = rollups.of_keys(writing, made)
    kept = {key: one.figures[COUNT] for key, one in known.items()}
    rollups.put(
        writing,
        {key: one for key, one in made.items() if one.figures[COUNT] >= kept.get(key, 0)},
    )
