"""Services on a store of the test's own: a SQLite file, or Postgres where a test asks for both.

The SQLite file is a copy of one that was made once. The database on Postgres belongs to the worker,
and is emptied before each test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memory_services import Opened
from postgres_server import new_database, postgres_server

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.tables.tenancy import TENANT_TABLES
from mba_integrations.testing import Clock, WordCounter


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "memory.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def postgres_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the worker's database, with our tables."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = tmp_path_factory.getbasetemp()
    name = f"mba_memory_{worker or 'alone'}_{os.getpid()}"
    with (
        postgres_server(folder.parent if worker else folder) as server,
        new_database(server, name) as url,
    ):
        open_store(url).close()
        yield url


@pytest.fixture
def where(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> str:
    """Path or URL of an empty store; on Postgres if the test's parameter says so."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return str(shutil.copy(sqlite_template, tmp_path / "memory.db"))
    url: str = request.getfixturevalue("postgres_database")
    names = [table.name for table in reversed(TENANT_TABLES)]
    with psycopg.connect(url) as connection:
        connection.execute("; ".join(f"DELETE FROM {name}" for name in names))
    return url


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def opened(where: str, clock: Clock) -> Iterator[Opened]:
    """Opens services on one store; a second one stands beside the first."""
    services: list[MemoryService] = []

    def open_one(**options: Any) -> MemoryService:
        settings = {"token_counter": WordCounter(), "background": False, "clock": clock}
        services.append(MemoryService.open(where, **{**settings, **options}))
        return services[-1]

    yield open_one
    for service in services:
        service.close()


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    """A service with the workspace `kate`."""
    service = opened()
    service.create_workspace("kate", max_total_tokens=1_000)
    return service
