"""How much feedback says. What was kept before says as much as anything may."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Double

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    op.add_column("feedback", Column("weight", Double, nullable=False, server_default="1"))
