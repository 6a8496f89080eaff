"""Words and vectors by which candidates are found in large workspaces.

The column of vectors is made where the server has pgvector and its user may have it installed. Else
the first job that indexes a workspace makes it, once it can.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.exc import DBAPIError

from mba_integrations.services.store.fences import cut, fence, may_use

revision = "0007"
down_revision = "0006"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_KNOWS_PGVECTOR = text("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'vector'")


def upgrade() -> None:
    """Make the tables, and the column where it can be made."""
    op.create_table(
        "word_part",
        Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True),
        Column("part", BigInteger, primary_key=True, autoincrement=False),
        Column("first_seq", BigInteger, nullable=False),
        Column("last_seq", BigInteger, nullable=False),
        Column("texts", Integer, nullable=False),
        Column("terms", BigInteger, nullable=False),
        Column("languages", JSON(none_as_null=True), nullable=False),
    )
    op.create_table(
        "word_posting",
        Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True),
        Column("term", _KEY, primary_key=True),
        Column("part", BigInteger, primary_key=True, autoincrement=False),
        Column("texts", Integer, nullable=False),
        Column("pairs", LargeBinary, nullable=False),
        Index("ix_word_posting_workspace_id_part", "workspace_id", "part"),
        postgresql_partition_by="HASH (workspace_id)",
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for table in ("word_part", "word_posting"):
            fence(connection, table)
            may_use(connection, table)
        cut(connection, "word_posting")
        _add_column(connection)


def _add_column(connection: Connection) -> None:
    if connection.execute(_KNOWS_PGVECTOR).scalar() is None:
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
            connection.execute(
                text("ALTER TABLE memory_vector ADD COLUMN IF NOT EXISTS near halfvec")
            )
    except DBAPIError:  # the user may install nothing
        return
