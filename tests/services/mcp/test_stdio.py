"""Two agents at once over pipes, by the SDK's own client, and the process that serves both."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_clients import MODES, Keyed, text_of
from repository import ROOT
from starlette.types import ASGIApp

from mba_integrations.services.daemon.place import beside, running
from mba_integrations.services.mcp.http import mcp_app
from mba_integrations.services.memory.service import MemoryService

_LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
_ACCEPT = {"Accept": "application/json, text/event-stream"}


async def remembers_and_recalls(database: Path, mode: str, name: str) -> None:
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mba_integrations", "mcp", "--db", str(database)],
        env={"PYTHONPATH": str(ROOT)},
    )
    async with Client(stdio_client(started), mode=mode) as client:
        assert len((await client.list_tools()).tools) == 6
        fact = f"{name} keeps bees in the garden."
        await client.call_tool("remember", {"items": [{"text": fact}]})
        recalled = await client.call_tool("recall", {"query": f"What does {name} keep?"})
        assert fact in text_of(recalled)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def asked(url: str, *, app: ASGIApp | None = None, **headers: str) -> httpx2.Response:
    """The answer to a list of the tools, of a server or of an app."""
    transport = None if app is None else httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.post(f"{url}/mcp/default", json=_LIST, headers={**_ACCEPT, **headers})


@pytest.mark.anyio
async def test_agents_share_one_daemon_which_ends_cleanly(
    tmp_path: Path, service: MemoryService
) -> None:
    database = tmp_path / "shared.db"
    async with anyio.create_task_group() as agents:
        for mode, name in zip(MODES, ("Ann", "Ben"), strict=True):
            agents.start_soon(remembers_and_recalls, database, mode, name)
    daemon = running(database)
    assert daemon is not None

    wrong = await asked(daemon.url, Authorization="Bearer wrong")
    assert wrong.status_code == 401
    token = f"Bearer {daemon.token}"
    page = await asked(daemon.url, Authorization=token, Origin="http://evil.example")
    assert page.status_code == 403
    app = mcp_app(service)
    async with app.lifespan():
        ours = await asked("http://127.0.0.1:1", app=Keyed(app), Authorization="Bearer all")
    theirs = await asked(daemon.url, Authorization=token)
    assert theirs.content == ours.content, "definitions are the same bytes in every process"

    os.kill(daemon.pid, signal.SIGTERM)
    with anyio.fail_after(30):
        while running(database) is not None or _lives(daemon.pid):
            await anyio.sleep(0.02)
    assert not beside(database, "token").exists()
    with MemoryService.open(database, background=False) as opened:
        assert {row.content[:3] for row in opened.list("default").rows} == {"Ann", "Ben"}
        assert {row.client for row in opened.list("default").rows} == {"mcp"}
