"""Services on a store of the test's own: a SQLite file, or Postgres where a test asks for both.

The SQLite file is a copy of one that was made once. The database on Postgres belongs to the worker,
and is emptied before each test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened
from postgres_server import emptied

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter


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


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    """A service with the workspace `kate`."""
    service = opened()
    service.create_workspace("kate", max_total_tokens=1_000)
    return service
