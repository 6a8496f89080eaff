"""Memories keep the terms of their text.

Rows of the first revision have none yet. They are cut when their pool is loaded, and kept then.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("memory", Column("terms", Text))
