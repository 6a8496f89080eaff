"""Zones of times, and the present that ages are counted from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.times import ZoneColumn, check_zones, has_zone, present_of

AWARE, NAIVE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1)


class Nowhere(tzinfo):
    """A zone that knows no offset, which to `datetime` is none."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return None


def item(name: str, **times: Any) -> MemoryItem:
    return MemoryItem(name, "text", "rag", **times)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        pytest.param(AWARE, True, id="utc"),
        pytest.param(NAIVE, False, id="naive"),
        pytest.param(datetime(2026, 5, 1, tzinfo=Nowhere()), False, id="zone-without-offset"),
    ],
)
def test_a_time_has_a_zone_if_it_has_an_offset(time: datetime, expected: bool) -> None:
    assert has_zone(time) is expected


@pytest.mark.parametrize(
    ("times", "naive"),
    [
        pytest.param([], None, id="no-items"),
        pytest.param([None, None], None, id="no-times"),
        pytest.param([None, NAIVE], True, id="without"),
        pytest.param([AWARE, None], False, id="with"),
    ],
)
def test_a_column_says_whether_its_times_lack_a_zone(
    times: list[datetime | None], naive: bool | None
) -> None:
    items = [item(f"m{row}", created_at=time) for row, time in enumerate(times)]
    assert ZoneColumn.build(items).naive is naive


times = st.sampled_from([None, AWARE, NAIVE])


@given(st.lists(st.tuples(times, times), max_size=5))
def test_a_column_refuses_what_a_list_refuses_and_names_one_of_each(
    rows: list[tuple[datetime | None, datetime | None]],
) -> None:
    items = [
        item(f"m{row}", created_at=made, last_accessed_at=used)
        for row, (made, used) in enumerate(rows)
    ]
    kinds = {time.tzinfo is None for row in rows for time in row if time is not None}
    for check in (ZoneColumn.build, lambda listed: check_zones(listed, None)):
        if len(kinds) < 2:
            check(items)
            continue
        with pytest.raises(InputError, match=r"of item 'm\d' has a time zone, .* has none"):
            check(items)


def test_a_column_of_carried_kinds_is_checked_against_its_own_items() -> None:
    items = [item("a", created_at=AWARE), item("b", last_accessed_at=NAIVE)]
    expected = "created_at of item 'a' has a time zone, last_accessed_at of item 'b' has none"
    with pytest.raises(InputError, match=expected):
        ZoneColumn(np.array([2, 1], dtype=np.int8)).checked(items)


def test_the_present_is_the_clock_in_the_form_of_the_items() -> None:
    assert present_of(None, lambda: AWARE, [], naive=None) == AWARE
    local = AWARE.astimezone().replace(tzinfo=None)
    assert present_of(None, lambda: AWARE, [], naive=True) == local


@pytest.mark.parametrize(("now", "made"), [(AWARE, NAIVE), (NAIVE, AWARE)], ids=["with", "without"])
def test_a_present_of_the_other_form_is_refused_beside_the_item(
    now: datetime, made: datetime
) -> None:
    with pytest.raises(InputError, match=r"(now|'a') has a time zone, .* has none. Give all"):
        present_of(now, lambda: AWARE, [item("a", created_at=made)], naive=not has_zone(made))
