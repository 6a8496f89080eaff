"""The texts of a value that paths name, by the rules of LangGraph's stores.

    value  {"title": "Trip", "days": [{"note": "Porto"}, {"note": "Faro"}], "n": 2}
    title                Trip
    days[*].note         Porto, Faro
    days[-1].note        Faro
    {title, n}           Trip, 2
    $                    the whole value as JSON

A path that names nothing gives no text. `*` stands for all values of an object and all entries of
a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STEP = re.compile(r"\[[^\]]*\]?|\{[^}]*\}?|[^.\[{]+")


def texts_at(value: Mapping[str, Any], path: str) -> list[str]:
    """The texts that a path names.

    >>> texts_at({"days": [{"note": "Porto"}, {"note": "Faro"}]}, "days[*].note")
    ['Porto', 'Faro']
    """
    if path in ("", "$"):
        return [_as_json(value)]
    return [text for found in _found(value, _STEP.findall(path)) for text in _text_of(found)]


def _found(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    """What the steps lead to."""
    if not steps:
        yield value
        return
    for inner in _inner(value, steps[0]):
        if steps[0].startswith("{"):
            yield inner  # what stands in braces ends a path
        else:
            yield from _found(inner, steps[1:])


def _inner(value: Any, step: str) -> Iterator[Any]:
    """What one step leads to."""
    if step.startswith("["):
        yield from _entries(value, step[1:-1]) if isinstance(value, list) else ()
    elif step == "*":
        yield from value.values() if isinstance(value, dict) else _entries(value, "*")
    elif isinstance(value, Mapping):
        if step.startswith("{"):
            for path in step[1:-1].split(","):
                yield from _fields(value, path.strip())
        elif step in value:
            yield value[step]


def _entries(value: Any, place: str) -> Iterator[Any]:
    """All entries of a list, or that at a place; a place before the first counts from the end."""
    if not isinstance(value, list):
        return
    if place == "*":
        yield from value
    elif re.fullmatch(r"-?\d+", place) and -len(value) <= int(place) < len(value):
        yield value[int(place)]


def _fields(value: Any, path: str) -> Iterator[Any]:
    """What stands under names one within the other."""
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return
        value = value[name]
    yield value


def _text_of(value: Any) -> Iterator[str]:
    if isinstance(value, list | dict):
        yield _as_json(value)
    elif value is not None:
        yield str(value)


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
