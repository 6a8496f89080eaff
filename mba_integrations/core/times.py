"""The times that are known of an item: since when it is in its tier, when it was last used.

Times without a zone and times with one have no difference, so a mixture is refused. No clock: the
present is an argument. O(n).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from mba_integrations.core.arguments import shown
from mba_integrations.core.arrays import IntArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem

TIER_SINCE = "tier_since"
"""Key of an item's metadata that says since when it is in its tier: a datetime or ISO 8601 text."""
SECONDS_PER_DAY = 86_400.0
_WITHOUT_ZONE, _WITH_ZONE = 1, 2


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
            f"got {shown(since)}."
        ) from None


def _times(item: MemoryItem) -> Iterator[tuple[str, datetime]]:
    yield from _own_times(item)
    since = _tier_since(item)
    if since is not None:
        yield f"metadata[{TIER_SINCE!r}]", since


def _own_times(item: MemoryItem) -> Iterator[tuple[str, datetime]]:
    if item.created_at is not None:
        yield "created_at", item.created_at
    if item.last_accessed_at is not None:
        yield "last_accessed_at", item.last_accessed_at


def latest_time(items: Sequence[MemoryItem]) -> datetime | None:
    """The latest time that is known of any item; None if there is none."""
    return max((time for item in items for _, time in _times(item)), default=None)


def check_zones(items: Sequence[MemoryItem], now: datetime | None) -> None:
    """Refuse a mixture of times with and without a zone.

    Raises:
        InputError: Naming one time of each kind.
    """
    present = [] if now is None else [("now", now)]
    of_items = (
        (f"{name} of item {item.id!r}", time) for item in items for name, time in _times(item)
    )
    _refuse_mixture(chain(present, of_items))


def _refuse_mixture(times: Iterable[tuple[str, datetime]]) -> None:
    first: tuple[str, bool] | None = None
    for label, time in times:
        aware = has_zone(time)
        first = first or (label, aware)
        if aware is not first[1]:
            with_zone, without = (label, first[0]) if aware else (first[0], label)
            raise InputError(
                f"{with_zone} has a time zone, {without} has none. "
                "Give all times a zone, such as datetime.now(timezone.utc), or none."
            )


def has_zone(time: datetime) -> bool:
    """Whether a time has a zone; a zone that knows no offset is none, as to `datetime` itself."""
    return time.tzinfo is not None and time.utcoffset() is not None


@dataclass(frozen=True, slots=True)
class ZoneColumn:
    """Which items have a time with a zone, and which one without.

    The rule of `check_zones` for lists that change: what is known of n items is kept, and only
    fresh ones are looked at. Times in metadata do not count, because a pool does not read them.

    Args:
        kinds: For each item, shape (n,), the sum of 1 for a time without a zone and 2 for one with
            a zone.
    """

    kinds: IntArray

    @classmethod
    def build(cls, items: Sequence[MemoryItem]) -> ZoneColumn:
        """The column of the items.

        Raises:
            InputError: If times with and without a zone are mixed; it names one of each kind.
        """
        kinds = _kinds([item.created_at for item in items])
        column = cls(kinds | _kinds([item.last_accessed_at for item in items]))
        return column.checked(items)

    def checked(self, items: Sequence[MemoryItem]) -> ZoneColumn:
        """This column, if the times of its items go together.

        Raises:
            InputError: As `build`.
        """
        if self._all == _WITHOUT_ZONE | _WITH_ZONE:
            firsts = [int(np.argmax(self.kinds & kind > 0)) for kind in (_WITHOUT_ZONE, _WITH_ZONE)]
            _refuse_mixture(
                (f"{name} of item {items[row].id!r}", time)
                for row in firsts
                for name, time in _own_times(items[row])
            )
        return self

    @property
    def naive(self) -> bool | None:
        """Whether the times lack a zone; None if no item has a time."""
        return None if not self._all else self._all == _WITHOUT_ZONE

    @property
    def _all(self) -> int:
        return int(np.bitwise_or.reduce(self.kinds, initial=0))


def _kinds(times: Sequence[datetime | None]) -> IntArray:
    kinds = [
        0 if time is None else _WITH_ZONE if has_zone(time) else _WITHOUT_ZONE for time in times
    ]
    return np.array(kinds, dtype=np.int8)


def present_of(
    now: datetime | None,
    clock: Callable[[], datetime],
    items: Sequence[MemoryItem],
    *,
    naive: bool | None,
) -> datetime:
    """The time that ages are counted from.

    Args:
        now: What the caller gave; None reads the clock.
        clock: Gives the present, with a zone.
        items: What has an age.
        naive: Whether their times lack a zone, and then the present is local; None if none has a
            time.

    Raises:
        InputError: If *now* is no time, or has a zone and the items' times have none, or the other
            way round.
    """
    if now is None:
        return clock().astimezone().replace(tzinfo=None) if naive else clock()
    if not isinstance(now, datetime):
        raise InputError(f"now must be a datetime or None, got {type(now).__name__}.")
    if naive is not None and naive == has_zone(now):
        check_zones(items, now)
    return now


def seconds_of(time: datetime) -> float:
    """Unix time in seconds; a time without a zone counts as UTC."""
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()
