"""mem0's memories as ours, and back: those of an export, and those of its clients.

    user_id  kate         subject   kate
    run_id   trip         source    trip
    agent_id guide        metadata  {"agent_id": "guide"}, as app_id, actor_id and role
    categories ["food"]   tags      food
    expiration_date       the end of that day

An export is what `get_all` returns, an export file, or one memory a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
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
from mba_integrations.services.store.rows.memories import MemoryRow

IN_METADATA = ("agent_id", "app_id", "actor_id", "role")
"""Fields of theirs that our metadata has under the same names."""
FIRST_ID, FIRST_TIME = "mem0_id", "mem0_created_at"
"""Where the metadata of a memory that was updated has the id and the time that it had first."""
_TEXTS = ("memory", "text", "data", "content")
_LISTS = ("results", "memories")
_KEPT = (*IN_METADATA, "updated_at", "hash")
_DAY_END = timedelta(microseconds=1)


def read_mem0(path: str | Path, *, tier: MemoryTier = MemoryTier.LONG_TERM) -> Imported:
    """The memories of a file.

    Args:
        path: A JSON array, an object that has one under `results` or `memories`, or JSON lines.
        tier: Where they go.

    Raises:
        InputError: If the file cannot be read or holds something else; with the line.
    """
    entries = [entry for value in json_values(path) for entry in _entries(*value)]
    found = [memory_of(place, checked_object(place, one), tier=tier) for place, one in entries]
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


def memory_of(
    place: str, values: Mapping[str, Any], *, tier: MemoryTier = MemoryTier.LONG_TERM
) -> NewMemory | None:
    """One of their memories as ours; None where it has no text.

    Raises:
        InputError: If a time is none; naming the place.
    """
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


def record_of(row: MemoryRow) -> dict[str, Any]:
    """One of our memories as theirs.

    A memory that was updated through their routes has the id and the time that it had first.
    """
    known = row.metadata
    others = (*_KEPT, FIRST_ID, FIRST_TIME)
    until = row.expires_at
    return {
        "id": known.get(FIRST_ID, row.memory_id),
        "memory": row.content,
        "hash": row.content_hash,
        "user_id": row.subject,
        "run_id": row.source,
        **{name: known.get(name) for name in IN_METADATA},
        "metadata": {name: one for name, one in known.items() if name not in others},
        "categories": list(row.tags),
        "created_at": known.get(FIRST_TIME) or _written(row.created_at),
        "updated_at": _written(row.stored_at),
        "expiration_date": None if until is None else (until - _DAY_END).date().isoformat(),
    }


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
