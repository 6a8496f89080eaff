"""The app that is made when the first request comes."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest
from mcp_clients import BASE, Keyed

from mba_integrations.services.mcp import late
from mba_integrations.services.mcp.late import LateMcpApp
from mba_integrations.services.memory.service import MemoryService

PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The apps that were made."""
    found: list[Any] = []
    make = late._made

    def noted(service: MemoryService) -> Any:
        found.append(make(service))
        return found[-1]

    monkeypatch.setattr(late, "_made", noted)
    return found


async def test_it_is_made_once_when_the_first_requests_come(
    service: MemoryService, made: list[Any]
) -> None:
    app = LateMcpApp(service)
    headers = {"Authorization": "Bearer all", "Accept": "application/json, text/event-stream"}
    transport = httpx2.ASGITransport(app=Keyed(app))
    replies: list[httpx2.Response] = []
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, headers=headers) as http:

        async def ask() -> None:
            replies.append(await http.post(f"{BASE}/mcp/kate", json=PING))

        assert not made
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
    assert len(made) == 1
    assert {len(one.json()["result"]["tools"]) for one in replies} == {6}


async def test_what_fails_to_be_made_is_made_at_the_next_request(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, make = LateMcpApp(service), late._made

    def broken(service: MemoryService) -> Any:
        raise ImportError("no SDK")

    transport = httpx2.ASGITransport(app=Keyed(app))
    headers = {"Authorization": "Bearer all", "Accept": "application/json, text/event-stream"}
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, headers=headers) as http:
        monkeypatch.setattr(late, "_made", broken)
        with pytest.raises(ImportError, match="no SDK"):
            await http.post(f"{BASE}/mcp/kate", json=PING)
        monkeypatch.setattr(late, "_made", make)
        assert (await http.post(f"{BASE}/mcp/kate", json=PING)).status_code == 200
