"""Keys by which callers are known, and what they were answered outside of workspaces."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from mba_integrations.services.store.tables.columns import METADATA, Document, Key, Moment

api_key = Table(
    "api_key",
    METADATA,
    Column("key_id", Key, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Document, nullable=False),
    Column("workspaces", Document),  # NULL is all of them
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)
"""One row for each key, without its secret: the database cannot give away what it does not hold."""
