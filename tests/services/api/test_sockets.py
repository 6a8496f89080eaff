"""A real server on a real port, with the real clients; one for all tests of this file."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_server import held_search

from mba_integrations.core.errors import ConfigError
from mba_integrations.services import AsyncMbaClient, MbaClient, MemoryService, ServerError
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.serving import listening, run, url_of
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.testing import WordCounter


@pytest.fixture(scope="module")
def served(
    two_workspaces: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, MemoryService]]:
    """Where a server answers, and its service. It ends by itself when nobody asks any more."""
    path = tmp_path_factory.mktemp("served") / "memory.db"
    path.write_bytes(two_workspaces.read_bytes())
    with (
        MemoryService.open(path, token_counter=WordCounter(), background=False) as service,
        listening("127.0.0.1", 0) as bound,
    ):
        app = create_app(service, ServerSettings(threads=1, token="owner"))
        server = threading.Thread(target=run, args=(app, bound), kwargs={"idle_exit": 1.0})
        server.start()
        yield url_of(bound), service
        server.join(20)
        assert not server.is_alive()


def test_a_client_remembers_recalls_and_forgets(served: tuple[str, MemoryService]) -> None:
    with MbaClient(served[0]) as client:
        kept = client.remember("kate", ["Kate lives in Lisbon.", {"content": "Kate skis."}])
        ids = [one["id"] for one in kept["results"]]
        reply = client.recall("kate", "Where does Kate live?", budget_tokens=50)
        assert "Lisbon" in reply["prompt_text"]
        assert reply["used_tokens"] <= 50
        assert client.search("kate", "skis", limit=1)["hits"][0]["content"] == "Kate skis."
        assert client.get("kate", str(ids[0]))["content"] == "Kate lives in Lisbon."
        client.pin("kate", str(ids[0]))
        client.move("kate", [str(ids[1])], "project")
        client.revise("kate", str(ids[1]), "Kate swims.")
        assert len(client.list("kate", limit=500)["memories"]) == 2
        assert client.statistics("kate")["allocation_count"] == 1
        assert client.forget("kate", subject="nobody")["memory_ids"] == []
        assert client.erase("kate", memory_ids=[str(ids[0])])["counts"]["memory"] == 1
        with pytest.raises(ServerError, match="there is no workspace 'anna'") as refused:
            client.workspace("anna")
        assert refused.value.kind == "unknown-workspace"


async def test_the_awaited_client_does_so_too(served: tuple[str, MemoryService]) -> None:
    async with AsyncMbaClient(served[0]) as client:
        await client.remember("tom", "Tom lives in Oslo.")
        reply = await client.recall("tom", "Where does Tom live?", budget_tokens=50)
        assert "Oslo" in reply["prompt_text"]
        found = await client.allocate(
            "Kate?", [{"id": "a", "content": "Kate skis.", "tier": "rag"}], budget_tokens=50
        )
        assert found["selected"][0]["id"] == "a"


def test_the_owner_needs_no_key(served: tuple[str, MemoryService]) -> None:
    path = "/v1/workspaces/kate/counts"
    assert httpx2.get(served[0] + path, headers={"X-API-Key": "owner"}).status_code == 200
    assert httpx2.get(served[0] + path, headers={"X-API-Key": "other"}).status_code == 401


def test_a_caller_that_goes_away_leaves_the_queue(
    served: tuple[str, MemoryService], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one thread is held; the caller behind it closes its connection and is never served."""
    url, service = served
    begun, go_on, asked = held_search(service, monkeypatch)
    path = "/v1/workspaces/kate/search"
    first = threading.Thread(target=httpx2.post, args=(url + path,), kwargs=_asked("first"))
    first.start()
    begun.wait(10)
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(url + path, **_asked("gone"), timeout=0.3)
    _wait_for(url, "mba_work_waiting 0.0")
    go_on.set()
    first.join(10)
    assert asked == ["first"]


def _asked(query: str) -> dict[str, Any]:
    return {"json": {"query": query}}


def _wait_for(url: str, line: str) -> None:
    until = time.monotonic() + 10
    while line not in httpx2.get(f"{url}/metrics").text:
        assert time.monotonic() < until, line
        time.sleep(0.01)


def test_a_port_that_is_taken_is_told() -> None:
    with listening("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConfigError, match="--port 0 takes a free one"):
            listening("127.0.0.1", port)
    with pytest.raises(ConfigError, match="cannot listen at"):
        listening("nowhere.invalid", 0)


def test_what_is_accepted_sends_small_packets_at_once() -> None:
    with listening("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_addresses_are_shown_as_callers_of_this_machine_use_them() -> None:
    with socket.create_server(("0.0.0.0", 0)) as bound:
        assert url_of(bound) == f"http://127.0.0.1:{bound.getsockname()[1]}"
