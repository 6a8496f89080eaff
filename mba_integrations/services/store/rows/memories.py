"""A memory as it is stored, its states, and which of them a statement is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mba_integrations.core.arguments import (
    checked_iterable,
    checked_member,
    checked_text,
    shown,
)
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier


class MemoryState(StrEnum):
    """Whether a memory can be recalled."""

    ACTIVE = "active"
    """It can."""
    SUPERSEDED = "superseded"
    """Another one took its place, `superseded_by`."""
    FORGOTTEN = "forgotten"
    """Somebody forgot it, or it expired. Its row goes with the next pruning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """A memory. The first three are needed to add one.

    Attributes:
        memory_id: Unique in its workspace.
        content: The text.
        tier: Its tier; a name is accepted where a row is added.
        importance: In [0, 1].
        created_at: When it was said or written; None where unknown.
        event_at: When what it tells of happens or happened; None where unknown.
        last_accessed_at: When it last came into a prompt.
        access_count: How often it came into a prompt.
        expires_at: From this moment on it is not recalled.
        source: Conversation, session or document that it belongs to.
        position: Its order within the source.
        group: Memories with the same group are kept or left out together.
        pinned: It must be in the prompt.
        held: Retention leaves it alone.
        metadata: Anything else that JSON can hold.
        subject: The person it is about, for erasure.
        author: Who said it: `user`, `agent`, `tool`, or what the service calls them.
        client: Through what it came.
        session_id: In which session it was remembered.
        tags: Its tags, in alphabetical order.

    Attributes that the store sets, whatever they are in a row that is added:
        state: Whether it can be recalled.
        superseded_by: Id of the memory that took its place.
        tier_since: Since when it is in its tier.
        stored_at: When it was added.
        content_hash: SHA-256 of the content, in hexadecimal.
        added_seq: The change that added it: memories are listed in this order.
        change_seq: Its last change.
    """

    memory_id: str
    content: str
    tier: MemoryTier
    importance: float = 0.5
    created_at: datetime | None = None
    event_at: datetime | None = None
    last_accessed_at: datetime | None = None
    access_count: int = 0
    expires_at: datetime | None = None
    source: str | None = None
    position: float | None = None
    group: str | None = None
    pinned: bool = False
    held: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    author: str | None = None
    client: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    state: MemoryState = MemoryState.ACTIVE
    superseded_by: str | None = None
    tier_since: datetime | None = None
    stored_at: datetime | None = None
    content_hash: str = ""
    added_seq: int = 0
    change_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFilter:
    """Which memories: those for which all that is given holds. Nothing given: all active ones.

    Lists of names are kept as sets, and names of tiers and states as what they name.

    Raises:
        InputError: If a value is of another kind, or a time has no zone.

    Attributes:
        states: In one of these states.
        memory_ids: With one of these ids.
        tiers: In one of these tiers.
        subjects: About one of these.
        sources: From one of these.
        groups: In one of these groups.
        session_ids: Remembered in one of these sessions.
        authors: By one of these.
        tags: With all of these tags.
        metadata: With all of these entries; values are texts, numbers, truth values.
        pinned: Pinned or not.
        held: Held or not.
        contains: Whose text has this in it, upper and lower case told apart.
        created_from: Said or written at this time or later.
        created_before: Said or written before this time.
        event_from: Tells of this time or later.
        event_before: Tells of a time before.
        stored_from: Added at this time or later.
        stored_before: Added before this time.
        idle_since: Not in a prompt since this time, and made before it.
        alive_at: Not expired at this time.
        expired_at: Expired at this time.
    """

    states: frozenset[MemoryState] | None = frozenset({MemoryState.ACTIVE})
    memory_ids: frozenset[str] | None = None
    tiers: frozenset[MemoryTier] | None = None
    subjects: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    session_ids: frozenset[str] | None = None
    authors: frozenset[str] | None = None
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    pinned: bool | None = None
    held: bool | None = None
    contains: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    event_from: datetime | None = None
    event_before: datetime | None = None
    stored_from: datetime | None = None
    stored_before: datetime | None = None
    idle_since: datetime | None = None
    alive_at: datetime | None = None
    expired_at: datetime | None = None

    def __post_init__(self) -> None:
        for name in _SETS:
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _checked_set(name, given))
        for name in _TIMES:
            _check_time(name, getattr(self, name))
        if not isinstance(self.metadata, Mapping):
            raise InputError(f"metadata must be a mapping, got {type(self.metadata).__name__}.")
        for key, value in self.metadata.items():
            if not isinstance(key, str) or not isinstance(value, str | int | float):
                raise InputError(
                    "metadata must be texts, numbers and truth values by their names, got "
                    f"{shown(value)} for {shown(key)}."
                )
        if self.contains is not None:
            checked_text("contains", self.contains)


_MEMBERS: Mapping[str, type[StrEnum]] = {"states": MemoryState, "tiers": MemoryTier}
_SETS = (
    *("states", "memory_ids", "tiers", "subjects", "sources", "groups", "session_ids"),
    *("authors", "tags"),
)
_TIMES = (
    *("created_from", "created_before", "event_from", "event_before", "stored_from"),
    *("stored_before", "idle_since", "alive_at", "expired_at"),
)


def _checked_set(name: str, given: object) -> frozenset[str]:
    checked_iterable(name, given, "a list of names")
    names: frozenset[str] = frozenset(given)  # type: ignore[call-overload]
    if name in _MEMBERS:
        return frozenset(checked_member(f"one of {name}", one, _MEMBERS[name]) for one in names)
    for one in names:
        checked_text(f"one of {name}", one)
    return names


def _check_time(name: str, given: object) -> None:
    if given is not None and (not isinstance(given, datetime) or given.utcoffset() is None):
        raise InputError(
            f"{name} must be a datetime with a zone, such as datetime.now(timezone.utc), "
            f"got {shown(given)}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPage:
    """Some memories of a list.

    Attributes:
        rows: They, in the order in which they were added, or the other way round.
        after: What to give to get those that follow; None where none follow.
    """

    rows: tuple[MemoryRow, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryVersion:
    """A text that a memory had before it was rewritten.

    Attributes:
        memory_id: Whose text.
        change_seq: The change that replaced it.
        content: The text.
        replaced_at: When.
    """

    memory_id: str
    change_seq: int
    content: str
    replaced_at: datetime
