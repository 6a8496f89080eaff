"""The present by the system's clock, for callers that give no clock of their own."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time of this moment, in UTC."""
    return datetime.now(UTC)
