"""Many rows with one INSERT, their parameters made column by column.

SQLAlchemy makes the parameters of each row by itself, which for a row of 25 columns takes three
times as long as SQLite takes to insert it. Here each column has its values converted in one go, and
a value that all rows share, such as the time of the write, once. The statement and what is kept are
the same. Drivers whose parameters have names are left to SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect

from mba_integrations.services.store.dialect import Insert

_FEW_ROWS = 8
"""Below that SQLAlchemy is as fast."""


def insert_rows(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> int:
    """Send an INSERT with these rows, which have the same columns; gives how many were added."""
    plan = None
    if len(rows) >= _FEW_ROWS and connection.dialect.positional:
        plan = _plan(connection.dialect, statement, tuple(rows[0]))
    if plan is None:
        return connection.execute(statement, rows).rowcount
    text, columns = plan
    values = (_converted([row[name] for row in rows], convert) for name, convert in columns)
    kept_count = {"preserve_rowcount": True}
    return connection.exec_driver_sql(
        text, list(zip(*values, strict=True)), execution_options=kept_count
    ).rowcount


_Columns = tuple[tuple[str, Callable[[Any], Any] | None], ...]


@lru_cache(maxsize=64)
def _plan(
    dialect: Dialect, statement: Insert, names: tuple[str, ...]
) -> tuple[str, _Columns] | None:
    """The text of the statement, and for each parameter its column and what converts values.

    None where SQLAlchemy adds values of its own, which only it can.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    order = getattr(compiled, "positiontup", None)
    if order is None or sorted(order) != sorted(names):
        return None
    kinds = {name: statement.table.c[name].type.dialect_impl(dialect) for name in names}
    return str(compiled), tuple((name, kinds[name].bind_processor(dialect)) for name in order)


def _converted(values: list[Any], convert: Callable[[Any], Any] | None) -> Iterable[Any]:
    if convert is None:
        return values
    first = values[0]
    if all(value is first for value in values):
        return [convert(first)] * len(values)
    return map(convert, values)
