"""Rollups of the log: added up as it is written, never when it is looked at.

`add` is a part of the write that logs the allocations, in its transaction and after it holds the
workspace. So each allocation is in one minute, one hour and one day, once: a write that fails takes
both with it, one that is tried again finds the row of the log and adds nothing, and two writers do
not read the same rollup. What is too old goes with the first write of an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mba_integrations.services.store.owned import Rows
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.figures import (
    Figures,
    added,
    figures_of,
    packed,
    unpacked,
)
from mba_integrations.services.store.rows.rollups import Part, Rollup, Span, floor, oldest_kept
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.tables.log import allocation_rollup

Key = tuple[Span, datetime, str]
"""Span, start and complexity."""
_span, _start = allocation_rollup.c.span, allocation_rollup.c.start
_COLUMNS = tuple(
    allocation_rollup.c[name] for name in ("start", "complexity", "first_at", "last_at", "figures")
)


class Gathered:
    """Allocations of one span and complexity.

    Attributes:
        figures: What they add up to.
        first_at: When the first one was.
        last_at: When the last one was.
    """

    __slots__ = ("figures", "first_at", "last_at")

    def __init__(self, figures: Figures, first_at: datetime, last_at: datetime) -> None:
        self.figures, self.first_at, self.last_at = figures, first_at, last_at

    def add(self, figures: Mapping[int, int], first_at: datetime, last_at: datetime) -> None:
        """Add others."""
        added(self.figures, figures)
        self.first_at, self.last_at = min(self.first_at, first_at), max(self.last_at, last_at)


def into(found: dict[Key, Gathered], key: Key, one: Gathered) -> None:
    """Add *one* to what was found of its key."""
    there = found.setdefault(key, one)
    if there is not one:
        there.add(one.figures, one.first_at, one.last_at)


def gathered(rows: Iterable[AllocationRow], span: Span) -> dict[Key, Gathered]:
    """Allocations by the span that they fall into and their complexity."""
    found: dict[Key, Gathered] = {}
    for row in rows:
        key = (span, floor(row.at, span), str(row.record.get("complexity", "")))
        into(found, key, Gathered(figures_of(row), row.at, row.at))
    return found


def longer(shorter: Mapping[Key, Gathered], span: Span) -> dict[Key, Gathered]:
    """The same by a longer span."""
    found: dict[Key, Gathered] = {}
    for (_, start, complexity), one in shorter.items():
        alike = Gathered(dict(one.figures), one.first_at, one.last_at)
        into(found, (span, floor(start, span), complexity), alike)
    return found


def in_all_spans(rows: Iterable[AllocationRow], now: datetime) -> dict[Key, Gathered]:
    """Allocations by minute, hour and day, without minutes that are not kept any more."""
    minutes = gathered(rows, Span.MINUTE)
    hours = longer(minutes, Span.HOUR)
    oldest = oldest_kept(Span.MINUTE, now)
    kept = {key: one for key, one in minutes.items() if oldest is None or key[1] >= oldest}
    return {**kept, **hours, **longer(hours, Span.DAY)}


def add(writing: Writing, rows: Sequence[AllocationRow]) -> dict[str, Figures]:
    """Add allocations that are new in the log; gives what they add up to, by complexity.

    The scope must hold the workspace.
    """
    if not rows:
        return {}
    new = in_all_spans(rows, writing.at)
    gains: dict[str, Figures] = {}
    for (span, _, complexity), one in new.items():
        if span is Span.DAY:
            added(gains.setdefault(complexity, {}), one.figures)
    known = of_keys(writing, new)
    for key, one in known.items():
        new[key].add(one.figures, one.first_at, one.last_at)
    put(writing, new)
    if any(span is Span.HOUR for span, _, _ in new.keys() - known.keys()):
        _prune(writing)
    return gains


def of_keys(reading: Reading, keys: Iterable[Key]) -> dict[Key, Gathered]:
    """What there is of these."""
    wanted = set(keys)
    starts = sorted({start for _, start, _ in wanted})
    statement = reading.select(allocation_rollup).where(
        _span.in_(sorted({span for span, _, _ in wanted})), _start.in_(starts)
    )
    found = read(reading, statement)
    return {key: one for key, one in found.items() if key in wanted}


def read(reading: Reading, statement: Rows) -> dict[Key, Gathered]:
    """The rollups that a statement finds."""
    return {
        (row.span, row.start, row.complexity): Gathered(
            unpacked(row.figures), row.first_at, row.last_at
        )
        for row in reading.execute(statement)
    }


def put(writing: Writing, rollups: Mapping[Key, Gathered]) -> None:
    """Keep these, in place of what there is of them."""
    rows = [
        {
            "span": span,
            "start": start,
            "complexity": complexity,
            "first_at": one.first_at,
            "last_at": one.last_at,
            "figures": packed(one.figures),
        }
        for (span, start, complexity), one in rollups.items()
    ]
    writing.put(allocation_rollup, rows)


def of_part(reading: Reading, part: Part) -> list[Rollup]:
    """The rollups of a part of a window, the earliest first."""
    statement = reading.select(allocation_rollup, *_COLUMNS).where(_span == part.span)
    if part.since is not None:
        statement = statement.where(_start >= part.since)
    if part.until is not None:
        statement = statement.where(_start < part.until)
    statement = statement.order_by(_start, allocation_rollup.c.complexity)
    return [Rollup(*row) for row in reading.values(statement)]


def _prune(writing: Writing) -> None:
    for span in Span:
        oldest = oldest_kept(span, writing.at)
        if oldest is not None:
            old = writing.delete(allocation_rollup).where(_span == span, _start < oldest)
            writing.execute(old)
