"""The log is added up by minute, hour and day as it is written.

What is in the log already is added up now, 5,000 rows at a time; a million take some minutes.
Minutes and hours are made as far back from the latest allocation as they would have been kept.
They are added up by the code of this release, so that they are what it would have written; the
tests bring a file of each earlier revision up to this release.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    insert,
    select,
)

from mba_integrations.services.store.fences import enter, fence, may_use
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.figures import packed
from mba_integrations.services.store.rows.rollups import Span, oldest_kept
from mba_integrations.services.store.statements.log.rollups import (
    Gathered,
    Key,
    gathered,
    into,
    longer,
)
from mba_integrations.services.store.tables.columns import microseconds_of, moment_of

revision = "0004"
down_revision = "0003"

_AT_ONCE = 5_000
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_MADE = MetaData(
    naming_convention={
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ROLLUP = Table(
    "allocation_rollup",
    _MADE,
    Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True),
    Column("span", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("complexity", _KEY, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("figures", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
_WORKSPACE = Table("workspace", _MADE, Column("workspace_id", _KEY, primary_key=True))
_LOG = Table(
    "allocation",
    MetaData(),
    Column("workspace_id", _KEY),
    Column("allocation_id", _KEY),
    Column("at", BigInteger),
    Column("record", JSON),
    Column("stable_prefix_tokens", Integer),
)


def upgrade() -> None:
    """Add the column and the table, and fill the table."""
    op.add_column("allocation", Column("figures", JSON(none_as_null=True)))
    connection = op.get_bind()
    _ROLLUP.create(connection)
    if connection.dialect.name == "postgresql":
        fence(connection, _ROLLUP.name)
        may_use(connection, _ROLLUP.name)
        enter(connection, None, as_role=False)  # the fences hide rows from who names no workspace
    for workspace_id in connection.execute(select(_WORKSPACE.c.workspace_id)).scalars().all():
        _fill(connection, workspace_id)


def _fill(connection: Connection, workspace_id: str) -> None:
    found: dict[Key, Gathered] = {}
    latest = connection.execute(_owned(_LOG.c.at, workspace_id).order_by(_LOG.c.at.desc()).limit(1))
    now = moment_of(latest.scalar() or 0)
    for page in _pages(connection, workspace_id):
        minutes = gathered(page, Span.MINUTE)
        hours = longer(minutes, Span.HOUR)
        for key, one in {**minutes, **hours, **longer(hours, Span.DAY)}.items():
            oldest = oldest_kept(key[0], now)
            if oldest is None or key[1] >= oldest:
                into(found, key, one)
    if found:
        connection.execute(insert(_ROLLUP), [_row(workspace_id, *one) for one in found.items()])


def _pages(connection: Connection, workspace_id: str) -> Iterator[list[AllocationRow]]:
    last = ""
    while True:
        following = _owned(_LOG, workspace_id).where(_LOG.c.allocation_id > last)
        page = connection.execute(following.order_by(_LOG.c.allocation_id).limit(_AT_ONCE)).all()
        if not page:
            return
        yield [
            AllocationRow(
                allocation_id=one.allocation_id,
                at=moment_of(one.at),
                record=one.record,
                stable_prefix_tokens=one.stable_prefix_tokens,
            )
            for one in page
        ]
        last = page[-1].allocation_id


def _owned(what: Any, workspace_id: str) -> Select[Any]:
    return select(what).where(_LOG.c.workspace_id == workspace_id)


def _row(workspace_id: str, key: Key, one: Gathered) -> dict[str, Any]:
    span, start, complexity = key
    return {
        "workspace_id": workspace_id,
        "span": span.value,
        "start": microseconds_of(start),
        "complexity": complexity,
        "first_at": microseconds_of(one.first_at),
        "last_at": microseconds_of(one.last_at),
        "figures": packed(one.figures),
    }
