"""Settings that were looked for in past recalls, and what became of them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, Text

from mba_integrations.services.store.fences import fence, may_use

revision = "0009"
down_revision = "0008"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "proposal",
        Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True),
        Column("proposal_id", _KEY, primary_key=True),
        Column("state", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        Column("from_version", Integer, nullable=False),
        Column("live_version", Integer),
        Column("live_at", BigInteger),
        Column("changes", JSON(none_as_null=True), nullable=False),
        Column("found", JSON(none_as_null=True), nullable=False),
        Column("plan", JSON(none_as_null=True)),
        Column("shadow", JSON(none_as_null=True)),
        Column("reason", Text),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        fence(connection, "proposal")
        may_use(connection, "proposal")
