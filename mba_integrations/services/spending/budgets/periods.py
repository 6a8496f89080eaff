"""When the days, weeks and months of a budget begin and end.

A day begins where the clocks of its zone show midnight, and where they never do, with the first
moment of the new date. So a day has 23 or 25 hours when clocks change:

    Europe/Lisbon, 29 March 2026    2026-03-29T00:00Z to 2026-03-29T23:00Z
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mba_integrations.core.config.gateway_settings import SpendBudget, SpendPeriod
from mba_integrations.services.store.rows.gateway.spend import SpendPlace


def bounds(period: SpendPeriod, time_zone: str, now: datetime) -> tuple[datetime, datetime]:
    """When the period that a time is in began, and when it ends, in UTC.

    >>> begin, end = bounds(SpendPeriod.DAY, "Europe/Lisbon", datetime(2026, 3, 29, 12, tzinfo=UTC))
    >>> end - begin == timedelta(hours=23)
    True
    """
    zone = ZoneInfo(time_zone)
    first, following = _days(period, now.astimezone(zone).date())
    return _midnight(first, zone), _midnight(following, zone)


def place_of(budget: SpendBudget, subject: str, now: datetime) -> SpendPlace:
    """Where a budget counts what is spent now."""
    if budget.rolling_seconds is not None:
        window = timedelta(seconds=budget.rolling_seconds)
        return SpendPlace.rolling(budget.account, subject, window, now)
    start, ends_at = bounds(budget.period, budget.time_zone, now)
    return SpendPlace(account=budget.account, subject=subject, start=start, ends_at=ends_at)


def _days(period: SpendPeriod, today: date) -> tuple[date, date]:
    if period is SpendPeriod.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if period is SpendPeriod.MONTH:
        first = today.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return today, today + timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a date: the earlier midnight of two, the end of a gap where none is."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
