"""A present that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Clock:
    """The `clock` of an allocator or a session store.

    Args:
        now: Where it stands, with a zone.

    >>> clock = Clock()
    >>> clock.pass_seconds(90)
    >>> clock().isoformat()
    '2026-06-01T12:01:30+00:00'
    """

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)
