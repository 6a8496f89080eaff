"""Documents: what is known of each besides its pieces, which are memories."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    workspace_key,
)

document = Table(
    "document",
    METADATA,
    workspace_key(),
    Column("document_id", Key, primary_key=True),
    Column("origin", Key),
    Column("title", Text),
    Column("uri", Text),
    Column("metadata", Document, nullable=False),
    Column("created_at", Moment),
    Column("valid_until", Moment),
    Column("content_hash", Key, nullable=False),
    Column("piece_count", Integer, nullable=False),
    Column("file_size", BigInteger),
    Column("file_modified_at", Moment),
    Column("version", Integer, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("replaced_at", Moment, nullable=False),
    Index(None, "workspace_id", "origin"),
)
