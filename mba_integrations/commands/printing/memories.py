"""Memories as JSON, as lines and as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from rich.table import Table
from rich.text import Text

from mba_integrations.commands.printing.output import write_json
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState

SCHEMA_VERSION = 1
"""Of what the commands on memories print with --json; it grows when a field changes its meaning."""
_LEAST_TEXT_CHARS = 20
_OTHER_COLUMNS_WIDTH = 72
_NOT_SHOWN = ("content_hash", "added_seq")
_SAYS_NOTHING: tuple[object, ...] = (None, False, 0, [], {})


def write_result(values: Mapping[str, Any]) -> None:
    """Write what a command gives as JSON, with its `schema_version` first."""
    write_json({"schema_version": SCHEMA_VERSION, **plain(values)})


def plain(value: Any) -> Any:
    """A value as JSON can hold it: times as ISO 8601, dataclasses as objects.

    >>> plain({"at": (datetime(2026, 3, 1), MemoryState.ACTIVE)})
    {'at': ['2026-03-01T00:00:00', 'active']}
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, MemoryRow):
        return _memory(value)
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _memory(row: MemoryRow) -> dict[str, Any]:
    fields = {one.name: plain(getattr(row, one.name)) for one in dataclasses.fields(row)}
    memory_id = fields.pop("memory_id")
    return {"id": memory_id, **{key: kept for key, kept in fields.items() if key not in _NOT_SHOWN}}


def memory_table(title: str, rows: Sequence[MemoryRow], *, width: int) -> Table:
    """Memories, a line each: id, tier, when it was said, what is special, and the text."""
    table = titled_table(title)
    table.add_column("id", overflow="fold", min_width=12)
    for name in ("tier", "said", ""):
        table.add_column(name, no_wrap=True)
    table.add_column("text", no_wrap=True, min_width=_LEAST_TEXT_CHARS)
    room = max(_LEAST_TEXT_CHARS, width - _OTHER_COLUMNS_WIDTH)
    for row in rows:
        cells = (in_one_line(row.memory_id), row.tier.value, _day(row), ", ".join(marks(row)))
        table.add_row(*(Text(one) for one in (*cells, one_line(row.content, max_chars=room))))
    return table


def marks(row: MemoryRow) -> list[str]:
    """What is special about a memory, in words."""
    found = [] if row.state is MemoryState.ACTIVE else [row.state.value]
    found += [word for word, holds in (("pinned", row.pinned), ("held", row.held)) if holds]
    return found + (["expires"] if row.expires_at else [])


def details(row: MemoryRow) -> list[tuple[str, str]]:
    """The fields of a memory that say something, with their names."""
    told = {"id": row.memory_id, "tier": row.tier.value, "state": row.state.value, **_memory(row)}
    del told["content"]
    return [(name, str(value)) for name, value in told.items() if value not in _SAYS_NOTHING]


def _day(row: MemoryRow) -> str:
    said = row.created_at or row.stored_at
    return said.date().isoformat() if said else ""
