"""Memories between their values and the columns of the table."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from mba_integrations.core.arguments import checked_member, checked_part, checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.search.words.written_terms import written_terms
from mba_integrations.services.store.documents import written_as_json
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import checked_id, checked_storable
from mba_integrations.services.store.tables.columns import microseconds_of
from mba_integrations.services.store.tables.memories import memory

_NAMES = ("source", "group", "subject", "author", "client", "session_id")
_MOMENTS = ("created_at", "event_at", "last_accessed_at", "expires_at")
_NAMED, _TIMED = attrgetter(*_NAMES), attrgetter(*_MOMENTS)
_PLAIN_COLUMNS = {
    **{name: name for name in (*_MOMENTS, *_NAMES, "memory_id", "access_count", "pinned", "held")},
    **{"group": "group_id", "tier_since": "tier_since"},
}
"""Attributes of a row that go into the table as they are, and their columns."""
_PLAIN = attrgetter(*_PLAIN_COLUMNS)
COLUMNS = tuple(column for column in memory.c if column.name not in {"workspace_id", "terms"})


def hash_of(content: str) -> str:
    """SHA-256 of a text, in hexadecimal.

    >>> hash_of("Kate skis.")[:8]
    '9ba255aa'
    """
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ReadyRows:
    """Memories to be added: checked, hashed and cut into terms before the transaction begins.

    So a writer that others wait for has only to insert them, and another process can make them.

    Attributes:
        columns: The values of each column of the table that the write does not decide, by column;
            metadata as JSON text.
        tags: The tags of each memory, in alphabetical order.
    """

    columns: Mapping[str, Sequence[Any]]
    tags: Sequence[tuple[str, ...]]

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the memories, in their order."""
        return self.columns["memory_id"]

    def __len__(self) -> int:
        return len(self.tags)

    def only(self, places: Sequence[int]) -> ReadyRows:
        """Those at these places."""
        columns = {name: [of[one] for one in places] for name, of in self.columns.items()}
        return ReadyRows(columns, [self.tags[one] for one in places])

    def at(self, place: int) -> dict[str, Any]:
        """What is known of one, by column."""
        return {name: of[place] for name, of in self.columns.items()}


def joined_rows(parts: Sequence[ReadyRows]) -> ReadyRows:
    """The memories of all parts, of which there is at least one."""
    columns = {
        name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns
    }
    return ReadyRows(columns, [tags for part in parts for tags in part.tags])


def ready_rows(rows: Sequence[MemoryRow]) -> ReadyRows:
    """Rows that both databases can hold, ready to be added.

    Raises:
        InputError: Naming the memory and the field.
    """
    written = [_written_metadata(row) for row in rows]
    values = list(zip(*map(_PLAIN, rows), strict=True)) or [()] * len(_PLAIN_COLUMNS)
    contents = [row.content for row in rows]
    columns = {
        **dict(zip(_PLAIN_COLUMNS.values(), values, strict=True)),
        "importance": [float(row.importance) for row in rows],
        "position": [None if row.position is None else float(row.position) for row in rows],
        "tier": [MemoryTier(row.tier) for row in rows],
        "metadata": written,
        "content": contents,
        "content_hash": [hash_of(one) for one in contents],
        "terms": [written_terms(one) for one in contents],
    }
    return ReadyRows(columns, [tuple(sorted(set(row.tags))) for row in rows])


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
    _written_metadata(row)
    return row


def _written_metadata(row: MemoryRow) -> str:
    """The metadata of a row that both databases can hold, as JSON."""
    checked_id("memory_id", row.memory_id)
    try:
        _check_fields(row)
        return checked_document("metadata", row.metadata)
    except InputError as error:
        raise InputError(f"memory {row.memory_id!r}: {error}") from error


def _check_fields(row: MemoryRow) -> None:
    if not isinstance(row.content, str) or not row.content:
        raise InputError("content must be a text that is not empty.")
    checked_storable("content", row.content)
    checked_member("tier", row.tier, MemoryTier)
    checked_part("importance", row.importance)
    checked_whole("access_count", row.access_count)
    for name, value in zip(_NAMES, _NAMED(row), strict=True):
        if value is not None:
            checked_id(name, value)
    for name, moment in zip(_MOMENTS, _TIMED(row), strict=True):
        if moment is not None:
            _check_moment(name, moment)
    if row.position is not None and not math.isfinite(row.position):
        raise InputError(f"position must be finite, got {shown(row.position)}.")
    for tag in row.tags:
        checked_id("a tag", tag)


def _check_moment(name: str, moment: datetime) -> None:
    try:
        microseconds_of(moment)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def checked_document(name: str, value: Mapping[str, Any]) -> str:
    """A value that JSON can hold and Postgres can keep, as it is written.

    Raises:
        InputError: With the name.
    """
    try:
        written = written_as_json(dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name} must be what JSON can hold: {error}.") from error
    checked_storable(name, written.replace("\\u0000", "\0") if "\\" in written else written)
    return written


def tags_by_memory(found: Iterable[Iterable[Any]]) -> dict[str, tuple[str, ...]]:
    """Tags of each memory, in alphabetical order, from pairs of memory and tag."""
    tags: dict[str, list[str]] = {}
    for memory_id, tag in found:
        tags.setdefault(memory_id, []).append(tag)
    return {memory_id: tuple(sorted(of)) for memory_id, of in tags.items()}
