"""Workspaces, the versions of their settings, and what the store knows of itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    workspace_key,
)

store_info = Table(
    "store_info",
    METADATA,
    Column("name", Key, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the store knows of itself, such as the key of its erasure ledger. Nobody's in particular."""

workspace = Table(
    "workspace",
    METADATA,
    Column("workspace_id", Key, primary_key=True),
    Column("settings", Document, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("retention", Document, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("change_seq", BigInteger, nullable=False),
    Column("feed_from", BigInteger, nullable=False),  # changes up to here may have been pruned
    Column("created_at", Moment, nullable=False),
)

workspace_settings = Table(
    "workspace_settings",
    METADATA,
    workspace_key(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("settings", Document, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
)
