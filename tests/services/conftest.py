"""Services on a store of the test's own: a SQLite file, or Postgres where a test asks for both.

The SQLite file is a copy of one that was made once. The Postgres server is one for all; its
database belongs to the worker, and is emptied before each test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened
from postgres_server import emptied, new_database, postgres_server

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.opening import open_store
from mba_integrations.testing import Clock, WordCounter


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Postgres server; one for all, since the first to end would stop that of others."""
    folder = tmp_path_factory.getbasetemp()
    with postgres_server(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "memory.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of the worker's database, with our tables."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with new_database(postgres, f"mba_memory_{worker}_{os.getpid()}") as url:
        open_store(url).close()
        yield url


@pytest.fixture
def where(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> str:
    """Path or URL of an empty store; on Postgres if the test's parameter says so."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return str(shutil.copy(sqlite_template, tmp_path / "memory.db"))
    url: str = request.getfixturevalue("postgres_database")
    return emptied(url)


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
