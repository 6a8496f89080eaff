"""Memories keep the terms of their text, so that a pool is made without cutting it.

Those that are there get theirs now, a thousand at a time.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Connection, MetaData, Table, Text, bindparam, select, tuple_, update

from mba_integrations.core.search.words.written_terms import written_terms
from mba_integrations.services.store.fences import enter

revision = "0003"
down_revision = "0002"

_AT_ONCE = 1_000
_MEMORY = Table(
    "memory",
    MetaData(),
    *(Column(name, Text) for name in ("workspace_id", "memory_id", "content", "terms")),
)
_KEY = (_MEMORY.c.workspace_id, _MEMORY.c.memory_id)
_KEEP = (
    update(_MEMORY)
    .where(_KEY[0] == bindparam("of_workspace"), _KEY[1] == bindparam("of_memory"))
    .values(terms=bindparam("cut"))
)


def upgrade() -> None:
    """Add the column and fill it."""
    op.add_column("memory", Column("terms", Text))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        enter(connection, None, as_role=False)  # the fences hide rows from who names no workspace
    _fill(connection)


def _fill(connection: Connection) -> None:
    last = ("", "")
    while True:
        following = select(*_KEY, _MEMORY.c.content).where(tuple_(*_KEY) > last)
        found = connection.execute(following.order_by(*_KEY).limit(_AT_ONCE)).all()
        if not found:
            return
        connection.execute(
            _KEEP,
            [
                {"of_workspace": owner, "of_memory": one, "cut": written_terms(text)}
                for owner, one, text in found
            ],
        )
        last = (found[-1].workspace_id, found[-1].memory_id)
