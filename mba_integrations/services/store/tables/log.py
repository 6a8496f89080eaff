"""Sessions, the log of allocations, what it adds up to, and feedback."""

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

from mba_integrations.services.store.rows.rollups import Span
from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    Named,
    workspace_key,
)

session = Table(
    "session",
    METADATA,
    workspace_key(),
    Column("session_id", Key, primary_key=True),
    Column("previous", Document),
    Column("updated_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("gateway", Document),
    Index(None, "workspace_id", "updated_at"),
)

allocation = Table(
    "allocation",
    METADATA,
    workspace_key(),
    Column("allocation_id", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("record", Document, nullable=False),
    Column("session_id", Key),
    Column("settings_version", Integer),
    Column("core_version", Text),
    Column("change_seq", BigInteger),
    Column("prefix_hash", Text),
    Column("stable_prefix_tokens", Integer),
    Column("query_hash", Text),
    Column("figures", Document),
    Index(None, "workspace_id", "at"),
    Index(None, "workspace_id", "session_id"),
)

allocation_item = Table(
    "allocation_item",
    METADATA,
    workspace_key(),
    Column("allocation_id", Key, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("memory_id", Key, nullable=False),
    Column("selected", Boolean, nullable=False),
    Column("tokens", Integer),
    Column("score", Double),
    Column("reason", Text),
    Index(None, "workspace_id", "memory_id"),
    sqlite_with_rowid=False,
)

allocation_rollup = Table(
    "allocation_rollup",
    METADATA,
    workspace_key(),
    Column("span", Named(Span), primary_key=True),
    Column("start", Moment, primary_key=True, autoincrement=False),
    Column("complexity", Key, primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("figures", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

feedback = Table(
    "feedback",
    METADATA,
    workspace_key(),
    Column("allocation_id", Key, primary_key=True),
    Column("memory_id", Key, primary_key=True),
    Column("origin", Key, primary_key=True),
    Column("useful", Boolean),
    Column("at", Moment, nullable=False),
    Column("weight", Double, nullable=False, server_default="1"),
    Index(None, "workspace_id", "memory_id"),
)
