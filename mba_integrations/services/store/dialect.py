"""What SQLite and Postgres say differently. Everything else is one statement for both.

A condition is written when the statement is sent, so that statements can be made once, before
there is a database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Table, Text, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

POSTGRES = "postgresql"

Insert = sqlite.Insert | postgresql.Insert


def insert_into(name: str, table: Table) -> Insert:
    """An INSERT that may say what becomes of a row that is there, for the dialect of that name."""
    if name == POSTGRES:
        return postgresql.insert(table)
    return sqlite.insert(table)


def lacks_workspace(error: IntegrityError) -> bool:
    """Whether a row was refused since its workspace is not there: no other key is foreign."""
    codes = (
        getattr(error.orig, "sqlite_errorname", None),
        getattr(error.orig, "sqlstate", None),
    )
    return codes[0] == "SQLITE_CONSTRAINT_FOREIGNKEY" or codes[1] == "23503"


class _Names(TypeDecorator[list[str]]):
    """Many texts in one parameter: an array on Postgres, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == POSTGRES else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Any) -> Any:
        wanted = list(value or ())
        return wanted if dialect.name == POSTGRES else json.dumps(wanted)


class among(FunctionElement[bool]):  # noqa: N801 - it is called as a function
    """Whether a column of texts has one of some texts, in one parameter however many they are.

    An `IN` of as many parameters as texts would be another statement for each number, and both
    databases take only so many.

    Args:
        column: The column.
        names: The texts; or the name of the parameter that will hold them.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Column[Any], names: Iterable[str] | str) -> None:
        if isinstance(names, str):
            wanted = bindparam(names, type_=_Names())
        else:
            wanted = bindparam(None, list(names), type_=_Names())
        super().__init__(column, wanted)

    def self_group(self, against: Any = None) -> among:
        """As it is: SQLite, which has no truth values, uses no index for `... IN (...) = 1`."""
        return self


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: Any, **options: Any) -> str:
    column, names = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({names}))"


@compiles(among, POSTGRES)
def _among_postgres(element: among, compiler: Any, **options: Any) -> str:
    column, names = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({names})"


class contains(FunctionElement[bool]):  # noqa: N801 - it is called as a function
    """Whether a column of texts has a text in it, upper and lower case told apart."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str], text: str) -> None:
        super().__init__(column, bindparam(None, text, type_=Text()))


@compiles(contains, "sqlite")
def _contains_sqlite(element: contains, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(contains, POSTGRES)
def _contains_postgres(element: contains, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"
