"""Questions from files: every line that is right comes in as it is, every wrong one is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.errors import InputError
from mba_integrations.learning.questions.question import (
    NAMES,
    Question,
    question_of,
    questions_in,
    read_questions,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
filled = st.text(min_size=1, max_size=12).filter(str.strip)
lists = st.lists(filled, min_size=1, max_size=4, unique=True).map(tuple)
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
questions = st.builds(
    Question,
    query=filled,
    needed=lists,
    needed_text=st.one_of(st.just(()), lists),
    session_id=st.one_of(st.none(), filled),
    at=st.one_of(st.none(), st.datetimes(timezones=zones)),
    budget_tokens=st.one_of(st.none(), st.integers(1, 10_000)),
)
right = '{"query": "Kate?", "needed": ["m1"]}'


def line_of(question: Question) -> str:
    values = {name: getattr(question, name) for name in NAMES}
    at = None if question.at is None else question.at.isoformat()
    return json.dumps({**values, "at": at})


@given(asked=st.lists(questions, min_size=1, max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read(asked: list[Question], end: str) -> None:
    lines = (end + " " + end).join(map(line_of, asked))
    assert questions_in(lines.encode(), "q.jsonl") == tuple(asked)
    assert questions_in(b"\xef\xbb\xbf" + lines.encode() + b"\n", "q.jsonl") == tuple(asked)


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"query": "b", "needed_text": "x"}\n{"query": "a", "needed": ["m"]}\n')
    assert [one.query for one in read_questions(path)] == ["b", "a"]


def test_a_text_stands_for_a_list_of_one_and_each_text_counts_once() -> None:
    found = question_of({"query": "Kate?", "needed": "m1", "needed_text": ["a", "b", "a"]})
    assert (found.needed, found.needed_text) == (("m1",), ("a", "b"))


def test_nulls_are_as_good_as_nothing() -> None:
    found = question_of({"query": "Kate?", "needed": ["m1"], "needed_text": None, "at": None})
    assert found == Question(query="Kate?", needed=("m1",))


def test_a_time_keeps_its_zone() -> None:
    found = question_of({"query": "Kate?", "needed": "m1", "at": "2026-03-01T12:00:00Z"})
    assert found.at == NOON


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("{", "not JSON: Expecting", id="no-json"),
        pytest.param("[]", "must be an object with query and needed, got []", id="no-object"),
        pytest.param("[" * 100_000, "not JSON that can be read", id="too-deep"),
        pytest.param(b"\xff", "not JSON that can be read", id="no-utf8"),
        pytest.param({"needed": ["m"]}, "query is missing", id="no-query"),
        pytest.param({"query": None, "needed": ["m"]}, "query must be a text", id="null-query"),
        pytest.param({"query": " ", "needed": ["m"]}, "query must not be empty", id="blank"),
        pytest.param({"query": 3, "needed": ["m"]}, "query must be a text, got int", id="number"),
        pytest.param({"query": "a"}, "nothing is needed", id="no-need"),
        pytest.param({"query": "a", "needed": []}, "nothing is needed", id="empty-need"),
        pytest.param({"query": "a", "needed": [""]}, "each of needed must not", id="blank-id"),
        pytest.param({"query": "a", "needed": [1]}, "each of needed must be", id="number-id"),
        pytest.param({"query": "a", "needed": {"m": 1}}, "needed must be a text or", id="map"),
        pytest.param(
            {"query": "a", "neded": ["m"]}, "unknown name 'neded'. Did you mean 'needed'", id="typo"
        ),
        pytest.param({"query": "a", "needed": "m", "at": "noon"}, "at is no time", id="no-time"),
        pytest.param({"query": "a", "needed": "m", "at": 3}, "at is no time", id="number-time"),
        pytest.param(
            {"query": "a", "needed": "m", "at": "2026-03-01"}, "at must have a time zone", id="zone"
        ),
        pytest.param(
            {"query": "a", "needed": "m", "session_id": ""}, "session_id must not", id="session"
        ),
        pytest.param(
            {"query": "a", "needed": "m", "budget_tokens": 0}, "budget_tokens must be", id="budget"
        ),
        pytest.param(
            {"query": "a", "needed": "m", "budget_tokens": True}, "budget_tokens must", id="true"
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_number(line: Any, message: str) -> None:
    written = json.dumps(line) if isinstance(line, dict) else line
    data = written if isinstance(written, bytes) else written.encode()
    with pytest.raises(InputError) as caught:
        questions_in(right.encode() + b"\n\n" + data + b"\n" + right.encode(), "q.jsonl")
    assert str(caught.value).startswith("q.jsonl:3: ")
    assert message in str(caught.value)


@given(places=st.sets(st.integers(0, 11), min_size=2))
def test_all_wrong_lines_are_counted_and_the_first_named(places: set[int]) -> None:
    lines = ["{}" if number in places else right for number in range(12)]
    with pytest.raises(InputError) as caught:
        questions_in("\n".join(lines).encode(), "q.jsonl")
    first, *named = str(caught.value).splitlines()
    assert first == f"{len(places)} bad lines in q.jsonl:"
    expected = [f"  q.jsonl:{one + 1}: query is missing." for one in sorted(places)]
    more = [f"  and {len(places) - 5} more"] if len(places) > 5 else []
    assert named == expected[:5] + more


def test_a_file_without_a_question_is_refused() -> None:
    with pytest.raises(InputError, match=r"q\.jsonl has no question\. Write one a line"):
        questions_in(b"\n \n", "q.jsonl")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read: No such file"):
        read_questions(tmp_path / "none.jsonl")
