"""Which time a question asks for, read from its wording.

Understands English dates, months, years, spans counted from now, and words for the first and the
latest. Total: a text with none of them asks for no time. Linear in the length of the query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mba_integrations.core.times import SECONDS_PER_DAY

_MAX_QUERY_CHARS = 20_000
_MONTHS = "january february march april may june july august september october november december"
_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS.split(), start=1)}
_MONTH = r"(?P<month>(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6})\b\.?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_ISO = re.compile(rf"\b{_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)\b")
_DAY_MONTH = re.compile(rf"\b{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?", re.I)
_MONTH_DAY = re.compile(rf"\b{_MONTH} {_DAY}\b(?:,? {_YEAR})?", re.I)
# A month alone needs its capital letter: "may" and "march" are verbs.
_MONTH_ONLY = re.compile(
    r"\b(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\b\.?"
    rf"(?:,? (?:of )?{_YEAR})?"
)
_YEAR_ONLY = re.compile(rf"\b(?:in|since|during|of|year) {_YEAR}\b", re.I)
_AGO = re.compile(
    r"\b(\d{1,3}|an?|one|two|three|four|five|six) (day|week|month|year)s? ago\b", re.I
)
_LAST = re.compile(r"\b(last|past|this|previous) (week|month|year|weekend)\b", re.I)
_DAY_WORD = re.compile(r"\b(today|tonight|yesterday|last night)\b", re.I)
_LATEST = re.compile(
    r"\b(?:currently|current|now|latest|recent|recently|lately|newest|most recent|these days"
    r"|so far|at the moment|up to date|still)\b",
    re.I,
)
_FIRST = re.compile(
    r"\b(?:first|initial|initially|original|originally|earliest|beginning|started?)\b", re.I
)
_UNIT_DAYS = {"day": 1, "week": 7, "weekend": 7, "month": 30, "year": 365}
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTime:
    """What a question says about time.

    Attributes:
        periods: Spans `(from, to)` in unix seconds; empty if none is named.
        latest: Whether it asks for the newest state.
        first: Whether it asks for the beginning.
    """

    periods: tuple[tuple[float, float], ...]
    latest: bool
    first: bool


def asked_time(query: str, *, now_seconds: float | None, years: tuple[int, ...]) -> AskedTime:
    """Read the time from *query*.

    Args:
        query: The question.
        now_seconds: Unix time of the question; None makes "last week" mean nothing.
        years: Years that a date without a year may mean.

    >>> asked_time("Where was she on 31 Dec 2023?", now_seconds=None, years=()).periods
    ((1703980800.0, 1704067200.0),)
    """
    text = query[:_MAX_QUERY_CHARS]
    periods = [*_dated(text, years), *_counted_from_now(text, now_seconds)]
    return AskedTime(
        periods=tuple(dict.fromkeys(periods)),
        latest=_LATEST.search(text) is not None,
        first=_FIRST.search(text) is not None,
    )


def _dated(text: str, years: tuple[int, ...]) -> Iterator[tuple[float, float]]:
    taken: list[tuple[int, int]] = []
    for pattern in (_ISO, _DAY_MONTH, _MONTH_DAY, _MONTH_ONLY, _YEAR_ONLY):
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            yield from _spans(match.groupdict(), years)


def _spans(parts: dict[str, str], years: tuple[int, ...]) -> Iterator[tuple[float, float]]:
    month_text = parts.get("month")
    month = _month_number(month_text) if month_text else None
    day = int(parts["day"]) if parts.get("day") else None
    for year in (int(parts["year"]),) if parts.get("year") else years:
        try:
            first = date(year, month or 1, day or 1)
        except ValueError:
            continue
        yield _seconds(first), _seconds(_day_after(first, month=month, day=day))


def _month_number(text: str) -> int:
    return int(text) if text.isdigit() else _MONTH_NUMBERS[text[:3].lower()]


def _day_after(first: date, *, month: int | None, day: int | None) -> date:
    if day is not None:
        return first + timedelta(days=1)
    if month is not None:
        return (first + timedelta(days=31)).replace(day=1)
    return first.replace(year=first.year + 1)


def _counted_from_now(text: str, now_seconds: float | None) -> Iterator[tuple[float, float]]:
    if now_seconds is None:
        return
    day = SECONDS_PER_DAY
    for count, unit in _AGO.findall(text):
        days = _UNIT_DAYS[unit.lower()]
        number = _COUNTS.get(count.lower()) or int(count)
        middle = now_seconds - number * days * day
        yield middle - days * day / 2, middle + days * day / 2
    for word, unit in _LAST.findall(text):
        span = _UNIT_DAYS[unit.lower()] * day * (1 if word.lower() in ("this", "past") else 2)
        yield now_seconds - span, now_seconds
    for word in _DAY_WORD.findall(text):
        yield now_seconds - (1 if word.lower() in ("today", "tonight") else 2) * day, now_seconds


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
