"""What a caller hands to `remember`, as memories that can be stored.

Texts, items, memories with more than an item has, and chat messages may stand in one list; messages
that follow each other are one piece of a conversation, so that a call of tools and its results stay
one group.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.times import seconds_of
from mba_integrations.ingest.messages import items_from_messages
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import NewMemory, check_time, checked_memory

MOST_AT_ONCE = 1_000
_INSTRUCTIONS = ("system", "developer")
_SECONDS_BETWEEN = 0.001
Memory = str | MemoryItem | NewMemory | Mapping[str, Any]
"""A text, an item, a memory, or a chat message with `role` and `content`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for each memory of a call that says nothing else.

    Attributes:
        tier: Of texts; None for long-term memory, and for working memory of messages.
        subject: Whom they are about.
        source: Where they come from.
        session_id: In which session they were said.
        tags: Added to their own.
        expires_at: From when they are no candidates any more.
        author: Who said them; of messages their role.
        client: Through what they came.
    """

    tier: MemoryTier | None = None
    subject: str | None = None
    source: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    expires_at: datetime | None = None
    author: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was handed in.

    Attributes:
        memories: In their order; an error in the place of one that cannot be stored.
        notes: What was left out.
    """

    memories: tuple[NewMemory | InputError, ...]
    notes: tuple[str, ...] = field(default=())


def given_memories(
    memories: Memory | Iterable[Memory], defaults: Defaults, *, now: datetime
) -> Given:
    """The memories that were handed in.

    Raises:
        InputError: If there is none, or more than 1,000, or they are no list; or a chat message is
            none.
    """
    listed = as_list(memories)
    check_time("expires_at", defaults.expires_at)
    found: list[NewMemory | InputError] = []
    notes: list[str] = []
    for are_messages, part in groupby(listed, key=lambda one: isinstance(one, Mapping)):
        if are_messages:
            said = _of_messages([one for one in part if isinstance(one, Mapping)], defaults, now)
            found += said.memories
            notes += said.notes
        else:
            found += [_of_one(one, defaults, now) for one in part]
    return Given(memories=tuple(found), notes=tuple(notes))


def as_list(memories: Memory | Iterable[Memory]) -> list[Memory]:
    """The memories as a list; one alone is a list of one.

    Raises:
        InputError: If it is none, or of no or more than 1,000 memories.
    """
    if isinstance(memories, str | MemoryItem | NewMemory | Mapping):
        return [memories]
    if not isinstance(memories, Iterable) or isinstance(memories, bytes):
        kind = type(memories).__name__
        raise InputError(f"memories must be texts, items or messages, got {kind}.")
    listed = list(memories)
    if not 1 <= len(listed) <= MOST_AT_ONCE:
        raise InputError(
            f"memories must be 1 to {MOST_AT_ONCE:,} at once, got {len(listed):,}. "
            "Remember more in several calls."
        )
    return listed


def digest_of(memories: Sequence[Memory], defaults: Defaults) -> str:
    """SHA-256 of what was handed in: two requests of one digest ask for the same.

    >>> digest_of(["a"], Defaults()) == digest_of(["a"], Defaults(tier=MemoryTier.RAG))
    False
    """
    said = [_plain(defaults), *(_plain(one) for one in memories)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value)]
        return {name: _plain(getattr(value, name)) for name in names if name != "_"}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tobytes"):
        return hashlib.sha256(value.tobytes()).hexdigest()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _of_one(one: object, defaults: Defaults, now: datetime) -> NewMemory | InputError:
    try:
        memory = _with_defaults(_as_memory(one, defaults, now), defaults)
        return checked_memory(memory, now=now)
    except InputError as error:
        return error


def _as_memory(one: object, defaults: Defaults, now: datetime) -> NewMemory:
    if isinstance(one, NewMemory):
        return one
    if isinstance(one, MemoryItem):
        return NewMemory(item=one)
    if not isinstance(one, str):
        raise InputError(f"a memory must be a text, an item or a message, got {shown(one)}.")
    tier = defaults.tier or MemoryTier.LONG_TERM
    if not one.strip():
        raise InputError("a memory's text is empty. Leave the memory out.")
    return NewMemory(item=MemoryItem(new_id(now), one, tier))


def _with_defaults(memory: NewMemory, defaults: Defaults) -> NewMemory:
    item = memory.item
    if item.source is None and defaults.source is not None:
        item = replace(item, source=defaults.source)
    return replace(
        memory,
        item=item,
        subject=memory.subject or defaults.subject,
        expires_at=memory.expires_at or defaults.expires_at,
        tags=(*memory.tags, *defaults.tags),
        author=memory.author or defaults.author,
        client=memory.client or defaults.client,
        session_id=memory.session_id or defaults.session_id,
    )


def _of_messages(messages: Sequence[Mapping[str, Any]], defaults: Defaults, now: datetime) -> Given:
    """Messages as memories; their ids and groups are of this call, their source is the session."""
    conversation = [one for one in messages if one.get("role") not in _INSTRUCTIONS]
    read = items_from_messages(conversation, source=new_id(now), pin_last_user=False)
    left_out = len(messages) - len(conversation)
    notes = (f"{left_out:,} system messages are instructions, and left out.",) if left_out else ()
    memories = tuple(_of_message(item, defaults, now) for item in read.items)
    return Given(memories=memories, notes=(*notes, *read.notes))


def _of_message(item: MemoryItem, defaults: Defaults, now: datetime) -> NewMemory | InputError:
    said_at = item.created_at or now
    try:
        check_time("created_at of a message", said_at)
    except InputError as error:
        return error
    # Later calls of a session go on behind this one, so a place within the list would not do.
    place = seconds_of(said_at) + (item.position or 0.0) * _SECONDS_BETWEEN
    moved = replace(
        item,
        tier=defaults.tier or item.tier,
        created_at=said_at,
        source=defaults.source or defaults.session_id or item.source,
        position=place,
    )
    memory = NewMemory(item=moved, author=item.metadata.get("role"))
    return _of_one(memory, defaults, now)
