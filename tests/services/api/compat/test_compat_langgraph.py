"""LangGraph's SDK against a server on a real port: its store, by changing the URL alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from http_server import key_of
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.client import SyncStoreClient as StoreClient
from langgraph_sdk.errors import (
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    UnprocessableEntityError,
)

from mba_integrations.langchain import MemoryServiceStore
from mba_integrations.services.api.serving import listening, run, url_of
from mba_integrations.services.memory.service import MemoryService

KATE = ["kate", "notes"]


@pytest.fixture(scope="module")
def url(compat: FastAPI) -> Iterator[str]:
    """Where the store answers. The server ends by itself when nobody asks any more."""
    with listening("127.0.0.1", 0) as bound:
        server = threading.Thread(target=run, args=(compat, bound), kwargs={"idle_exit": 1.0})
        server.start()
        yield f"{url_of(bound)}/langgraph"
        server.join(20)
        assert not server.is_alive()


@pytest.fixture(scope="module")
def key(shared: MemoryService) -> str:
    """A key for one workspace."""
    return key_of(shared, workspaces=["kate"])["X-API-Key"]


def keys(found: Any) -> list[str]:
    return [one["key"] for one in found["items"]]


@pytest.fixture
def client(url: str, key: str) -> Iterator[SyncLangGraphClient]:
    with get_sync_client(url=url, api_key=key) as client:
        yield client


async def test_the_store_of_the_sdk_reads_what_it_wrote(url: str, key: str) -> None:
    async with get_client(url=url, api_key=key) as client:
        store = client.store
        await store.put_item(KATE, key="a", value={"text": "Kate skis.", "n": 1}, ttl=5)
        await store.put_item(KATE, key="b", value={"text": "Kate reads.", "n": 2}, index=False)
        await store.put_item(["kate"], key="c", value={"title": "Skis", "n": 3}, index=["title"])

        found = await store.get_item(KATE, key="a")
        assert (found["namespace"], found["key"]) == (KATE, "a")
        assert found["value"] == {"text": "Kate skis.", "n": 1}
        assert found["created_at"] <= found["updated_at"]
        assert await store.get_item(KATE, key="z") is None

        assert keys(await store.search_items(KATE)) == ["b", "a"]
        assert keys(await store.search_items(["kate"], limit=1, offset=1)) == ["b"]
        assert keys(await store.search_items([], filter={"n": {"$gte": 2}})) == ["c", "b"]
        ranked = (await store.search_items(["kate"], query="Who skis?"))["items"]
        assert [one["key"] for one in ranked][2] == "b"
        assert ranked[2]["score"] is None
        scores = [one["score"] or 0 for one in ranked]
        assert scores[0] >= scores[1] > 0

        assert await store.list_namespaces() == {"namespaces": [["kate"], KATE]}
        assert await store.list_namespaces(suffix=["notes"]) == {"namespaces": [KATE]}
        assert await store.list_namespaces(prefix=["*"], max_depth=1) == {"namespaces": [["kate"]]}

        await store.delete_item(KATE, key="a")
        await store.delete_item(KATE, key="a")
        assert await store.get_item(KATE, key="a") is None


def test_an_item_is_the_same_to_the_store_for_agents_and_to_a_recall(
    client: SyncLangGraphClient, shared: MemoryService
) -> None:
    value = {"text": "Tea is at five.", "deep": [{"a": None}]}
    client.store.put_item(["same"], key="a", value=value)
    store = MemoryServiceStore(shared, "kate")
    [item] = store.search(("same",))
    assert item.value == value
    store.put(("same",), "a", {"text": "Tea is at six."})
    assert client.store.get_item(["same"], key="a")["value"] == {"text": "Tea is at six."}
    assert "at six" in shared.recall("kate", "When is tea?", budget_tokens=50).prompt_text


def test_a_read_keeps_an_item_for_longer_unless_it_says_otherwise(
    client: SyncLangGraphClient, shared: MemoryService
) -> None:
    client.store.put_item(["ttl"], key="a", value={"text": "x"}, ttl=60)
    [row] = shared.list("kate", limit=1).rows
    soon = shared.now() + timedelta(minutes=1)
    shared.expire("kate", row.memory_id, soon)
    client.store.get_item(["ttl"], key="a", refresh_ttl=False)
    assert shared.get("kate", row.memory_id).expires_at == soon
    client.store.get_item(["ttl"], key="a")
    later = shared.get("kate", row.memory_id).expires_at
    assert later is not None
    assert later > soon + timedelta(minutes=58)


REFUSED: list[tuple[str, Callable[[StoreClient], Any]]] = [
    (r"/body/namespace.*LangGraph's own", lambda store: store.put_item(["langgraph"], "a", {})),
    (r"/body/namespace", lambda store: store.put_item([], "a", {})),
    (r"ttl must be minutes", lambda store: store.put_item(["k"], "a", {}, ttl=-1)),
    (r"\$like' is none of", lambda store: store.search_items([], {"n": {"$like": 1}})),
    (r"/body/limit", lambda store: store.search_items([], limit=0)),
]


@pytest.mark.parametrize(("why", "ask"), REFUSED, ids=[why for why, _ in REFUSED])
def test_what_cannot_be_done_is_refused(
    client: SyncLangGraphClient, why: str, ask: Callable[[StoreClient], Any]
) -> None:
    client.store.put_item(["kate"], key="x", value={"n": 1})
    with pytest.raises(UnprocessableEntityError, match=why):
        ask(client.store)


def test_what_is_not_there_says_so(client: SyncLangGraphClient, url: str, key: str) -> None:
    with pytest.raises(InternalServerError, match="the store alone"):
        client.assistants.search()
    with (
        get_sync_client(url=f"{url}/workspaces/tom", api_key=key) as foreign,
        pytest.raises(NotFoundError, match="there is no workspace 'tom'"),
    ):
        foreign.store.get_item(["kate"], key="a")
    with (
        get_sync_client(url=url, api_key="none") as nobody,
        pytest.raises(AuthenticationError, match="the key is not known"),
    ):
        nobody.store.get_item(["kate"], key="a")
