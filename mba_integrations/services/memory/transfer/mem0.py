"""Memories of a mem0 export: what `get_all` returns, an export file, or one memory a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.transfer.imported import (
    Imported,
    checked_object,
    end_of_day,
    fitting_name,
    json_values,
    text_of,
    time_of,
)

_TEXTS = ("memory", "text", "data", "content")
_LISTS = ("results", "memories")
_KEPT = ("agent_id", "app_id", "actor_id", "role", "updated_at", "hash")


def read_mem0(path: str | Path, *, tier: MemoryTier = MemoryTier.LONG_TERM) -> Imported:
    """The memories of a file.

    `user_id` becomes the subject, `run_id` the source, `categories` the tags and
    `expiration_date` the end of that day.

    Args:
        path: A JSON array, an object that has one under `results` or `memories`, or JSON lines.
        tier: Where they go.

    Raises:
        InputError: If the file cannot be read or holds something else; with the line.
    """
    entries = [entry for value in json_values(path) for entry in _entries(*value)]
    found = [_memory(place, checked_object(place, one), tier) for place, one in entries]
    memories = tuple(memory for memory in found if memory is not None)
    silent = len(found) - len(memories)
    notes = (f"{path}: {silent:,} memories without text are left out.",) if silent else ()
    return Imported(memories=memories, notes=notes)


def _entries(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The value itself, or the entries of a list within it."""
    listed = next(
        (value[name] for name in _LISTS if isinstance(value, Mapping) and name in value), None
    )
    if isinstance(listed, list):
        for number, entry in enumerate(listed):
            yield f"{place}: memory {number}", entry
    else:
        yield place, value


def _memory(place: str, values: Mapping[str, Any], tier: MemoryTier) -> NewMemory | None:
    text = text_of(values, *_TEXTS)
    if text is None:
        return None
    metadata = {name: values[name] for name in _KEPT if values.get(name) is not None}
    given = values.get("metadata")
    metadata |= given if isinstance(given, dict) else {}
    tags = values.get("categories")
    item = MemoryItem(
        fitting_name(text_of(values, "id") or f"mem0:{place}"),
        text,
        tier,
        created_at=time_of(place, values, "created_at"),
        source=_name(values, "run_id"),
        metadata=metadata,
    )
    return NewMemory(
        item=item,
        subject=_name(values, "user_id"),
        expires_at=end_of_day(place, values, "expiration_date"),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def _name(values: Mapping[str, Any], name: str) -> str | None:
    text = text_of(values, name)
    return None if text is None else fitting_name(text)
