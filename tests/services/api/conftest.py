"""An app on a service with two workspaces, `kate` and `tom`, and a caller on this machine."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller

from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter


@pytest.fixture(scope="session")
def two_workspaces(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with `kate` and `tom`."""
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("api") / "memory.db"))
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        for name in ("kate", "tom"):
            service.create_workspace(name, max_total_tokens=1_000)
    return path


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def service(two_workspaces: Path, tmp_path: Path, clock: Clock) -> Iterator[MemoryService]:
    """The service of one test."""
    path = shutil.copy(two_workspaces, tmp_path / "memory.db")
    counter = WordCounter()
    with MemoryService.open(path, token_counter=counter, background=False, clock=clock) as service:
        yield service


@pytest.fixture
def app(service: MemoryService) -> FastAPI:
    """The server's app as it is by default."""
    return create_app(service)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller on this machine."""
    async with caller(app) as client:
        yield client
