"""A store for each test, on SQLite and on Postgres.

The SQLite file is a copy of one that was made once. The store on Postgres belongs to the worker,
and is emptied before each test: to make a database takes longer than any test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import emptied
from store_rows import Clock

from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.store import Store


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A SQLite file of the test's own."""
    return Path(shutil.copy(sqlite_template, tmp_path / "memory.db"))


@pytest.fixture(scope="session")
def postgres_store(postgres_database: str) -> Iterator[Store]:
    """The worker's store on Postgres."""
    with open_store(postgres_database) as opened:
        yield opened


@pytest.fixture
def empty_postgres(postgres_database: str) -> str:
    """URL of the worker's database, with nothing in its tables."""
    return emptied(postgres_database)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest) -> Path | str:
    """Path or URL of an empty store."""
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("sqlite_path")
        return path
    url: str = request.getfixturevalue("empty_postgres")
    return url


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def store(request: pytest.FixtureRequest, where: Path | str, clock: Clock) -> Iterator[Store]:
    """A store with the workspaces `kate` and `tom`."""
    of_test = isinstance(where, Path)
    store: Store = open_store(where) if of_test else request.getfixturevalue("postgres_store")
    store.clock = clock
    for name in ("kate", "tom"):
        store.write(name, lambda writing: workspaces.create(writing, settings={}))
    yield store
    if of_test:
        store.close()
