"""The log of allocations, what was decided on items, and feedback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row

from mba_integrations.core.arguments import checked_whole
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.owned import Rows
from mba_integrations.services.store.rows.allocations import (
    AllocationItem,
    AllocationRow,
    FeedbackOrigin,
    FeedbackRow,
)
from mba_integrations.services.store.rows.figures import Figures
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.statements.log import rollups
from mba_integrations.services.store.tables.log import allocation, allocation_item, feedback

_ITEM_COLUMNS = ("memory_id", "selected", "tokens", "score", "reason")
_COLUMNS = (
    *("allocation_id", "at", "session_id", "settings_version", "core_version"),
    *("change_seq", "prefix_hash", "stable_prefix_tokens", "query_hash"),
    "figures",
)
_WHOLE = ""
"""Stands for the whole prompt where a memory's id stands else; no memory has it."""


def add(writing: Writing, rows: Sequence[AllocationRow]) -> Mapping[str, Figures]:
    """Log allocations with their items, and add them up; gives what that added, by complexity.

    An id that is there is passed over.
    """
    first = {checked_id("allocation_id", row.allocation_id): row for row in reversed(rows)}
    if not first:
        return {}
    writing.hold()
    ids = writing.select(allocation, allocation.c.allocation_id)
    known = set(writing.execute(ids.where(among(allocation.c.allocation_id, first))).scalars())
    new = [row for one, row in reversed(first.items()) if one not in known]
    kept = [
        {name: getattr(row, name) for name in _COLUMNS} | {"record": dict(row.record)}
        for row in new
    ]
    writing.insert(allocation, kept)
    # All in one statement: the call for each costs more than its rows do.
    writing.insert(allocation_item, [item for row in new for item in _items_of(row)])
    return rollups.add(writing, new)


def find(reading: Reading, allocation_id: str) -> AllocationRow | None:
    """One allocation with its items; None if it is not known."""
    statement = reading.select(allocation).where(allocation.c.allocation_id == allocation_id)
    found = reading.execute(statement).one_or_none()
    return None if found is None else _row(found, items(reading, allocation_id))


def items(reading: Reading, allocation_id: str) -> tuple[AllocationItem, ...]:
    """What an allocation decided on items, in the order in which they were logged."""
    return items_of(reading, [allocation_id]).get(allocation_id, ())


def items_of(
    reading: Reading, allocation_ids: Sequence[str]
) -> dict[str, tuple[AllocationItem, ...]]:
    """What allocations decided on items, by allocation; those without items are not named."""
    statement = (
        reading.select(allocation_item)
        .where(among(allocation_item.c.allocation_id, allocation_ids))
        .order_by(allocation_item.c.allocation_id, allocation_item.c.place)
    )
    rows = reading.execute(statement)
    return {
        one: tuple(
            AllocationItem(**{name: getattr(found, name) for name in _ITEM_COLUMNS})
            for found in of_one
        )
        for one, of_one in groupby(rows, lambda found: str(found.allocation_id))
    }


def listed(
    reading: Reading,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    session_id: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
    oldest_first: bool = False,
) -> tuple[AllocationRow, ...]:
    """Allocations without their items, the latest first.

    Args:
        reading: The scope.
        since: At this time or later.
        until: Before this time.
        session_id: Of this session.
        after: Time and id of the last one of the page before.
        limit: The most to give, from 1.
        oldest_first: Whether they come in their order, the oldest first.
    """
    checked_whole("limit", limit, at_least=1)
    statement = _narrowed(reading.select(allocation), since, until, session_id)
    at, key = allocation.c.at, allocation.c.allocation_id
    if after is not None:
        moment, last = after
        behind = (at > moment, key > last) if oldest_first else (at < moment, key < last)
        statement = statement.where(behind[0] | ((at == moment) & behind[1]))
    order = (at, key) if oldest_first else (at.desc(), key.desc())
    statement = statement.order_by(*order).limit(limit)
    return tuple(_row(found, ()) for found in reading.execute(statement))


def logged_since(
    reading: Reading, since: datetime, *, limit: int = 500
) -> tuple[tuple[str, datetime], ...]:
    """Ids and times of allocations at a time or later, the latest first."""
    at = allocation.c.at
    statement = reading.select(allocation, allocation.c.allocation_id, at).where(at >= since)
    found = reading.execute(statement.order_by(at.desc()).limit(limit))
    return tuple((row.allocation_id, row.at) for row in found)


def add_feedback(writing: Writing, rows: Sequence[FeedbackRow]) -> None:
    """Keep feedback, in place of what the same origin said of the same memory before."""
    names = ("allocation_id", "origin", "useful", "weight", "at")
    writing.put(
        feedback,
        [
            {name: getattr(row, name) for name in names} | {"memory_id": row.memory_id or _WHOLE}
            for row in rows
        ],
    )


def feedback_of(reading: Reading, allocation_id: str) -> tuple[FeedbackRow, ...]:
    """Feedback on an allocation, by memory and origin; that on the whole prompt first."""
    return feedback_on(reading, [allocation_id]).get(allocation_id, ())


def feedback_on(
    reading: Reading, allocation_ids: Sequence[str]
) -> dict[str, tuple[FeedbackRow, ...]]:
    """The same of allocations, by allocation; those without feedback are not named."""
    columns = feedback.c
    statement = (
        reading.select(feedback)
        .where(among(columns.allocation_id, allocation_ids))
        .order_by(columns.allocation_id, columns.memory_id, columns.origin)
    )
    rows = reading.execute(statement)
    return {
        one: tuple(map(_feedback, of_one))
        for one, of_one in groupby(rows, lambda found: str(found.allocation_id))
    }


def _feedback(found: Row[*tuple[Any, ...]]) -> FeedbackRow:
    return FeedbackRow(
        allocation_id=found.allocation_id,
        memory_id=found.memory_id or None,
        useful=found.useful,
        origin=FeedbackOrigin(found.origin),
        weight=found.weight,
        at=found.at,
    )


def _narrowed(
    statement: Rows, since: datetime | None, until: datetime | None, session_id: str | None
) -> Rows:
    if since is not None:
        statement = statement.where(allocation.c.at >= since)
    if until is not None:
        statement = statement.where(allocation.c.at < until)
    if session_id is not None:
        statement = statement.where(allocation.c.session_id == session_id)
    return statement


def _items_of(row: AllocationRow) -> Iterator[dict[str, Any]]:
    for place, item in enumerate(row.items):
        yield {
            "allocation_id": row.allocation_id,
            "place": place,
            "memory_id": item.memory_id,
            "selected": item.selected,
            "tokens": item.tokens,
            "score": item.score,
            "reason": item.reason,
        }


def _row(found: Row[*tuple[Any, ...]], of: tuple[AllocationItem, ...]) -> AllocationRow:
    kept = {name: getattr(found, name) for name in _COLUMNS}
    return AllocationRow(record=found.record, items=of, **kept)
