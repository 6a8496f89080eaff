"""What SQLite and Postgres say differently. Everything else is one statement for both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import ARRAY, Text

SQLITE, POSTGRES = "sqlite", "postgresql"


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say what becomes of a row that is there."""
    if connection.dialect.name == POSTGRES:
        return postgresql.insert(table)
    return sqlite.insert(table)


def among(connection: Connection, column: Column[Any], names: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column of texts has one of these, in one parameter however many they are.

    An `IN` of as many parameters as names would be another statement for each number, and both
    databases take only so many.
    """
    wanted = list(names)
    if connection.dialect.name == POSTGRES:
        return column == any_(literal(wanted, ARRAY(Text)))
    values = func.json_each(json.dumps(wanted)).table_valued("value")
    return column.in_(select(values.c.value))


def contains(connection: Connection, column: Column[Any], text: str) -> ColumnElement[bool]:
    """Whether a column of texts has *text* in it, upper and lower case told apart."""
    place = func.strpos if connection.dialect.name == POSTGRES else func.instr
    return place(column, text) > 0
