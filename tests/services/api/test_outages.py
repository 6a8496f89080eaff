"""The server on Postgres, and what it says while something is amiss; it recovers alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from http_server import caller, key_of, problem_in
from postgres_server import emptied
from relay import Relay

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.layers import rates
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.statements import jobs
from mba_integrations.testing import Clock, WordCounter

KATE = "/v1/workspaces/kate"
NAMED, OTHER = {"Idempotency-Key": "k1"}, {"Idempotency-Key": "k2"}


def opened(where: str | Path, clock: Clock) -> MemoryService:
    return MemoryService.open(where, token_counter=WordCounter(), background=False, clock=clock)


@pytest.fixture
def relay(postgres_database: str, tmp_path: Path) -> Iterator[Relay]:
    """A way to the database that can be cut."""
    if "host=" not in postgres_database:
        pytest.skip("the server does not listen on a socket of the file system")
    made = Relay(tmp_path, emptied(postgres_database))
    made.open()
    yield made
    made.cut()


async def remembered(http: httpx2.AsyncClient, text: str = "Kate skis.") -> httpx2.Response:
    return await http.post(f"{KATE}/memories", json={"memories": [text]})


def put_off(reply: httpx2.Response) -> tuple[int, str]:
    assert int(reply.headers["retry-after"]) > 0
    return problem_in(reply)


async def test_it_does_on_postgres_what_it_does_on_sqlite(
    postgres_database: str, clock: Clock
) -> None:
    """What touches the database in a way of its own: answers, cursors, jobs, pages, the log."""
    with opened(emptied(postgres_database), clock) as service:
        async with caller(create_app(service)) as http:
            asked: dict[str, Any] = {"json": {"workspace_id": "kate"}, "headers": NAMED}
            made = [await http.post("/v1/workspaces", **asked) for _ in range(2)]
            texts = [{"id": str(number), "memory": f"Kate said {number}."} for number in range(3)]
            path = f"{KATE}/imports?format=mem0&background=true"
            job = await http.post(path, content=json.dumps(texts), headers=NAMED)
            service.jobs.run()
            done = await http.get(f"{KATE}/jobs/{job.json()['job_id']}")
            page = (await http.post(f"{KATE}/memories/list", json={"limit": 2})).json()
            recall = await http.post(f"{KATE}/recall", json={"query": "Kate?", "tiers": ["rag"]})
            allocation = f"{KATE}/allocations/{recall.json()['allocation_id']}"
            replay = await http.post(f"{allocation}/replay", json={"query": "Kate?"})
            export = await http.get(f"{KATE}/export")
            erasures = [
                await http.post(f"{KATE}/erasures", json={"memory_ids": ["0"]}, headers=OTHER)
                for _ in range(2)
            ]
        async with caller(create_app(service)) as after:
            body = {"limit": 2, "cursor": page["next_cursor"]}
            rest = await after.post(f"{KATE}/memories/list", json=body)
    assert [one.status_code for one in made] == [201, 201]
    assert done.json()["result"]["created"] == 3
    assert (replay.json()["changed"], len(rest.json()["memories"])) == ([], 0)
    assert json.loads(export.content.splitlines()[-1])["count"] == 3
    assert [one.status_code for one in erasures] == [201, 201]
    assert erasures[0].json() == erasures[1].json()


async def test_a_database_that_is_away_is_told_and_waited_for(relay: Relay, clock: Clock) -> None:
    with opened(relay.url, clock) as service:
        service.create_workspace("kate")
        async with caller(create_app(service), headers=key_of(service)) as http:
            assert (await remembered(http)).status_code == 200
            relay.cut()
            away = [
                await http.get("/readyz"),
                await http.get(f"{KATE}/counts"),
                await http.post(f"{KATE}/recall", json={"query": "Kate?"}),
                await remembered(http, "Kate swims."),
                await http.get(f"{KATE}/export"),
            ]
            assert {put_off(one) for one in away} == {(503, "store-unreachable")}
            assert (await http.get("/livez")).status_code == 200
            relay.open()
            assert (await http.get("/readyz")).status_code == 200
            assert (await remembered(http, "Kate swims.")).json()["results"][0]["created"]
            assert (await http.get(f"{KATE}/counts")).json()["total"] == 2


async def test_a_full_disk_is_507_and_a_file_that_cannot_be_written_503(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    writer = service._equipment.store._writer  # type: ignore[attr-defined]

    def told(statement: str) -> None:
        writer.between(lambda driver: driver.execute(statement).fetchall()).result(10)

    await remembered(http)
    told("PRAGMA max_page_count = 1")
    assert put_off(await remembered(http, "x" * 200_000)) == (507, "storage-full")
    assert (await http.get(f"{KATE}/counts")).json()["total"] == 1
    told("PRAGMA max_page_count = 1073741823")
    writer._full_until = 0.0  # the pause is over
    assert (await remembered(http, "Kate swims.")).status_code == 200
    told("PRAGMA query_only = ON")
    assert put_off(await remembered(http, "Kate runs.")) == (503, "store-file")
    assert (await http.post(f"{KATE}/recall", json={"query": "Kate?"})).status_code == 200
    told("PRAGMA query_only = OFF")
    assert (await remembered(http, "Kate runs.")).status_code == 200
    assert (await http.get(f"{KATE}/counts")).json()["total"] == 3


async def test_a_clock_that_is_set_back_an_hour_keeps_nothing_waiting(
    http: httpx2.AsyncClient, service: MemoryService, clock: Clock
) -> None:
    """Jobs, also one whose worker died; answers; memories that expire; lists and the log."""
    expires = {"content": "Kate waits.", "expires_at": clock().isoformat()}
    body = {"memories": ["Kate skis.", {**expires, "expires_at": _in(clock, 60)}]}
    first = await http.post(f"{KATE}/memories", json=body, headers=NAMED)
    service.organisation.start("kate")
    store = service._equipment.store
    held = store.write_all(lambda writing: jobs.claim(writing, "a worker that died"))
    assert held is not None
    path = f"{KATE}/imports?format=mem0&background=true"
    waits = (await http.post(path, content=b'[{"id": "a", "memory": "Kate runs."}]')).json()
    recall = (await http.post(f"{KATE}/recall", json={"query": "Kate?"})).json()
    clock.pass_seconds(-3_600)
    again = await http.post(f"{KATE}/memories", json=body, headers=NAMED)
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", first.json())
    service.jobs.run()
    assert service.jobs.get("kate", waits["job_id"]).state == "done"
    assert service.jobs.get("kate", held.job_id).attempts == 2
    assert (await http.post(f"{KATE}/recall", json={"query": "Kate?"})).status_code == 200
    place = f"{KATE}/allocations/{recall['allocation_id']}"
    assert (await http.post(f"{place}/replay", json={"query": "Kate?"})).json()["changed"] == []
    clock.pass_seconds(3_600 + 61)
    prompt = (await http.post(f"{KATE}/recall", json={"query": "Kate?"})).json()["prompt_text"]
    assert "waits" not in prompt


def _in(clock: Clock, seconds: float) -> str:
    clock.pass_seconds(seconds)
    then = clock().isoformat()
    clock.pass_seconds(-seconds)
    return then


async def test_who_was_stopped_is_not_stopped_longer_when_the_clock_goes_back(
    http: httpx2.AsyncClient, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    service.keys.create("app")
    monkeypatch.setattr(rates, "time", SimpleNamespace(time=lambda: now))
    replies = [await http.get(f"{KATE}/counts") for _ in range(21)]
    assert [one.status_code for one in replies[-2:]] == [401, 429]
    now -= 3_600
    assert (await http.get(f"{KATE}/counts")).status_code == 401
