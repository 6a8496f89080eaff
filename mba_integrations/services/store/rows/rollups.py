"""Rollups: what the allocations of a minute, an hour or a day add up to, and which make a window.

A window of hours up to now begins in the middle of a minute, an hour, a day. Its minutes are taken
up to the next full hour, its hours up to the next full day, then whole days: some 60 + 23 rows and
one for each day, for each complexity, however many allocations there were.

    17:43        18:00        00:00                  now
      | minutes    | hours      | days
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple


class Span(StrEnum):
    """How long a rollup is. All begin at full ones of UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """Its length."""
        return _LENGTHS[self]


_LENGTHS = {
    Span.MINUTE: timedelta(minutes=1),
    Span.HOUR: timedelta(hours=1),
    Span.DAY: timedelta(days=1),
}
KEPT: dict[Span, timedelta | None] = {
    Span.MINUTE: timedelta(days=2),
    Span.HOUR: timedelta(days=60),
    Span.DAY: None,
}
"""How long rollups are kept: today beside yesterday by the minute, a month beside the one before by
the hour. Days stay: with some 0.6 KB for each complexity a year is below 1 MB."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rollup(NamedTuple):
    """What a workspace's allocations of one complexity in one span of time add up to.

    Times are whole microseconds since 1970, as the database has them: there may be many.
    """

    start: int
    complexity: str
    first_at: int
    last_at: int
    figures: bytes
    """As `figures.packed` writes them."""


class Part(NamedTuple):
    """A part of a window: all rollups of a span that begin in a time."""

    span: Span
    since: datetime | None
    """None for all that are kept."""
    until: datetime | None
    """None for no end."""


def moment(microseconds: int) -> datetime:
    """The datetime in UTC, exact."""
    return _EPOCH + timedelta(microseconds=microseconds)


def floor(time: datetime, span: Span) -> datetime:
    """The beginning of the minute, hour or day of UTC that a time is in.

    >>> floor(datetime(2026, 3, 2, 17, 43, 5, tzinfo=UTC), Span.HOUR).isoformat()
    '2026-03-02T17:00:00+00:00'
    """
    return _EPOCH + (time - _EPOCH) // span.length * span.length


def oldest_kept(span: Span, now: datetime) -> datetime | None:
    """Where rollups of a span begin to be kept; None for the beginning of all."""
    kept = KEPT[span]
    # From a full hour on, so that the minutes of an hour go together.
    return None if kept is None else floor(now - kept, Span.HOUR)


def finest(since: datetime | None, now: datetime) -> Span:
    """By which rollups a window can begin: the shortest that are still kept of that time."""
    for span in (Span.MINUTE, Span.HOUR):
        oldest = oldest_kept(span, now)
        if since is not None and oldest is not None and since >= oldest:
            return span
    return Span.DAY


def parts_of(since: datetime | None, now: datetime) -> tuple[Part, ...]:
    """Which rollups make up the window from a time on; each allocation is in one of them.

    >>> begin = datetime(2026, 3, 1, 22, 59, 30, tzinfo=UTC)
    >>> for part in parts_of(begin, begin + timedelta(hours=24)):
    ...     print(f"{part.span} {part.since:%d %H:%M} {part.until and f'{part.until:%d %H:%M}'}")
    minute 01 22:59 01 23:00
    hour 01 23:00 02 00:00
    day 02 00:00 None
    """
    if since is None:
        return (Part(Span.DAY, None, None),)
    spans = list(Span)[list(Span).index(finest(since, now)) :]
    begin = floor(since, spans[0])
    parts = []
    for span, longer in pairwise(spans):
        end = floor(begin - timedelta.resolution, longer) + longer.length
        if begin < end:
            parts.append(Part(span, begin, end))
        begin = end
    return (*parts, Part(spans[-1], begin, None))
