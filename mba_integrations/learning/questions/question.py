"""`Question`: what is asked, and which memories answer it; read from a file, one a line.

{"query": "Where does Kate live?", "needed": ["m-1"]}
{"query": "And who lives with her?", "needed_text": "Tom moved in", "session_id": "s1"}

Every line is looked at before anything is refused, so one run shows how many are bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_path, checked_text, checked_tokens, shown
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.records import check_zone

_LISTED_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question whose answer is known. A text alone stands for a list of one.

    Attributes:
        query: What is asked.
        needed: Ids of memories that the answer needs.
        needed_text: Pieces of text, by which memories are needed that have them; upper and lower
            case are told apart. A piece that several memories have names all of them.
        session_id: Questions of a session follow each other, in their order.
        at: When it is asked, with a zone: ages are counted from then. None for now.
        budget_tokens: The exact budget of its prompt; None for that of the settings.

    Raises:
        InputError: If a value is of another kind, a text is empty, or nothing is needed.
    """

    query: str
    needed: tuple[str, ...] = ()
    needed_text: tuple[str, ...] = ()
    session_id: str | None = None
    at: datetime | None = None
    budget_tokens: int | None = None

    def __post_init__(self) -> None:
        _check_filled("query", self.query)
        for name in ("needed", "needed_text"):
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        if not (self.needed or self.needed_text):
            raise InputError(
                "nothing is needed. Name the ids of memories under needed, or pieces of their "
                "texts under needed_text."
            )
        if self.session_id is not None:
            _check_filled("session_id", self.session_id)
        if self.at is not None:
            check_zone("at", self.at)
        if self.budget_tokens is not None:
            checked_tokens("budget_tokens", self.budget_tokens)


NAMES = tuple(one.name for one in fields(Question))


def read_questions(path: str | Path) -> tuple[Question, ...]:
    """The questions of a file of JSON lines, in its order; blank lines are none.

    Raises:
        InputError: If the file cannot be read or has no question, or if lines are bad: with their
            number and the first few, each as `file:line: rule`.
    """
    file = checked_path("path", path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}.") from error
    return questions_in(data, str(file))


def questions_in(data: bytes, name: str) -> tuple[Question, ...]:
    """The questions of what a file has.

    Args:
        data: JSON lines in UTF-8.
        name: How messages call the file.

    Raises:
        InputError: As `read_questions`.
    """
    found: list[Question] = []
    problems: list[str] = []
    for number, line in _lines(data):
        try:
            found.append(_question(line))
        except InputError as error:
            problems.append(f"{name}:{number}: {error}")
    if problems:
        raise InputError(_listed(problems, name))
    if not found:
        raise InputError(
            f'{name} has no question. Write one a line: {{"query": "...", "needed": ["ID"]}}.'
        )
    return tuple(found)


def question_of(values: object) -> Question:
    """A question of parsed JSON, its time as ISO 8601 text.

    Raises:
        InputError: If it is no object, has an unknown name, lacks the query or has a bad value.

    >>> question_of({"query": "Where does Kate live?", "needed": "m-1"}).needed
    ('m-1',)
    """
    if not isinstance(values, dict):
        raise InputError(f"must be an object with query and needed, got {shown(values)}.")
    for name in values:
        if name not in NAMES:
            raise InputError(f"unknown name {shown(name)}. {nearest_hint(name, NAMES)}")
    if "query" not in values:
        raise InputError("query is missing.")
    given = {name: value for name, value in values.items() if value is not None}
    return Question(**{"query": None, **given, "at": _time(given.get("at"))})


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _question(line: bytes) -> Question:
    try:
        values = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg} at column {error.colno}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON that can be read: {error}.") from None
    return question_of(values)


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InputError(
            f"at is no time: {shown(value)}. Give one with its zone, as 2026-03-01T12:00:00Z."
        ) from None


def _texts(name: str, value: object) -> tuple[str, ...]:
    """Each text once, in their order."""
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise InputError(f"{name} must be a text or a list of texts, got {shown(value)}.")
    for one in given:
        _check_filled(f"each of {name}", one)
    return tuple(dict.fromkeys(given))


def _check_filled(name: str, value: object) -> None:
    if not checked_text(name, value).strip():
        raise InputError(f"{name} must not be empty, got {shown(value)}.")


def _listed(problems: list[str], name: str) -> str:
    if len(problems) == 1:
        return problems[0]
    more = len(problems) - _LISTED_PROBLEMS
    listed = [*problems[:_LISTED_PROBLEMS], *([f"and {more:,} more"] if more > 0 else [])]
    return f"{len(problems):,} bad lines in {name}:\n  " + "\n  ".join(listed)
