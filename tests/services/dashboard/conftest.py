"""A server with the dashboard on a service with the workspace `kate`, and a browser of sorts."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.dashboard.app import dashboard
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Iterator[MemoryService]:
    """The service of one test."""
    path = shutil.copy(sqlite_template, tmp_path / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        service.create_workspace("kate", max_total_tokens=1_000)
        yield service


@pytest.fixture
def app(service: MemoryService) -> FastAPI:
    """The server's app as `mba serve` makes it."""
    settings = ServerSettings()
    return create_app(service, settings, mounts=[dashboard(service, settings)])


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Something that keeps cookies as a browser does."""
    async with caller(app) as client:
        yield client
