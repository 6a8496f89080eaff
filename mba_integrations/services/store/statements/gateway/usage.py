"""What calls through the gateway used, added up by minute, hour and day as it is written.

Each call is in one row of a span for its level and model, and in one for its session; a session has
hours and days alone. A row that is there gets the sum, in one statement, so writers need not wait
for the workspace. What is too old goes with the first write of an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from mba_integrations.services.store.rows.gateway.usage import NAMES, UsageAt, UsageFigures, UsageOf
from mba_integrations.services.store.rows.rollups import Part, Span, floor, oldest_kept
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.tables.gateway import gateway_usage

Key = tuple[Span, datetime, UsageOf]
_usage = gateway_usage.c
SESSION_SPANS = (Span.HOUR, Span.DAY)


def in_spans(calls: Iterable[UsageAt], now: datetime) -> Mapping[Key, UsageFigures]:
    """Calls by what they are in, without minutes and hours that are not kept any more."""
    found: dict[Key, UsageFigures] = {}
    for at, of, figures in calls:
        for span in SESSION_SPANS if of.session_id else Span:
            start = floor(at, span)
            oldest = oldest_kept(span, now)
            if oldest is None or start >= oldest:
                key = (span, start, of)
                found[key] = found.get(key, UsageFigures()) + figures
    return found


def add(writing: Writing, calls: Iterable[UsageAt]) -> None:
    """Add calls."""
    found = in_spans(calls, writing.at)
    rows = [
        {
            **{"span": span, "start": start},
            **of._asdict(),
            **{name: getattr(figures, name) for name in NAMES},
        }
        # In one order, so that two writers never wait for each other.
        for (span, start, of), figures in sorted(found.items(), key=lambda one: one[0])
    ]
    hour = floor(writing.at, Span.HOUR)
    is_new = not writing.execute(
        writing.select(gateway_usage, _usage.start)
        .where(_usage.span == Span.HOUR, _usage.start == hour)
        .limit(1)
    ).all()
    writing.add_up(gateway_usage, rows, sums=NAMES)
    if is_new:
        _prune(writing)


def of_part(reading: Reading, part: Part, *, sessions: bool) -> dict[UsageOf, UsageFigures]:
    """What was used in a part of a window, by level and model, or by session."""
    columns = (_usage.level, _usage.model, _usage.session_id)
    statement = reading.select(gateway_usage).where(_usage.span == part.span)
    statement = statement.where(_usage.session_id != "" if sessions else _usage.session_id == "")
    if part.since is not None:
        statement = statement.where(_usage.start >= part.since)
    if part.until is not None:
        statement = statement.where(_usage.start < part.until)
    found: dict[UsageOf, UsageFigures] = {}
    for row in reading.execute(statement):
        of = UsageOf(*(row._mapping[column] for column in columns))
        figures = UsageFigures(**{name: row._mapping[name] for name in NAMES})
        found[of] = found.get(of, UsageFigures()) + figures
    return found


def _prune(writing: Writing) -> None:
    for span in Span:
        oldest = oldest_kept(span, writing.at)
        if oldest is not None:
            old = writing.delete(gateway_usage).where(_usage.span == span, _usage.start < oldest)
            writing.execute(old)
    oldest = oldest_kept(Span.HOUR, writing.at)
    if oldest is not None:
        days = writing.delete(gateway_usage).where(_usage.session_id != "", _usage.start < oldest)
        writing.execute(days)
