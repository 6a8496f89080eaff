"""Memories and what hangs on them: vectors, tags, earlier texts, uses, changes.

Nothing refers to `memory` by a foreign key: on Postgres each of its partitions would have one for
each partition that refers to it. Who deletes a memory deletes what hangs on it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    Named,
    workspace_key,
)

memory = Table(
    "memory",
    METADATA,
    workspace_key(),
    Column("memory_id", Key, primary_key=True),
    Column("content", Text, nullable=False),
    Column("tier", Named(MemoryTier), nullable=False),
    Column("importance", Double, nullable=False),
    Column("created_at", Moment),
    Column("event_at", Moment),
    Column("last_accessed_at", Moment),
    Column("access_count", BigInteger, nullable=False),
    Column("expires_at", Moment),
    Column("source", Key),
    Column("position", Double),
    Column("group_id", Key),
    Column("pinned", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("metadata", Document, nullable=False),
    Column("subject", Key),
    Column("author", Key),
    Column("client", Key),
    Column("session_id", Key),
    Column("state", Named(MemoryState), nullable=False),
    Column("superseded_by", Key),
    Column("tier_since", Moment, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("content_hash", Key, nullable=False),
    Column("added_seq", BigInteger, nullable=False),
    Column("change_seq", BigInteger, nullable=False),
    Column("terms", Text),  # of the content, see `core.search.words.written_terms`
    Index(None, "workspace_id", "added_seq", unique=True),
    Index(None, "workspace_id", "content_hash"),
    Index(None, "workspace_id", "subject"),
    Index(None, "workspace_id", "source"),
    Index(None, "workspace_id", "expires_at"),
)

memory_vector = Table(
    "memory_vector",
    METADATA,
    workspace_key(),
    Column("model_id", Key, primary_key=True),
    Column("memory_id", Key, primary_key=True),
    Column("dim", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # little-endian float32
    Index(None, "workspace_id", "memory_id"),
)

memory_tag = Table(
    "memory_tag",
    METADATA,
    workspace_key(),
    Column("tag", Key, primary_key=True),
    Column("memory_id", Key, primary_key=True),
    Index(None, "workspace_id", "memory_id"),
    sqlite_with_rowid=False,
)

memory_version = Table(
    "memory_version",
    METADATA,
    workspace_key(),
    Column("memory_id", Key, primary_key=True),
    Column("change_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("replaced_at", Moment, nullable=False),
)

memory_access = Table(
    "memory_access",
    METADATA,
    workspace_key(),
    Column("session_id", Key, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("memory_id", Key, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which memories were counted as used in a session and an hour, so that they count once."""

memory_change = Table(
    "memory_change",
    METADATA,
    workspace_key(),
    Column("change_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("memory_id", Key, nullable=False),
    Column("op", Named(ChangeOp), nullable=False),
    Column("before_hash", Key),
    Column("after_hash", Key),
    Column("tier_from", Named(MemoryTier)),
    Column("tier_to", Named(MemoryTier)),
    Column("related_id", Key),
    Column("review_id", Key),
    Column("reason", Text),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
    Index(None, "workspace_id", "memory_id"),
    Index(None, "workspace_id", "at"),
)
