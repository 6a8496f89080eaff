"""Days, weeks and months of a budget, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.config.gateway_settings import SpendPeriod
from mba_integrations.services.spending.budgets.periods import bounds

ZONES = (
    *("UTC", "Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Africa/Cairo", "America/Havana", "Asia/Beirut", "America/Santiago", "Pacific/Apia"),
)


@pytest.mark.parametrize(
    ("period", "zone", "now", "begins_at", "ends_at"),
    [
        pytest.param("day", "UTC", "03-29T12:00", "03-29T00:00", "03-30T00:00", id="a-day"),
        pytest.param(
            *("day", "Europe/Lisbon", "03-29T12:00", "03-29T00:00", "03-29T23:00"),
            id="a-day-of-23-hours",
        ),
        pytest.param(
            *("day", "Europe/Lisbon", "10-25T12:00", "10-24T23:00", "10-26T00:00"),
            id="a-day-of-25-hours",
        ),
        pytest.param(
            *("day", "Africa/Cairo", "04-24T12:00", "04-23T22:00", "04-24T21:00"),
            id="a-day-without-a-midnight",
        ),
        pytest.param(
            *("day", "America/Havana", "11-01T12:00", "11-01T04:00", "11-02T05:00"),
            id="a-day-with-two-midnights",
        ),
        pytest.param(
            *("week", "Europe/Lisbon", "03-29T22:59", "03-23T00:00", "03-29T23:00"),
            id="a-week-ends-on-sunday",
        ),
        pytest.param(
            *("month", "America/New_York", "03-01T04:59", "02-01T05:00", "03-01T05:00"),
            id="a-month-ends-late-in-the-west",
        ),
        pytest.param(
            *("month", "UTC", "12-31T23:59", "12-01T00:00", "2027-01-01T00:00"), id="december"
        ),
    ],
)
def test_a_period_begins_and_ends_by_the_clocks_of_its_zone(
    period: str, zone: str, now: str, begins_at: str, ends_at: str
) -> None:
    found = bounds(SpendPeriod(period), zone, utc(now))
    assert found == (utc(begins_at), utc(ends_at))


def utc(written: str) -> datetime:
    whole = written if written.startswith("20") else f"2026-{written}"
    return datetime.fromisoformat(whole).replace(tzinfo=UTC)


moments = st.datetimes(
    datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)


@given(moments, st.sampled_from(ZONES), st.sampled_from(["day", "week", "month"]))
def test_each_moment_is_in_one_period_and_periods_follow_each_other(
    now: datetime, zone: str, name: str
) -> None:
    period = SpendPeriod(name)
    begins_at, ends_at = bounds(period, zone, now)
    assert begins_at <= now < ends_at
    assert bounds(period, zone, begins_at) == (begins_at, ends_at)
    assert bounds(period, zone, ends_at - timedelta(microseconds=1)) == (begins_at, ends_at)
    assert bounds(period, zone, ends_at)[0] == ends_at
    assert begins_at.astimezone(ZoneInfo(zone)).date() <= now.astimezone(ZoneInfo(zone)).date()
