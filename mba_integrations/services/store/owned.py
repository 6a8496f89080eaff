"""Statements on the rows of one workspace, and on those of all.

A statement on a table of workspaces begins here, with its workspace as a parameter that only a
scope fills in. So it can be made once, and fails rather than reach the rows of others where it is
sent without a scope. No other module imports `select`, `insert`, `update` or `delete`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Delete, Select, Table, Update, bindparam

from mba_integrations.services.store import dialect

Rows = Select[*tuple[Any, ...]]
OWNER = "own_workspace"
"""The parameter that holds the workspace."""


def owned(table: Table) -> ColumnElement[bool]:
    """That a row belongs to the scope's workspace."""
    owner = bindparam(OWNER, type_=table.c.workspace_id.type)
    return table.c.workspace_id == owner


@cache
def select_owned(table: Table, *columns: ColumnElement[Any]) -> Rows:
    """These columns, or all, of the workspace's rows."""
    return select_all(table, *columns).where(owned(table))


@cache
def select_all(table: Table, *columns: ColumnElement[Any]) -> Rows:
    """These columns, or all, of the rows of all workspaces."""
    return sqlalchemy.select(*(columns or tuple(table.c))).select_from(table)


@cache
def update_owned(table: Table) -> Update:
    """An UPDATE of the workspace's rows."""
    return update_all(table).where(owned(table))


@cache
def update_all(table: Table) -> Update:
    """An UPDATE of the rows of all workspaces."""
    return sqlalchemy.update(table)


@cache
def update_each(table: Table, key: str, names: tuple[str, ...]) -> Update:
    """An UPDATE of each of the workspace's rows, with parameters `to_NAME` for key and columns."""
    values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names if name != key}
    which = table.c[key] == bindparam(f"to_{key}")
    return update_owned(table).where(which).values(values)


@cache
def delete_owned(table: Table) -> Delete:
    """A DELETE of the workspace's rows."""
    return delete_all(table).where(owned(table))


@cache
def delete_all(table: Table) -> Delete:
    """A DELETE of the rows of all workspaces."""
    return sqlalchemy.delete(table)


@cache
def insert_new(dialect_name: str, table: Table, *, skip_known: bool) -> dialect.Insert:
    """An INSERT; rows whose key is there are an error, or are left alone."""
    statement = dialect.insert_into(dialect_name, table).execution_options(preserve_rowcount=True)
    return statement.on_conflict_do_nothing() if skip_known else statement


@cache
def insert_or_replace(dialect_name: str, table: Table, names: tuple[str, ...]) -> dialect.Insert:
    """An INSERT that gives these columns of a row that is there their new values."""
    statement = dialect.insert_into(dialect_name, table)
    keys = [column.name for column in table.primary_key]
    news = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=news)


@cache
def insert_or_add(dialect_name: str, table: Table, names: tuple[str, ...]) -> dialect.Insert:
    """An INSERT that adds its values of these columns to those of a row that is there."""
    statement = dialect.insert_into(dialect_name, table)
    keys = [column.name for column in table.primary_key]
    sums = {name: table.c[name] + statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=keys, set_=sums)
