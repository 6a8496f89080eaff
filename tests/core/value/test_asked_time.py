"""Which time a question asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.value.asked_time import asked_time

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC).timestamp()


def days(query: str, *, years: tuple[int, ...] = (2023,)) -> list[tuple[str, str]]:
    periods = asked_time(query, now_seconds=NOW, years=years).periods
    return [
        (
            datetime.fromtimestamp(start, UTC).date().isoformat(),
            datetime.fromtimestamp(end, UTC).date().isoformat(),
        )
        for start, end in periods
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("on 31 Dec 2023", [("2023-12-31", "2024-01-01")], id="day-month-year"),
        pytest.param("January 7th, 2024", [("2024-01-07", "2024-01-08")], id="month-day-year"),
        pytest.param("since 2024-02-03", [("2024-02-03", "2024-02-04")], id="iso"),
        pytest.param("on the 3rd of March", [("2023-03-03", "2023-03-04")], id="no-year"),
        pytest.param("in May", [("2023-05-01", "2023-06-01")], id="month"),
        pytest.param("in December 2022", [("2022-12-01", "2023-01-01")], id="month-year"),
        pytest.param("in 2021", [("2021-01-01", "2022-01-01")], id="year"),
        pytest.param("on 2024-02-30", [], id="no-such-day"),
        pytest.param("may I march on", [], id="verbs-are-no-months"),
        pytest.param("room 2021", [], id="number-is-no-year"),
        pytest.param("a week ago", [("2024-06-05", "2024-06-12")], id="a-week-ago"),
        pytest.param("last week", [("2024-06-01", "2024-06-15")], id="last-week"),
        pytest.param("yesterday", [("2024-06-13", "2024-06-15")], id="yesterday"),
        pytest.param("what is it", [], id="no-time"),
    ],
)
def test_periods(query: str, expected: list[tuple[str, str]]) -> None:
    assert days(query) == expected


def test_a_date_without_year_means_every_year_at_hand() -> None:
    assert days("on 3 March", years=(2022, 2023)) == [
        ("2022-03-03", "2022-03-04"),
        ("2023-03-03", "2023-03-04"),
    ]


def test_without_now_a_span_means_nothing() -> None:
    assert asked_time("last week", now_seconds=None, years=()).periods == ()


@pytest.mark.parametrize(
    ("query", "latest", "first"),
    [
        pytest.param("Where does she currently live?", True, False, id="currently"),
        pytest.param("What was the first plan?", False, True, id="first"),
        pytest.param("What is the plan?", False, False, id="neither"),
    ],
)
def test_newest_and_first(query: str, latest: bool, first: bool) -> None:
    asked = asked_time(query, now_seconds=None, years=())
    assert (asked.latest, asked.first) == (latest, first)


@given(st.text(alphabet="0123456789-/ MayJunweksago'", max_size=60), st.floats(-1e10, 1e10))
def test_any_text_is_read(query: str, now_seconds: float) -> None:
    for start, end in asked_time(query, now_seconds=now_seconds, years=(1, 2023, 9998)).periods:
        assert start < end
