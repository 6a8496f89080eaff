"""Many rows at once are kept as single ones are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy
from sqlalchemy import Connection

from mba_integrations.services.store import bulk
from mba_integrations.services.store.bulk import columns_of_rows, insert_columns
from mba_integrations.services.store.documents import written_as_json
from mba_integrations.services.store.owned import insert_new
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.tables.columns import METADATA, Document, Moment, Named

TABLE = sqlalchemy.Table(
    "bulk_rows",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("id", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("at", Moment),
    sqlalchemy.Column("op", Named(ChangeOp)),
    sqlalchemy.Column("known", Document),
    sqlalchemy.Column("share", sqlalchemy.Float),
    sqlalchemy.Column("pinned", sqlalchemy.Boolean),
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "id": f"row {place}",
        "at": None if place == 3 else NOON + timedelta(seconds=place // 2),
        "op": ChangeOp.ADD,
        "known": {"page": place, "headings": ["ä", None]} if place else {},
        "share": place / 7,
        "pinned": place % 2 == 0,
    }
    for place in range(12)
]


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A database of its own with the table."""
    engine = sqlalchemy.create_engine("sqlite://", json_serializer=written_as_json)
    with engine.begin() as opened:
        TABLE.create(opened)
        yield opened
    engine.dispose()


def insert_rows(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> int:
    return insert_columns(connection, statement, columns_of_rows(rows), len(rows))


def kept(connection: Connection) -> list[tuple[Any, ...]]:
    return list(map(tuple, connection.exec_driver_sql("SELECT * FROM bulk_rows ORDER BY rowid")))


def test_rows_at_once_are_what_sqlalchemy_keeps_of_them(connection: Connection) -> None:
    statement = insert_new("sqlite", TABLE, skip_known=False)
    connection.execute(statement, ROWS)
    wanted = kept(connection)
    connection.exec_driver_sql("DELETE FROM bulk_rows")
    with patch.object(Connection, "execute", side_effect=AssertionError):
        assert insert_rows(connection, statement, ROWS) == len(ROWS)
    assert kept(connection) == wanted


def test_values_that_are_equal_and_of_other_kinds_are_each_kept_as_they_are(
    connection: Connection,
) -> None:
    said: list[Any] = [{"n": 1}, {"n": True}, {"n": 1.0}, *({"n": 1} for _ in range(9))]
    rows = [{**row, "known": one} for row, one in zip(ROWS, said, strict=True)]
    insert_rows(connection, insert_new("sqlite", TABLE, skip_known=False), rows)
    written = [row[3] for row in kept(connection)]
    assert written[:3] == ['{"n":1}', '{"n":true}', '{"n":1.0}']


def test_rows_whose_key_is_there_are_left_alone_and_not_counted(connection: Connection) -> None:
    statement = insert_new("sqlite", TABLE, skip_known=True)
    insert_rows(connection, statement, ROWS[:1])
    assert insert_rows(connection, statement, [{**row, "share": 1.0} for row in ROWS]) == 11
    assert kept(connection)[0][4] == 0.0


def test_what_only_sqlalchemy_can_add_is_left_to_it(connection: Connection) -> None:
    counted = sqlalchemy.Table(
        "counted",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.Text, primary_key=True),
        sqlalchemy.Column("count", sqlalchemy.Integer, default=lambda: 7),
    )
    counted.create(connection)
    rows = [{"id": str(place)} for place in range(12)]
    assert insert_rows(connection, insert_new("sqlite", counted, skip_known=False), rows) == 12
    found = connection.exec_driver_sql("SELECT DISTINCT count FROM counted").scalars().all()
    assert list(found) == [7]


def test_the_tables_of_the_store_have_no_such_values() -> None:
    assert not [one for table in METADATA.tables.values() for one in table.c if one.default]
    assert bulk._FEW_ROWS > 1
