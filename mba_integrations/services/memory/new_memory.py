"""`NewMemory`: what is remembered, and the rules that it must keep before it is stored.

The limits keep one memory from being more than a prompt, a page or an index can hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.times import has_zone
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import checked_id, checked_storable

MOST_TEXT_BYTES = 256 * 1024
MOST_METADATA_BYTES = 16 * 1024
MOST_METADATA_DEPTH = 5
MOST_TAGS = 64
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a time may lie in the future: clocks of two machines differ by seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """A memory to be stored: an item, and what only the store needs of it.

    Args:
        item: The text with its tier, times and place.
        subject: The person whom the text is about, for erasure; None for nobody.
        event_at: When it happened, as far as that differs from when it was said.
        expires_at: From when it is no candidate any more; None for never.
        tags: Words to filter by.
        author: Who said it, such as `user`, `agent` or `tool`.
        client: Through what it came.
        session_id: In which session it was said.
        held: Whether retention leaves it alone.

    >>> NewMemory(item=MemoryItem("m1", "Kate skis.", "project"), subject="kate").subject
    'kate'
    """

    item: MemoryItem
    subject: str | None = None
    event_at: datetime | None = None
    expires_at: datetime | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None
    client: str | None = None
    session_id: str | None = None
    held: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.item, MemoryItem):
            kind = type(self.item).__name__
            raise InputError(f"a memory's item must be a MemoryItem, got {kind}.")
        if isinstance(self.tags, str) or not isinstance(self.tags, Sequence):
            raise InputError(f"memory {self.item.id!r}: tags must be a list of texts.")
        object.__setattr__(self, "tags", tuple(dict.fromkeys(self.tags)))


def row_of(memory: NewMemory) -> MemoryRow:
    """The row that a memory becomes."""
    item = memory.item
    return MemoryRow(
        memory_id=item.id,
        content=item.content,
        tier=item.tier,
        importance=float(item.importance),
        created_at=item.created_at,
        event_at=memory.event_at,
        last_accessed_at=item.last_accessed_at,
        access_count=item.access_count,
        expires_at=memory.expires_at,
        source=item.source,
        position=item.position,
        group=item.group,
        pinned=item.pinned,
        held=memory.held,
        metadata=item.metadata,
        subject=memory.subject,
        author=memory.author,
        client=memory.client,
        session_id=memory.session_id,
        tags=memory.tags,
    )


def checked_memory(memory: NewMemory, *, now: datetime) -> NewMemory:
    """The memory, if the store can keep it.

    Raises:
        InputError: Naming the memory, the field, the limit and what was given.
    """
    item, name = memory.item, f"memory {shown(memory.item.id)}"
    check_text(name, item.content)
    for field, value in _names(memory):
        checked_id(f"{name}: {field}", value)
    if len(memory.tags) > MOST_TAGS:
        raise InputError(f"{name}: has {len(memory.tags):,} tags, at most {MOST_TAGS} are kept.")
    check_metadata(name, item.metadata)
    check_past(f"{name}: created_at", item.created_at, now)
    check_past(f"{name}: last_accessed_at", item.last_accessed_at, now)
    for field in ("event_at", "expires_at"):
        check_time(f"{name}: {field}", getattr(memory, field))
    return _dated(memory, now)


def _dated(memory: NewMemory, now: datetime) -> NewMemory:
    """The memory with the time of the write where it says none."""
    if memory.item.created_at is not None:
        return memory
    return replace(memory, item=replace(memory.item, created_at=now))


def _names(memory: NewMemory) -> list[tuple[str, str]]:
    item = memory.item
    named = [("id", item.id), ("subject", memory.subject), ("source", item.source)]
    named += [("group", item.group), *(("a tag", tag) for tag in memory.tags)]
    named += [(field, getattr(memory, field)) for field in ("author", "client", "session_id")]
    return [(field, value) for field, value in named if value is not None]


def check_text(name: str, text: str) -> None:
    """Refuse a text that is empty or too long.

    Raises:
        InputError: With the name, the size and the limit.
    """
    if not text.strip():
        raise InputError(f"{name}: the text is empty. Leave the memory out.")
    size = _bytes_of(checked_storable(f"{name}: the text", text))
    if size > MOST_TEXT_BYTES:
        raise InputError(
            f"{name}: the text has {size:,} bytes, at most {MOST_TEXT_BYTES:,} are kept. "
            "Cut it into pieces of one source, with their positions."
        )


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def check_time(name: str, time: object) -> None:
    """Refuse what is neither None nor a time with a zone.

    Raises:
        InputError: With the name.
    """
    if time is None:
        return
    if not isinstance(time, datetime):
        raise InputError(f"{name} must be a datetime or None, got {type(time).__name__}.")
    if not has_zone(time):
        raise InputError(
            f"{name} has no time zone: {time.isoformat()}. "
            "Give it one, such as datetime.now(timezone.utc)."
        )


def check_past(name: str, time: datetime | None, now: datetime) -> None:
    """Refuse what is neither None nor a time with a zone that has come.

    Raises:
        InputError: With the name, the time and how far it lies in the future.
    """
    check_time(name, time)
    if time is not None and time - now > CLOCK_TOLERANCE:
        raise InputError(
            f"{name} lies {time - now} in the future, at {time.isoformat()}; "
            f"{CLOCK_TOLERANCE} are allowed. What is to come belongs into event_at."
        )


def check_metadata(name: str, metadata: Mapping[str, Any]) -> str:
    """The metadata as JSON.

    Raises:
        InputError: If it is none, too large or too deep.
    """
    if not metadata:
        return "{}"
    try:
        written = json.dumps(metadata, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: metadata is not JSON: {error}.") from None
    check_written_metadata(name, metadata, written)
    return written


def check_written_metadata(name: str, metadata: Mapping[str, Any], written: str) -> None:
    """Refuse metadata that is too large or too deep.

    Args:
        name: What it is of.
        metadata: The metadata.
        written: The same as JSON.

    Raises:
        InputError: With the name, the size and the limit.
    """
    size = _bytes_of(checked_storable(f"{name}: metadata", written))
    if size > MOST_METADATA_BYTES:
        raise InputError(
            f"{name}: metadata has {size:,} bytes, at most {MOST_METADATA_BYTES:,} are kept."
        )
    # Each level opens a bracket: where there are few of them, no value has to be looked at.
    brackets = written.count("{") + written.count("[")
    if brackets > MOST_METADATA_DEPTH and _is_deeper(metadata, MOST_METADATA_DEPTH):
        raise InputError(f"{name}: metadata is nested deeper than {MOST_METADATA_DEPTH} levels.")


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    elif not isinstance(value, list | tuple):
        return False
    return levels == 0 or any(_is_deeper(inner, levels - 1) for inner in value)
