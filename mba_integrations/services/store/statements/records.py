"""Memories between their values and the columns of the table."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from mba_integrations.core.arguments import checked_member, checked_part, checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import checked_id, checked_storable
from mba_integrations.services.store.tables.columns import microseconds_of
from mba_integrations.services.store.tables.memories import memory

_NAMES = ("source", "group", "subject", "author", "client", "session_id")
_MOMENTS = ("created_at", "event_at", "last_accessed_at", "expires_at")
FREE_COLUMNS = (
    *("importance", "created_at", "event_at", "last_accessed_at", "access_count", "expires_at"),
    *("source", "position", "group_id", "pinned", "held", "metadata"),
    *("subject", "author", "client", "session_id"),
)
"""What an update may change: all but text, tier, state and what the store itself sets."""
COLUMNS = tuple(column for column in memory.c if column.name != "workspace_id")


def hash_of(content: str) -> str:
    """SHA-256 of a text, in hexadecimal.

    >>> hash_of("Kate skis.")[:8]
    '39d31f7a'
    """
    return hashlib.sha256(content.encode()).hexdigest()


def columns_of(row: MemoryRow) -> dict[str, Any]:
    """The free columns of a row."""
    return {
        "importance": float(row.importance),
        "created_at": row.created_at,
        "event_at": row.event_at,
        "last_accessed_at": row.last_accessed_at,
        "access_count": row.access_count,
        "expires_at": row.expires_at,
        "source": row.source,
        "position": None if row.position is None else float(row.position),
        "group_id": row.group,
        "pinned": row.pinned,
        "held": row.held,
        "metadata": dict(row.metadata),
        "subject": row.subject,
        "author": row.author,
        "client": row.client,
        "session_id": row.session_id,
    }


def row_of(found: Row[*tuple[Any, ...]], tags: Mapping[str, tuple[str, ...]]) -> MemoryRow:
    """A row of the table, selected as `COLUMNS`, with its tags."""
    return MemoryRow(
        memory_id=found.memory_id,
        content=found.content,
        tier=found.tier,
        importance=found.importance,
        created_at=found.created_at,
        event_at=found.event_at,
        last_accessed_at=found.last_accessed_at,
        access_count=found.access_count,
        expires_at=found.expires_at,
        source=found.source,
        position=found.position,
        group=found.group_id,
        pinned=found.pinned,
        held=found.held,
        metadata=found.metadata,
        subject=found.subject,
        author=found.author,
        client=found.client,
        session_id=found.session_id,
        tags=tags.get(found.memory_id, ()),
        state=found.state,
        superseded_by=found.superseded_by,
        tier_since=found.tier_since,
        stored_at=found.stored_at,
        content_hash=found.content_hash,
        added_seq=found.added_seq,
        change_seq=found.change_seq,
    )


def checked_row(row: MemoryRow) -> MemoryRow:
    """A row that both databases can hold.

    Raises:
        InputError: Naming the memory and the field.
    """
    checked_id("memory_id", row.memory_id)
    label = f"memory {row.memory_id!r}"
    if not isinstance(row.content, str) or not row.content:
        raise InputError(f"{label}: content must be a text that is not empty.")
    checked_storable(f"{label}: content", row.content)
    checked_member(f"{label}: tier", row.tier, MemoryTier)
    checked_part(f"{label}: importance", row.importance)
    checked_whole(f"{label}: access_count", row.access_count)
    for name in _NAMES:
        if getattr(row, name) is not None:
            checked_id(f"{label}: {name}", getattr(row, name))
    _check_values(label, row)
    for tag in row.tags:
        checked_id(f"{label}: a tag", tag)
    return row


def _check_values(label: str, row: MemoryRow) -> None:
    for name in _MOMENTS:
        value = getattr(row, name)
        if value is not None:
            try:
                microseconds_of(value)
            except InputError as error:
                raise InputError(f"{label}: {name}: {error}") from None
    if row.position is not None and not math.isfinite(row.position):
        raise InputError(f"{label}: position must be finite, got {shown(row.position)}.")
    checked_document(f"{label}: metadata", row.metadata)


def checked_document(name: str, value: Mapping[str, Any]) -> None:
    """Refuse a value that JSON cannot hold, or Postgres cannot keep.

    Raises:
        InputError: With the name.
    """
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name} must be what JSON can hold: {error}.") from error
    checked_storable(name, text.replace("\\u0000", "\0"))


def tags_by_memory(found: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Tags of each memory, in alphabetical order, from pairs of memory and tag."""
    tags: dict[str, list[str]] = {}
    for memory_id, tag in found:
        tags.setdefault(memory_id, []).append(tag)
    return {memory_id: tuple(sorted(of)) for memory_id, of in tags.items()}
