"""Memory items from JSON: one object a line, or an array, with the field names of `MemoryItem`.

Every object is looked at before anything is refused, so one run shows how many are bad. Blank lines
are skipped. Anything that is not a field of an item belongs under `metadata`.
"""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.ingest.json_records import Record, json_records
from mba_integrations.ingest.reading import (
    Ingested,
    Track,
    name_of,
    parsed_time,
    read_bytes,
    silently,
)

FIELDS = tuple(field.name for field in dataclasses.fields(MemoryItem) if field.name != "_")
_REQUIRED = ("id", "content", "tier")
_TIMES = ("created_at", "last_accessed_at")
_LISTED_PROBLEMS = 5
_LONGEST_NAME = 100


def read_json_lines(path: str | Path, *, track: Track = silently) -> Ingested:
    """The items of a file of JSON lines or of one JSON array, in order.

    Args:
        path: A file, or `-` for standard input.
        track: Goes through the objects and may show how far it is.

    Raises:
        InputError: If the file cannot be read, or any line is bad: with the number of bad lines
            and the first few, each as `file:line: rule`.
    """
    name = name_of(path)
    records = list(json_records(read_bytes(path)))
    items: dict[str, tuple[MemoryItem, int]] = {}
    problems: list[str] = []
    for record in track(records, f"Reading {name}"):
        try:
            item = _item(record)
            if item.id in items:
                raise InputError(f"id {item.id!r} is on line {items[item.id][1]} already.")
        except InputError as error:
            problems.append(f"{name}:{record.line}: {error}")
            continue
        items[item.id] = item, record.line
    if problems:
        raise InputError(_listed(problems, name))
    return Ingested(items=tuple(item for item, _ in items.values()))


def item_from_mapping(values: Any) -> MemoryItem:
    """An item from parsed JSON.

    Raises:
        InputError: If it is not an object, lacks a field, has an unknown one or a bad value.

    >>> item_from_mapping({"id": "a", "content": "Kate likes skiing.", "tier": "project"}).id
    'a'
    """
    if not isinstance(values, dict):
        raise InputError(f"must be an object with {', '.join(_REQUIRED)}, got {_kind(values)}.")
    for key in values:
        if key not in FIELDS:
            raise InputError(f"unknown field {shown(key)}{_nearest(key)}. Put it under 'metadata'.")
    for key in _REQUIRED:
        if key not in values:
            raise InputError(f"field {key!r} is missing.")
    if not isinstance(values.get("metadata", {}), dict):
        raise InputError(f"metadata must be an object, got {_kind(values['metadata'])}.")
    if not isinstance(values.get("pinned", False), bool):
        raise InputError(f"pinned must be true or false, got {_kind(values['pinned'])}.")
    return MemoryItem(**{**values, **_times(values)})


def _item(record: Record) -> MemoryItem:
    if record.problem is not None:
        raise InputError(record.problem)
    return item_from_mapping(record.value)


def _times(values: dict[str, Any]) -> dict[str, Any]:
    times = {}
    for key in _TIMES:
        if values.get(key) is not None:
            try:
                times[key] = parsed_time(values[key])
            except ValueError as error:
                got = shown(values[key])
                raise InputError(f"{key} is not a time: {error}, got {got}.") from None
    return times


def _nearest(key: object) -> str:
    # Comparing takes the square of the length, and nobody mistook a long text for a field.
    if not isinstance(key, str) or len(key) > _LONGEST_NAME:
        return ""
    close = difflib.get_close_matches(key, FIELDS, n=1)
    return f"; the nearest known one is {close[0]!r}" if close else ""


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false"}
    if value is None or isinstance(value, (int, float)):
        return "null" if value is None else names.get(type(value), "a number")
    return names.get(type(value), f"a {type(value).__name__}")


def _listed(problems: list[str], name: str) -> str:
    if len(problems) == 1:
        return problems[0]
    more = len(problems) - _LISTED_PROBLEMS
    shown = [*problems[:_LISTED_PROBLEMS], *([f"and {more:,} more"] if more > 0 else [])]
    return f"{len(problems):,} bad lines in {name}:\n  " + "\n  ".join(shown)
