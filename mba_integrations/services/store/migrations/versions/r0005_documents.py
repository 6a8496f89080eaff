"""Documents, whose pieces are memories."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Text

from mba_integrations.services.store.fences import cut, fence, may_use

revision = "0005"
down_revision = "0004"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "document",
        Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True),
        Column("document_id", _KEY, primary_key=True),
        Column("origin", _KEY),
        Column("title", Text),
        Column("uri", Text),
        Column("metadata", JSON(none_as_null=True), nullable=False),
        Column("created_at", BigInteger),
        Column("valid_until", BigInteger),
        Column("content_hash", _KEY, nullable=False),
        Column("piece_count", Integer, nullable=False),
        Column("file_size", BigInteger),
        Column("file_modified_at", BigInteger),
        Column("version", Integer, nullable=False),
        Column("stored_at", BigInteger, nullable=False),
        Column("replaced_at", BigInteger, nullable=False),
        Index("ix_document_workspace_id_origin", "workspace_id", "origin"),
        postgresql_partition_by="HASH (workspace_id)",
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        fence(connection, "document")
        cut(connection, "document")
        may_use(connection, "document")
