"""A service with three workspaces on a copy of an empty store, and clients of the SDK over it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_clients import BASE, Keyed, Linked

from mba_integrations.services.mcp.http import mcp_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Iterator[MemoryService]:
    """Workspaces `kate`, `bob` and `default`."""
    path = shutil.copy(sqlite_template, tmp_path / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        for name in ("kate", "bob", "default"):
            service.create_workspace(name, max_total_tokens=5_000)
        yield service


@pytest.fixture
def linked(service: MemoryService) -> Linked:
    """Makes a client of a workspace, over HTTP without a socket."""

    @asynccontextmanager
    async def client(
        workspace: str | None = "kate", *, key: str = "all", mode: str = "auto"
    ) -> AsyncIterator[Client]:
        app = mcp_app(service)
        path = "/mcp" if workspace is None else f"/mcp/{workspace}"
        async with (
            app.lifespan(),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=Keyed(app)),
                headers={"Authorization": f"Bearer {key}"},
            ) as http,
            Client(streamable_http_client(BASE + path, http_client=http), mode=mode) as made,
        ):
            yield made

    return client
