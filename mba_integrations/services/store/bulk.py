"""Many rows with one INSERT, their parameters made column by column.

SQLAlchemy makes the parameters of each row by itself, which for a row of 25 columns takes three
times as long as SQLite takes to insert it. Here each column has its values converted in one go, and
a value that all rows share, such as the time of the write, once. The statement and what is kept are
the same. Drivers whose parameters have names are left to SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from operator import is_
from typing import Any

from sqlalchemy import Connection, Dialect

from mba_integrations.services.store.dialect import Insert

_FEW_ROWS = 8
"""Below that SQLAlchemy is as fast."""


def insert_columns(
    connection: Connection, statement: Insert, columns: Mapping[str, Sequence[Any]], count: int
) -> int:
    """Send an INSERT of *count* rows, given as columns; says how many were added."""
    plan = None
    if count >= _FEW_ROWS and connection.dialect.positional:
        plan = _plan(connection.dialect, statement, tuple(columns))
    if plan is None:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return connection.execute(statement, rows).rowcount
    text, converters = plan
    values = [_converted(columns[name], convert) for name, convert in converters]
    kept_count = {"preserve_rowcount": True}
    return connection.exec_driver_sql(
        text, list(zip(*values, strict=True)), execution_options=kept_count
    ).rowcount


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The values of rows that have the same columns, by column."""
    return {name: [row[name] for row in rows] for name in rows[0]}


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


def _converted(values: Sequence[Any], convert: Callable[[Any], Any] | None) -> Iterable[Any]:
    if convert is None:
        return values
    first = values[0]
    # By identity: 1, 1.0 and True are equal, and written differently.
    if all(map(is_, values, repeat(first))):
        return [convert(first)] * len(values)
    return map(convert, values)
