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
COLUMNS = tuple(column for column in memory.c if column.name != "workspace_id")


def hash_of(content: str) -> str:
    """SHA-256 of a text, in hexadecimal.

    >>> hash_of("Kate skis.")[:8]
    '9ba255aa'
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
    """A row of the table, selected as `COLUMNS`, with its tags.

    By place and not by name: a workspace of 100,000 memories reads 2.6 million values here.
    """
    (memory_id, content, tier, importance, created_at, event_at, last_accessed_at, *rest) = found
    (access_count, expires_at, source, position, group, pinned, held, metadata, *rest) = rest
    (subject, author, client, session_id, state, superseded_by, tier_since, stored_at, *rest) = rest
    content_hash, added_seq, change_seq = rest
    return MemoryRow(
        memory_id=memory_id,
        content=content,
        tier=tier,
        importance=importance,
        created_at=created_at,
        event_at=event_at,
        last_accessed_at=last_accessed_at,
        access_count=access_count,
        expires_at=expires_at,
        source=source,
        position=position,
        group=group,
        pinned=pinned,
        held=held,
        metadata=metadata,
        subject=subject,
        author=author,
        client=client,
        session_id=session_id,
        state=state,
        superseded_by=superseded_by,
        tier_since=tier_since,
        stored_at=stored_at,
        content_hash=content_hash,
        added_seq=added_seq,
        change_seq=change_seq,
        tags=tags.get(memory_id, ()),
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


def tags_by_memory(found: Iterable[Iterable[Any]]) -> dict[str, tuple[str, ...]]:
    """Tags of each memory, in alphabetical order, from pairs of memory and tag."""
    tags: dict[str, list[str]] = {}
    for memory_id, tag in found:
        tags.setdefault(memory_id, []).append(tag)
    return {memory_id: tuple(sorted(of)) for memory_id, of in tags.items()}
