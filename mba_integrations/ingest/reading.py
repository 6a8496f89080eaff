"""What every reader shares: its result, how it opens files, how it reads times."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.ingest.opening import UnsuitableFileError, read_named

STANDARD_INPUT = "-"
_MILLISECONDS_FROM = 1e11
"""Unix times from here on are milliseconds: as seconds they would lie after the year 5138."""

Track = Callable[[Sequence[Any], str], Iterable[Any]]
"""Goes through a sequence and may show how far it is; the text names the work."""


def silently(things: Sequence[Any], work: str) -> Iterable[Any]:
    """Go through *things* and show nothing."""
    return things


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What a reader found.

    Attributes:
        items: Memory items, in the order of the source.
        notes: What was left out or changed, one line each.
    """

    items: tuple[MemoryItem, ...]
    notes: tuple[str, ...] = ()


def name_of(path: str | Path) -> str:
    """How messages call a file; `-` is standard input.

    Raises:
        InputError: If it is no path.
    """
    return "standard input" if _is_standard_input(path) else os.fspath(path)


def read_bytes(path: str | Path) -> bytes:
    """Content of a file or pipe, or of standard input for `-`.

    Raises:
        InputError: If it cannot be read, or is a pipe that stays silent, a device or a socket.
    """
    if _is_standard_input(path):
        return sys.stdin.buffer.read()
    try:
        return read_named(checked_path("path", path))
    except UnsuitableFileError as error:
        raise InputError(f"{path}: cannot be read: it is {error}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error


def _is_standard_input(path: str | Path) -> bool:
    return str(checked_path("path", path)) == STANDARD_INPUT


def decoded(data: bytes, place: str) -> str:
    """UTF-8 text; a byte order mark is dropped.

    Raises:
        InputError: Naming *place* and the first byte that is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start:,}."
        ) from None


def parsed_time(value: object) -> datetime:
    """A time from ISO 8601 text, or from a unix time in seconds or milliseconds.

    Raises:
        ValueError: If it is neither.

    >>> parsed_time("2026-03-01T12:00:00Z") == parsed_time(1772366400)
    True
    """
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be ISO 8601 text or a unix time")
    try:
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("lies outside the calendar") from error
