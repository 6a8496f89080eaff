"""No statement reaches the rows of another workspace: where statements are made, and what is sent.

The first tests read the source; the last ones look at every statement that the functions of the
store send, and on Postgres at which parts of the tables it touches.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from imports import imports_of
from repository import ROOT
from sqlalchemy import Engine, event
from store_rows import START, row

from benchmarks.services_fuzz import Tenant, fuzz
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import (
    changes,
    finding,
    memories,
    vectors,
    workspaces,
)
from mba_integrations.services.store.store import Store
from mba_integrations.services.store.tables.tenancy import NOBODYS, OF_WORKSPACES, TENANT_TABLES

PACKAGE = ROOT / "mba_integrations"
STORE = PACKAGE / "services" / "store"
MODULES = sorted(PACKAGE.rglob("*.py"))
DATABASES = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}
MAKERS = {"select", "insert", "update", "delete", "text", "union", "exists", "values", "table"}
MAKE_STATEMENTS = {
    "owned.py",  # on tables of workspaces, with the workspace in them
    "dialect.py",  # the INSERT of each dialect, for `owned`
    "fences.py",  # settings of a transaction, policies
    "postgres/large_indexes.py",  # indexes of one workspace, and what the catalogue says of them
    "postgres/scrubbing.py",  # VACUUM, and what the catalogue says of tables
    "postgres/store.py",  # size, lock
}


def in_store(path: Path) -> bool:
    return path.is_relative_to(STORE)


def test_no_other_package_imports_a_database() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.module}"
        for path in MODULES
        if not in_store(path)
        for found in imports_of(path)
        if found.module.split(".")[0] in DATABASES
    ]
    assert not wrong


def test_no_other_package_imports_the_tables() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{found.line}"
        for path in MODULES
        if not in_store(path)
        for found in imports_of(path)
        if re.match(r"mba_integrations\.services\.store\.(tables|owned|dialect)\b", found.module)
    ]
    assert not wrong


def made_statements(path: Path) -> Iterator[str]:
    """Where a module makes a statement without a scope: by SQLAlchemy's functions, or as text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            yield from (f"{node.lineno} {one.name}" for one in node.names if one.name in MAKERS)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            *("sqlalchemy", "sa", "sqlite", "postgresql"),
        ):
            yield from (f"{node.lineno} {one}" for one in [node.attr] if one in MAKERS)


@pytest.mark.parametrize(
    "path", sorted(STORE.rglob("*.py")), ids=lambda path: str(path.relative_to(STORE))
)
def test_statements_are_made_where_they_get_their_workspace(path: Path) -> None:
    name = str(path.relative_to(STORE))
    if name in MAKE_STATEMENTS or name.startswith("migrations/versions"):
        return
    assert not list(made_statements(path))


def test_made_statements_are_found() -> None:
    assert {place.split()[1] for place in made_statements(STORE / "owned.py")} == {
        *("select", "update", "delete"),
    }
    assert len(list(made_statements(STORE / "dialect.py"))) == 2


def test_every_key_of_a_table_of_workspaces_begins_with_the_workspace() -> None:
    for table in TENANT_TABLES:
        assert next(iter(table.primary_key)).name == "workspace_id", table.name
        for index in table.indexes:
            if table.name != "job":  # jobs are claimed over all workspaces
                assert next(iter(index.columns)).name == "workspace_id", index.name
    assert {table.name for table in NOBODYS} == {"store_info", "api_key"}
    assert {table.name for table in TENANT_TABLES} - {table.name for table in OF_WORKSPACES} == {
        *("workspace", "erased"),
    }


@contextmanager
def sent(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """All statements that are sent meanwhile, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def note(*given: Any) -> None:
        _, _, statement, parameters, _, many = given
        statements.append((statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


TABLES = "|".join(table.name for table in TENANT_TABLES)


def unfenced(statement: str) -> list[str]:
    """Tables of workspaces in a statement that it does not narrow to one workspace."""
    used = set(re.findall(rf"\b(?:FROM|UPDATE|INTO|JOIN) ({TABLES})\b", statement))
    if statement.startswith("INSERT"):
        return [] if "workspace_id" in statement.split("VALUES")[0] else sorted(used)
    return [one for one in sorted(used) if not re.search(rf"\b{one}\.workspace_id = ", statement)]


def test_every_statement_of_a_scope_names_its_workspace(store: Store) -> None:
    with sent(store) as statements:
        report = fuzz(store, operations=120, seed=2)
    assert report.operations == 120
    scoped = [statement for statement, _ in statements if re.search(TABLES, statement)]
    assert len(scoped) > 200
    assert not [(unfenced(one), one) for one in scoped if unfenced(one)]


def test_statements_without_a_workspace_are_found() -> None:
    assert unfenced("SELECT x FROM memory WHERE memory.memory_id = ?") == ["memory"]
    assert unfenced("SELECT x FROM memory WHERE memory.workspace_id = ?") == []
    assert unfenced("INSERT INTO memory (memory_id) VALUES (?)") == ["memory"]
    two = "DELETE FROM memory WHERE memory.workspace_id = ? AND x IN (SELECT y FROM memory_tag)"
    assert unfenced(two) == ["memory_tag"]


def test_a_statement_of_a_workspace_touches_one_part_of_each_table(
    postgres_store: Store, postgres_database: str
) -> None:
    name = "one part"
    with sent(postgres_store) as statements:
        try:
            postgres_store.write(name, lambda writing: workspaces.create(writing, settings={}))
            postgres_store.write(name, lambda writing: memories.add(writing, [row("m1")]))
            acts: list[Callable[[Writing], object]] = [
                lambda writing: memories.forget(writing, ["m1"]),
                lambda writing: Tenant(name, FirstChoice()).log(writing),
                lambda writing: Tenant(name, FirstChoice()).rewrite(writing),
                lambda writing: Tenant(name, FirstChoice()).erase(writing),
            ]
            for act in acts:
                postgres_store.write(name, act, at=START)
            with postgres_store.read(name) as reading:
                look(reading)
        finally:
            postgres_store.write(name, workspaces.delete)
    plans = explained(postgres_database, statements)
    assert len(plans) > 30
    assert not [(parts, statement) for parts, statement in plans if len(parts) > 1]


class FirstChoice:
    """Draws the first of whatever there is."""

    def choice(self, several: Any) -> Any:
        return several[1] if len(several) > 5 else several[0]

    def randrange(self, _: int) -> int:
        return 0


def look(reading: Reading) -> None:
    finding.current(reading)
    finding.listed(reading)
    finding.find(reading, ["m1"])
    finding.count(reading)
    changes.changes_since(reading, 0)
    vectors.missing(reading, "e")


def explained(url: str, statements: list[tuple[str, Any]]) -> list[tuple[set[str], str]]:
    """The parts that each statement touches in the planner's plan."""
    plans = []
    with psycopg.connect(url) as connection:
        for statement, parameters in dict(
            reversed([(one, given) for one, given in statements])
        ).items():
            if (
                not statement.startswith(("SELECT", "UPDATE", "DELETE"))
                or "set_config" in statement
            ):
                continue
            plan = connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
            plans.append(
                (set(re.findall(r"\w+_(\d\d)\b", "\n".join(line for (line,) in plan))), statement)
            )
    return plans
