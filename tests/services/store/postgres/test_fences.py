"""The fences inside Postgres hold for statements that forgot their workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from postgres_server import in_database, new_database
from sqlalchemy import Connection, text
from store_rows import START, Clock, add, current, ids

from mba_integrations.core.errors import InputError
from mba_integrations.services.store import fences
from mba_integrations.services.store.errors import (
    SchemaError,
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreFileError,
    StoreUnreachableError,
)
from mba_integrations.services.store.migrations.revisions import HEAD
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.store import Store


@pytest.fixture
def where(empty_postgres: str) -> str:
    """This folder's tests are of Postgres alone."""
    return empty_postgres


def counted(connection: Connection, table: str = "memory") -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_statement_without_a_workspace_sees_the_rows_of_its_transaction_alone(
    store: Store,
) -> None:
    add(store, "kate", "a", "b")
    add(store, "tom", "c")
    with store.read("kate") as reading:
        assert counted(reading.connection) == 2
        assert counted(reading.connection, "workspace") == 1
    with store.read("nobody") as reading:
        assert counted(reading.connection) == 0
    with store.read_all() as all_of_them:
        assert counted(all_of_them.connection) == 3


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(None, id="unset"),
        pytest.param("", id="empty"),
        pytest.param("*", id="star"),
    ],
)
def test_a_transaction_that_names_no_workspace_sees_no_row(
    store: Store, where: str, setting: str | None
) -> None:
    add(store, "kate", "a")
    with psycopg.connect(where) as connection:
        connection.execute(f"SET LOCAL ROLE {fences.ROLE}")
        if setting is not None:
            connection.execute("SELECT set_config('mba.workspace', %s, true)", [setting])
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM workspace").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE memory SET workspace_id = 'tom'", id="give-away"),
        pytest.param(
            "INSERT INTO session (workspace_id, session_id, updated_at) VALUES ('tom', '', 0)",
            id="insert",
        ),
        pytest.param("SELECT * FROM memory_00", id="read-a-part"),
        pytest.param("ALTER TABLE memory DISABLE ROW LEVEL SECURITY", id="take-the-fence-down"),
    ],
)
def test_a_statement_that_climbs_over_is_refused(store: Store, statement: str) -> None:
    add(store, "kate", "a")
    with pytest.raises(StoreError, match="refuses that to its user"):
        store.write("kate", lambda writing: writing.connection.execute(text(statement)))
    assert ids(current(store)) == ["a"]


def test_a_delete_without_a_workspace_deletes_nothing_of_others(store: Store) -> None:
    add(store, "kate", "a")
    add(store, "tom", "b")
    delete = text("DELETE FROM memory")
    store.write("kate", lambda writing: writing.connection.execute(delete))
    assert ids(current(store, "tom")) == ["b"]


def test_nothing_of_a_transaction_stays_on_its_connection(store: Store) -> None:
    add(store, "kate", "a")
    asked = text(
        "SELECT current_setting('mba.workspace', true), "
        "current_setting('mba.all_workspaces', true), current_user"
    )
    pool = store._writers  # type: ignore[attr-defined]
    with pool.connect() as connection:
        workspace, everything, user = connection.execute(asked).one()
    assert (workspace or "", everything or "", user) == ("", "", "postgres")


def test_the_fences_hold_for_an_owner_who_is_no_superuser(
    postgres: str, request: pytest.FixtureRequest
) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS mba_owner")
        connection.execute("CREATE ROLE mba_owner LOGIN PASSWORD 'secret'")
    try:
        with new_database(postgres, "mba_of_owner") as url:
            with psycopg.connect(url) as connection:
                connection.execute("GRANT ALL ON SCHEMA public TO mba_owner")
            with open_store(url.replace("postgres@", "mba_owner:secret@", 1)) as store:
                assert "secret" not in store.url
                for name in ("kate", "tom"):
                    store.write(name, lambda writing: workspaces.create(writing, settings={}))
                    add(store, name, name)
                with store.read("kate") as reading:
                    assert counted(reading.connection) == 1
                with store.read_all() as all_of_them:
                    assert counted(all_of_them.connection) == 2
                assert store.scrub("kate").startswith("Written anew")
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("DROP ROLE mba_owner")


def test_two_stores_see_each_others_writes(store: Store, where: str, clock: Clock) -> None:
    with open_store(where) as other:
        add(other, "kate", "a")
        assert ids(current(store)) == ["a"]
        add(store, "kate", "b")
        assert [(one.memory_id, one.stored_at) for one in current(other)][1] == ("b", START)


def test_a_read_is_of_one_moment(store: Store) -> None:
    with store.read("kate") as reading:
        assert workspaces.change_seq(reading) == 0
        add(store, "kate", "a")
        assert workspaces.change_seq(reading) == 0


def test_a_lock_that_is_held_is_waited_for_so_long(store: Store, where: str) -> None:
    with psycopg.connect(where) as connection:
        connection.execute("SELECT 1 FROM workspace WHERE workspace_id = 'kate' FOR UPDATE")

        def hurry(writing: object) -> None:
            writing.connection.execute(text("SET LOCAL lock_timeout = 20"))  # type: ignore[attr-defined]
            writing.hold()  # type: ignore[attr-defined]

        with pytest.raises(StoreBusyError, match="kept the transaction waiting too long"):
            store.write("kate", hurry)


def nobody_listens(server: str) -> str:
    return "postgresql://postgres@127.0.0.1:9/x"


def no_database(server: str) -> str:
    return in_database(server, "no_such_database")


@pytest.mark.parametrize(
    "url",
    [pytest.param(nobody_listens, id="no-server"), pytest.param(no_database, id="no-database")],
)
def test_a_server_that_cannot_be_reached_is_named(postgres: str, url: Callable[[str], str]) -> None:
    with pytest.raises(StoreUnreachableError, match=r"postgresql://postgres@.* does not answer"):
        open_store(url(postgres))


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="where must be a URL such as postgresql://HOST/DATABASE"):
        open_store("postgresql://host:port/x")


def test_a_closed_store_says_so_and_one_has_no_copies(where: str, tmp_path: Path) -> None:
    store = open_store(where)
    status = store.status()
    assert (status.engine.split()[0], status.revision, status.full) == ("PostgreSQL", HEAD, False)
    with pytest.raises(StoreError, match="is backed up with Postgres' own pg_dump"):
        store.backup(tmp_path / "copy.db")
    store.close()
    store.close()
    with pytest.raises(StoreClosedError, match="was closed"):
        current(store)


def test_tables_of_something_else_or_none_are_not_touched(postgres: str) -> None:
    with new_database(postgres, "mba_other") as url:
        with pytest.raises(
            SchemaError, match="the database has no tables, this release works with"
        ):
            open_store(url, upgrade=False)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE recipe (title text)")
        with pytest.raises(StoreFileError, match="tables of something else, such as 'recipe'"):
            open_store(url)
