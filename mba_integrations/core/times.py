"""The times that are known of an item: since when it is in its tier, when it was last used.

Times without a zone and times with one have no difference, so a mixture is refused. No clock: the
present is an argument. O(n).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem

TIER_SINCE = "tier_since"
"""Key of an item's metadata that says since when it is in its tier: a datetime or ISO 8601 text."""
SECONDS_PER_DAY = 86_400.0


def idle_days(item: MemoryItem, now: datetime | None) -> float | None:
    """Days since the last use, else since the item was made, >= 0; None if unknown."""
    return _days_since(_first_known(item.last_accessed_at, item.created_at), now)


def stay_days(item: MemoryItem, now: datetime | None) -> float | None:
    """Days since the item came into its tier, else since it was made, >= 0; None if unknown."""
    return _days_since(_first_known(_tier_since(item), item.created_at), now)


def _first_known(*times: datetime | None) -> datetime | None:
    return next((time for time in times if time is not None), None)


def _days_since(time: datetime | None, now: datetime | None) -> float | None:
    if time is None or now is None:
        return None
    return max((now - time).total_seconds() / SECONDS_PER_DAY, 0.0)


def _tier_since(item: MemoryItem) -> datetime | None:
    since = item.metadata.get(TIER_SINCE)
    if since is None or isinstance(since, datetime):
        return since
    try:
        return datetime.fromisoformat(since)
    except (TypeError, ValueError):
        raise InputError(
            f"item {item.id!r}: metadata[{TIER_SINCE!r}] must be a datetime or ISO 8601 text, "
            f"got {since!r}."
        ) from None


def _times(item: MemoryItem) -> Iterator[tuple[str, datetime]]:
    named = {
        "created_at": item.created_at,
        "last_accessed_at": item.last_accessed_at,
        f"metadata[{TIER_SINCE!r}]": _tier_since(item),
    }
    return ((name, time) for name, time in named.items() if time is not None)


def latest_time(items: Sequence[MemoryItem]) -> datetime | None:
    """The latest time that is known of any item; None if there is none."""
    return max((time for item in items for _, time in _times(item)), default=None)


def check_zones(items: Sequence[MemoryItem], now: datetime | None) -> None:
    """Refuse a mixture of times with and without a zone.

    Raises:
        InputError: Naming one time of each kind.
    """
    first: tuple[str, bool] | None = None
    if now is not None:
        first = ("now", now.utcoffset() is not None)
    for item in items:
        for name, time in _times(item):
            label, aware = f"{name} of item {item.id!r}", time.utcoffset() is not None
            first = first or (label, aware)
            if aware is not first[1]:
                with_zone, without = (label, first[0]) if aware else (first[0], label)
                raise InputError(
                    f"{with_zone} has a time zone, {without} has none. "
                    "Give all times a zone, or none."
                )


def seconds_of(time: datetime) -> float:
    """Unix time in seconds; a time without a zone counts as UTC."""
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()
