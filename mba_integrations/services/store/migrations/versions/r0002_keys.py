"""Keys by which callers are known. They belong to no workspace, so there is no fence."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Text

from mba_integrations.services.store.fences import may_use

revision = "0002"
down_revision = "0001"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "api_key",
        Column("key_id", _KEY, nullable=False, primary_key=True),
        Column("sha256", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("scopes", JSON(none_as_null=True), nullable=False),
        Column("workspaces", JSON(none_as_null=True)),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger),
        Column("last_used_at", BigInteger),
        Column("revoked_at", BigInteger),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        may_use(connection, "api_key")
