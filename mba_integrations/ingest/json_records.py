"""JSON values of a file, each with its line: an array of them, or one a line.

    [                                    {"id": "a", ...}
      {"id": "a", ...},                  {"id": "b", ...}
      {"id": "b", ...}
    ]

Which of the two it is, the first character says. An array is read element by element, so that a bad
one is named with the line that it begins on. Linear in the size of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.ingest.reading import decoded

_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One value of a file, or what is wrong with it.

    Attributes:
        line: Where it begins, from 1.
        value: The parsed value; meaningless where there is a problem.
        problem: Why it cannot be parsed; None if it can.
    """

    line: int
    value: Any = None
    problem: str | None = None


def json_records(data: bytes) -> Iterator[Record]:
    """Values of the array, or of the lines; blank lines are none.

    An array that cannot be parsed to its end gives its problem last.

    >>> [(found.line, found.value) for found in json_records(b'[1,\\n 2]')]
    [(1, 1), (2, 2)]
    >>> [(found.line, found.value) for found in json_records(b'{}\\n\\n2')]
    [(1, {}), (3, 2)]
    """
    if is_array(data):
        yield from _elements(data)
    else:
        for number, line in enumerate(data.split(b"\n"), start=1):
            if line.strip():
                yield _parsed(line, number)


def is_array(data: bytes) -> bool:
    """Whether the first character begins an array.

    >>> is_array(b'\\xef\\xbb\\xbf \\n[1]'), is_array(b'{"a": [1]}')
    (True, False)
    """
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def problem_of(error: Exception) -> str:
    """How a failure of the parser is told."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}."
    return f"not JSON that can be read: {error}."


def _parsed(line: bytes, number: int) -> Record:
    try:
        return Record(line=number, value=json.loads(decoded(line, "line")))
    except InputError as error:
        return Record(line=number, problem=str(error).removeprefix("line: "))
    except (ValueError, RecursionError) as error:
        return Record(line=number, problem=problem_of(error))


def _elements(data: bytes) -> Iterator[Record]:
    try:
        text = decoded(data, "line")
    except InputError as error:
        line = 1 + data.count(b"\n", 0, _first_bad_byte(data))
        yield Record(line=line, problem=str(error).removeprefix("line: "))
        return
    decoder = json.JSONDecoder()
    at, line, counted = _after_blanks(text, text.index("[") + 1), 1, 0
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            wrong = getattr(error, "lineno", line)
            yield Record(line=wrong, problem=problem_of(error))
            return
        yield Record(line=line, value=value)
        at = _after_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            break
    yield from _rest(text, at)


def _rest(text: str, at: int) -> Iterator[Record]:
    """What is wrong behind the last element; nothing if the array ends there and the file too."""
    line = 1 + text.count("\n", 0, at)
    if text[at : at + 1] != "]":
        yield Record(line=line, problem="not JSON: the array has no end, or a comma is missing.")
    elif text[at + 1 :].strip(_BLANKS):
        yield Record(line=line, problem="not JSON: something follows the end of the array.")


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _first_bad_byte(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0
