"""Migrations: what they make is what the code says, populated stores keep their rows."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from logged_rows import kept_rollups, log_some
from sqlalchemy import create_engine, text
from store_rows import add, current, ids, read, row

from mba_integrations.services.store.errors import SchemaError
from mba_integrations.services.store.migrations import revisions, upgrading
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.sqlite import opening
from mba_integrations.services.store.statements import loading, workspaces
from mba_integrations.services.store.store import Store

NOW = revisions.HEAD
LATER = f"{int(NOW) + 1:04}"
MOODS = f'''"""A later release: memories have a mood."""

import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{NOW}"


def upgrade() -> None:
    op.add_column("memory", sa.Column("mood", sa.Text(), server_default="calm"))
'''


@pytest.fixture
def later_release(populated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is of a later release than the file, whose revision adds a column."""
    scripts = tmp_path / "migrations"
    shutil.copytree(upgrading.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / f"r{LATER}_moods.py").write_text(MOODS)
    monkeypatch.setattr(upgrading, "SCRIPTS", scripts)
    monkeypatch.setattr(revisions, "KNOWN", (*revisions.KNOWN, LATER))
    for module in (revisions, upgrading, opening):
        monkeypatch.setattr(module, "HEAD", LATER)


@pytest.fixture
def populated(sqlite_path: Path) -> Path:
    """A file with memories, of this release."""
    with open_store(sqlite_path) as store:
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))
        add(store, "kate", row("a", tags=("t",)), "b")
    return sqlite_path


def test_what_the_migrations_make_is_what_the_code_says(store: Store) -> None:
    with store.read_all() as reading:
        assert upgrading.differences(reading.connection) == []


def test_a_difference_would_be_found(sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path)) as connection:
        connection.execute("ALTER TABLE memory ADD COLUMN mood TEXT")
        connection.execute("DROP INDEX ix_memory_workspace_id_subject")
        connection.commit()
    with open_store(sqlite_path) as store, store.read_all() as reading:
        assert len(upgrading.differences(reading.connection)) == 2


def test_the_known_revisions_are_the_files() -> None:
    files = sorted((upgrading.SCRIPTS / "versions").glob("r*.py"))
    said = [re.search(r'^revision = "(\w+)"$', one.read_text(), re.MULTILINE) for one in files]
    assert [one[1] for one in said if one] == list(revisions.KNOWN)
    assert [one.name[1:5] for one in files] == list(revisions.KNOWN)


@pytest.mark.usefixtures("later_release")
def test_a_populated_file_is_copied_and_upgraded_with_all_its_rows(populated: Path) -> None:
    with closing(sqlite3.connect(populated)) as connection:
        before = connection.execute("SELECT * FROM memory ORDER BY memory_id").fetchall()
    with open_store(populated) as store:
        assert ids(current(store)) == ["a", "b"]
        assert store.status().revision == LATER
    with closing(sqlite3.connect(populated)) as connection:
        after = connection.execute("SELECT * FROM memory ORDER BY memory_id").fetchall()
    assert after == [(*one, "calm") for one in before]
    copy = populated.with_name(f"memory.db.before-{LATER}")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT * FROM memory ORDER BY memory_id").fetchall() == before
        assert connection.execute("SELECT * FROM store_version").fetchall() == [(NOW,)]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_what_the_first_release_kept_gets_terms_and_rollups(where: Path | str) -> None:
    with open_store(where) as store:
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))
        store.write("ben", lambda writing: workspaces.create(writing, settings={}))
        add(store, "kate", row("a"), "b")
        add(store, "ben", "a")
        log_some(store, "kate", count=7)
        added_up = kept_rollups(store, "kate")
    with connected(where) as connection:
        gateway = ("spend_period", "spend_slice", "spend_reservation", "gateway_usage")
        for table in (*gateway, "proposal", "word_posting", "word_part", "document"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE session DROP COLUMN gateway")
        connection.execute("DROP TABLE api_key")
        connection.execute("DROP TABLE allocation_rollup")
        connection.execute("ALTER TABLE allocation DROP COLUMN figures")
        connection.execute("ALTER TABLE feedback DROP COLUMN weight")
        connection.execute("ALTER TABLE memory DROP COLUMN terms")
        connection.execute("UPDATE store_version SET version_num = '0001'")
        connection.commit()
    with open_store(where, upgrade=True) as store:
        kept = [list(read(store, one, loading.active).terms) for one in ("kate", "ben")]
        assert (kept_rollups(store, "kate"), kept_rollups(store, "ben")) == (added_up, {})
    assert kept == [["1 0\ntext", "1 0\ntext\nb"], ["1 0\ntext"]]


@pytest.mark.parametrize("revision", revisions.KNOWN)
def test_a_file_of_each_earlier_release_is_upgraded_with_its_rows(
    revision: str, populated: Path, tmp_path: Path
) -> None:
    with open_store(populated) as store:
        log_some(store, "kate", count=7)
        added_up = kept_rollups(store, "kate")
    earlier = tmp_path / "earlier.db"
    made_at(f"sqlite:///{earlier}", revision)
    copy_rows(populated, earlier)
    with open_store(earlier) as store:
        assert ids(current(store)) == ["a", "b"]
        assert kept_rollups(store, "kate") == added_up
        with store.read_all() as reading:
            assert upgrading.differences(reading.connection) == []


def made_at(url: str, revision: str) -> None:
    """Tables as that revision has them, made by the scripts up to it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrading.run(connection, revision)
    engine.dispose()


def copy_rows(newer: Path, older: Path) -> None:
    """What the older file has tables and columns for, out of the newer one."""
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("ATTACH ? AS newer", (str(newer),))
        tables = connection.execute(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite_%' AND name <> 'store_version'"
        ).fetchall()
        for (table,) in tables:
            columns = ", ".join(
                f'"{name}"'
                for (name,) in connection.execute(
                    "SELECT name FROM pragma_table_info(?, 'main')", (table,)
                )
            )
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"
            )
        connection.commit()


def connected(where: Path | str) -> AbstractContextManager[Any]:
    """A connection of the driver's own."""
    if isinstance(where, Path):
        return closing(sqlite3.connect(where))
    import psycopg

    return psycopg.connect(where)


@pytest.mark.usefixtures("later_release")
def test_an_upgrade_that_is_not_wanted_is_refused(populated: Path) -> None:
    with pytest.raises(
        SchemaError, match=f"has tables of revision {NOW}, this release works with {LATER}"
    ):
        open_store(populated, upgrade=False)
    assert not populated.with_name(f"memory.db.before-{LATER}").exists()


def test_an_upgrade_waits_until_no_other_process_has_the_file(
    populated: Path, request: pytest.FixtureRequest
) -> None:
    with open_store(populated):
        request.getfixturevalue("later_release")
        with pytest.raises(SchemaError, match="Other processes have it open: end them"):
            open_store(populated)
    open_store(populated).close()


@pytest.mark.usefixtures("later_release")
def test_an_upgrade_that_breaks_leaves_the_file_as_it_was(
    populated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = upgrading.SCRIPTS / "versions" / f"r{LATER}_moods.py"
    script.write_text(MOODS + '    raise KeyError("half way")\n')
    with pytest.raises(KeyError, match="half way"):
        open_store(populated)
    script.write_text(MOODS)
    monkeypatch.setattr(upgrading, "run", lambda connection: None)
    with pytest.raises(SchemaError, match=f"the upgrade from {NOW} ended at {NOW}, not at {LATER}"):
        open_store(populated)
    monkeypatch.undo()
    with open_store(populated) as store:
        assert ids(current(store)) == ["a", "b"]
        assert store.status().revision == NOW


def test_tables_of_a_later_release_are_refused_by_both_names(where: Path | str) -> None:
    with open_store(where) as store:
        set_revision(store, "0999")
    try:
        with pytest.raises(
            SchemaError, match=f"have revision 0999, this release knows {NOW}"
        ) as no:
            open_store(where)
        assert (no.value.found, no.value.known) == ("0999", NOW)
    finally:
        if isinstance(where, str):
            with connected(where) as connection:
                connection.execute(f"UPDATE store_version SET version_num = '{NOW}'")


def set_revision(store: Store, revision: str) -> None:
    """Pretend that a later release made the tables."""
    statement = text("UPDATE store_version SET version_num = :revision")
    if store.url.startswith("sqlite"):
        store.write_all(
            lambda writing: writing.connection.execute(statement, {"revision": revision})
        )
        return
    engine = store._writers  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(statement, {"revision": revision})
