"""What an importer found, and what every importer shares: how it reads fields, times and names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.times import has_zone
from mba_integrations.ingest.json_records import json_records
from mba_integrations.ingest.reading import name_of, parsed_time, read_bytes
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.store.scopes import LONGEST_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Memories that are ready to be remembered.

    Attributes:
        memories: In the order of the source.
        notes: What was left out or changed, one line each.
    """

    memories: tuple[NewMemory, ...]
    notes: tuple[str, ...] = ()


def json_values(path: str | Path) -> list[tuple[str, Any]]:
    """Every JSON value of a file of lines, or of an array, with its place.

    Raises:
        InputError: If the file cannot be read, or a value is not JSON; with the line.
    """
    name = name_of(path)
    values = []
    for record in json_records(read_bytes(path)):
        if record.problem is not None:
            raise InputError(f"{name}:{record.line}: {record.problem}")
        values.append((f"{name}:{record.line}", record.value))
    return values


def checked_object(place: str, value: object) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        InputError: Naming the place.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{place}: must be an object, got {shown(value)}.")
    return value


def text_of(values: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that holds a text which is not blank."""
    texts = (values.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def time_of(place: str, values: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of these fields that is given, as a time; without a zone it counts as UTC.

    Raises:
        InputError: If it holds no time.
    """
    name = next((name for name in names if values.get(name) is not None), None)
    if name is None:
        return None
    try:
        time = parsed_time(values[name])
    except ValueError as error:
        got = shown(values[name])
        raise InputError(f"{place}: {name} is not a time: {error}, got {got}.") from None
    return time if has_zone(time) else time.replace(tzinfo=UTC)


def end_of_day(place: str, values: Mapping[str, Any], name: str) -> datetime | None:
    """A time, or the end of a day that is given without one."""
    time = time_of(place, values, name)
    written = values.get(name)
    is_day = isinstance(written, str) and len(written.strip()) == len("2026-01-01")
    return time + timedelta(days=1) if time is not None and is_day else time


def fitting_name(name: str) -> str:
    """The name, or where it is too long for a key its beginning with a digest of the whole.

    >>> fitting_name("kate")
    'kate'
    """
    if len(name) <= LONGEST_ID:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"{name[: LONGEST_ID - 25]}-{digest}"
