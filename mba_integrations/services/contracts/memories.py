"""Memories as they are sent in and as they come back."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.contracts.body import (
    Body,
    Flag,
    Id,
    Ids,
    Metadata,
    Moment,
    Number,
    Part,
    Reason,
    Tags,
    Text,
    Vector,
    View,
    Whole,
)
from mba_integrations.services.contracts.filters import FilterBody
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE, Memory
from mba_integrations.services.memory.remembering.results import (
    ChangeReply,
    MemoryHistory,
    RememberReply,
)
from mba_integrations.services.store.rows.memories import MemoryPage, MemoryRow, MemoryState

_OF_ITEM = (
    *("importance", "created_at", "source", "position", "group", "pinned", "embedding"),
    "metadata",
)
_OF_MEMORY = ("subject", "event_at", "expires_at", "author", "client", "session_id", "held")


class NewMemoryBody(Body):
    """A memory to keep."""

    content: Text
    id: Id | None = None
    tier: MemoryTier = MemoryTier.LONG_TERM
    importance: Part = 0.5
    created_at: Moment | None = None
    event_at: Moment | None = None
    expires_at: Moment | None = None
    source: Id | None = None
    position: Number | None = None
    group: Id | None = None
    pinned: Flag = False
    held: Flag = False
    subject: Id | None = None
    author: Id | None = None
    client: Id | None = None
    session_id: Id | None = None
    tags: Tags = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)
    embedding: Vector | None = None

    def to_memory(self, own_id: str) -> NewMemory:
        """The memory that the service keeps, under *own_id* where it brings none."""
        item = MemoryItem(
            self.id or own_id,
            self.content,
            self.tier,
            **{name: getattr(self, name) for name in _OF_ITEM},
        )
        more = {name: getattr(self, name) for name in _OF_MEMORY}
        return NewMemory(item=item, tags=tuple(self.tags), **more)


class ChatMessageBody(Body):
    """A message of a conversation, as model providers write it."""

    model_config = ConfigDict(extra="allow")

    role: Id
    content: Any = None


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    is_message = isinstance(value, ChatMessageBody) or (isinstance(value, dict) and "role" in value)
    return "message" if is_message else "memory"


MemoryBody = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[ChatMessageBody, Tag("message")]
    | Annotated[NewMemoryBody, Tag("memory")],
    Discriminator(_kind_of),
]


class RememberBody(Body):
    """Memories to keep, and what holds for those that say nothing else."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"memories": ["Kate moved to Lisbon in March."], "subject": "kate"}]
        }
    )

    memories: Annotated[list[MemoryBody], Field(min_length=1, max_length=MOST_AT_ONCE)]
    tier: MemoryTier | None = None
    subject: Id | None = None
    source: Id | None = None
    session_id: Id | None = None
    tags: Tags = Field(default_factory=list)
    expires_at: Moment | None = None
    author: Id | None = None
    client: Id | None = None
    on_error: Literal["raise", "skip"] = "raise"

    def to_memories(self, now: datetime, key: str | None = None) -> list[Memory]:
        """What the service is handed.

        Args:
            now: The moment of the request, for ids of memories that bring none.
            key: Names the request, so that such ids are the same when it comes again.
        """
        ids = (_id_in(key, number) if key else new_id(now) for number in range(len(self.memories)))
        return [_given(one, own_id) for one, own_id in zip(self.memories, ids, strict=True)]

    def defaults(self) -> dict[str, Any]:
        """The other arguments of `remember`."""
        names = set(type(self).model_fields) - {"memories"}
        return {name: getattr(self, name) for name in names}


def _id_in(key: str, number: int) -> str:
    digest = hashlib.sha256(f"{number} {key}".encode()).hexdigest()
    return str(uuid.UUID(digest[:32]))


def _given(one: str | ChatMessageBody | NewMemoryBody, own_id: str) -> Memory:
    if isinstance(one, str):
        return one
    if isinstance(one, ChatMessageBody):
        return one.model_dump()
    return one.to_memory(own_id)


class ReviseBody(Body):
    """Another text in the place of a memory's."""

    content: Text
    reason: Reason | None = None


class MoveBody(Body):
    """Memories that move to a tier."""

    memory_ids: Ids
    tier: MemoryTier
    reason: Reason | None = None


class ExpireBody(Body):
    """Memories that are recalled no longer from a moment on; without one, again for good."""

    memory_ids: Ids
    expires_at: Moment | None = None
    reason: Reason | None = None


class MarkBody(Body):
    """Memories that are pinned or held, or no longer."""

    memory_ids: Ids
    value: Flag = True
    reason: Reason | None = None


class ForgetBody(Body):
    """Memories to forget: by ids, by a filter, or by a subject."""

    memory_ids: Ids | None = None
    filters: FilterBody | None = None
    subject: Id | None = None
    expected: Whole | None = None
    reason: Reason | None = None


class ListBody(Body):
    """Which memories are listed."""

    filters: FilterBody = FilterBody()
    limit: Annotated[int, Field(strict=True, ge=1, le=500)] = 100
    cursor: Annotated[str, Field(strict=True, max_length=2_000)] | None = None
    after: Whole | None = None
    newest_first: Flag = True


class RememberResultView(View):
    """What became of one memory."""

    id: str | None
    created: bool
    duplicate_of: str | None
    error: str | None


class RememberView(View):
    """What became of the memories of a request, in their order."""

    results: list[RememberResultView]
    change_seq: int
    notes: list[str]

    @classmethod
    def of(cls, reply: RememberReply) -> RememberView:
        """The view of a reply."""
        return cls.model_validate(reply.to_dict())


class MemoryView(View):
    """A memory as it is stored."""

    memory_id: str
    content: str
    tier: MemoryTier
    importance: float
    created_at: datetime | None
    event_at: datetime | None
    last_accessed_at: datetime | None
    access_count: int
    expires_at: datetime | None
    source: str | None
    position: float | None
    group: str | None
    pinned: bool
    held: bool
    metadata: Metadata
    subject: str | None
    author: str | None
    client: str | None
    session_id: str | None
    tags: list[str]
    state: MemoryState
    superseded_by: str | None
    tier_since: datetime | None
    stored_at: datetime | None
    content_hash: str
    added_seq: int
    change_seq: int

    @classmethod
    def of(cls, row: MemoryRow) -> MemoryView:
        """The view of a row."""
        values = {name: getattr(row, name) for name in cls.model_fields}
        return cls.model_construct(**{**values, "tags": list(row.tags)})


class MemoryPageView(View):
    """Some memories of a list."""

    memories: list[MemoryView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: MemoryPage, next_cursor: str | None) -> MemoryPageView:
        """The view of a page."""
        return cls(memories=[MemoryView.of(row) for row in page.rows], next_cursor=next_cursor)


class ChangeView(View):
    """The memories that changed, as they are now."""

    memory_ids: list[str]
    change_seq: int

    @classmethod
    def of(cls, reply: ChangeReply) -> ChangeView:
        """The view of a reply."""
        return cls(memory_ids=list(reply.memory_ids), change_seq=reply.change_seq)


def _viewed(kind: type[View], row: object) -> Any:
    """The view of a row that has all of its fields."""
    return kind.model_construct(**{name: getattr(row, name) for name in kind.model_fields})


class ChangeEventView(View):
    """One change of one memory, without its text."""

    change_seq: int
    memory_id: str
    op: str
    tier_from: MemoryTier | None
    tier_to: MemoryTier | None
    related_id: str | None
    review_id: str | None
    reason: str | None
    at: datetime
    actor: str | None

    @classmethod
    def of(cls, change: Any) -> ChangeEventView:
        """The view of a change."""
        viewed: ChangeEventView = _viewed(cls, change)
        return viewed


class HistoryChangeView(ChangeEventView):
    """One change of one memory, with the hashes of its text before and after."""

    before_hash: str | None
    after_hash: str | None


class VersionView(View):
    """A text that a memory had."""

    memory_id: str
    change_seq: int
    content: str
    replaced_at: datetime


class HistoryView(View):
    """What happened to a memory, and to those before and after it."""

    memories: list[MemoryView]
    changes: list[HistoryChangeView]
    versions: list[VersionView]

    @classmethod
    def of(cls, history: MemoryHistory) -> HistoryView:
        """The view of a history."""
        return cls(
            memories=[MemoryView.of(row) for row in history.memories],
            changes=[_viewed(HistoryChangeView, one) for one in history.changes],
            versions=[_viewed(VersionView, one) for one in history.versions],
        )
