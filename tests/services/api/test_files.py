"""Files out and in: exports made while they are sent, imports as jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from http_server import caller, problem_in

from mba_integrations.services.api import streams
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.errand import CURRENT, Errand
from mba_integrations.services.api.streams import StreamedFile
from mba_integrations.services.api.work import RUNNING, Work
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.transfer import exporting

KATE = "/v1/workspaces/kate"


def vector(number: int) -> list[float]:
    return [1.0, float(number)]


async def test_an_export_is_read_page_by_page_in_the_order_of_adding(
    http: httpx2.AsyncClient, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_AT_ONCE", 2)
    service.remember("kate", [f"Memory {number}." for number in range(5)])
    forgotten = service.list("kate").rows[0].memory_id
    service.forget("kate", forgotten)
    lines = (await http.get(f"{KATE}/export")).content.splitlines()
    assert [json.loads(one)["content"] for one in lines[1:-1]] == [
        f"Memory {number}." for number in range(4)
    ]
    whole = (await http.get(f"{KATE}/export?with_inactive=true")).content.splitlines(keepends=True)
    end = json.loads(whole[-1])
    assert (end["count"], end["sha256"]) == (5, hashlib.sha256(b"".join(whole[:-1])).hexdigest())


@pytest.mark.parametrize("path", ["export", "export/allocations?format=parquet"])
async def test_what_fails_before_the_first_byte_is_a_problem(
    http: httpx2.AsyncClient, path: str
) -> None:
    reply = await http.get(f"/v1/workspaces/nobody/{path}")
    assert problem_in(reply) == (404, "unknown-workspace")


class Made:
    """Pieces without end, which notes how many were made and whether it was closed."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.count, self.closed, self.fails_at = 0, False, fails_at

    def __call__(self) -> Iterator[bytes]:
        try:
            while self.count != self.fails_at:
                self.count += 1
                yield b"x" * streams._PIECE_BYTES
            raise OSError("the disk is gone")
        finally:
            self.closed = True


async def sent_to(made: Made, send: Any) -> None:
    """Answer a caller that takes pieces by *send*."""
    CURRENT.set(Errand(request_id="r"))
    RUNNING.set(Work(choosing=1, lasting=1, waiting=1))
    await StreamedFile(made, "x", "text/plain")({}, None, send)  # type: ignore[arg-type]


async def test_a_caller_that_goes_away_ends_the_work() -> None:
    made, taken = Made(), []

    async def send(message: Any) -> None:
        taken.append(message)
        if len(taken) == 4:
            scope.cancel()
        await anyio.sleep(0)

    with anyio.CancelScope() as scope:
        await sent_to(made, send)
    assert made.closed
    assert made.count <= 3 + streams._PIECES_WAITING + 2


async def test_a_caller_that_takes_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_SECONDS", 0.01)
    made = Made()

    async def send(message: Any) -> None:
        await anyio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as raised:
        await sent_to(made, send)
    assert raised.group_contains(TimeoutError)
    assert made.closed
    assert made.count <= streams._PIECES_WAITING + 2  # no more in memory than that


async def test_what_fails_on_the_way_has_no_end() -> None:
    taken: list[Any] = []

    async def send(message: Any) -> None:
        taken.append(message)

    with pytest.raises(OSError, match="the disk is gone"):
        await sent_to(Made(fails_at=2), send)
    assert [one.get("more_body") for one in taken] == [None, True, True]


async def test_an_import_as_a_job_answers_at_once_and_is_followed(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    content = json.dumps([{"id": "a", "memory": "Kate skis."}]).encode()
    path, named = f"{KATE}/imports?format=mem0&background=true", {"Idempotency-Key": "k1"}
    begun = await http.post(path, content=content, headers=named)
    assert (begun.status_code, begun.json()["state"]) == (202, "queued")
    again = await http.post(path, content=content, headers=named)
    assert again.json()["job_id"] == begun.json()["job_id"]
    other = await http.post(path + "&dry_run=true", content=content, headers=named)
    assert problem_in(other) == (409, "idempotency-conflict")
    async with caller(create_app(service)) as after:
        service.jobs.run()
        done = (await after.get(f"{KATE}/jobs/{begun.json()['job_id']}")).json()
    assert (done["state"], done["progress"], done["result"]["created"]) == ("done", 1.0, 1)


@pytest.mark.parametrize("background", [False, True])
async def test_a_chat_is_named_as_its_caller_says_or_after_its_bytes(
    http: httpx2.AsyncClient, service: MemoryService, background: bool
) -> None:
    chat = json.dumps([{"role": "user", "content": "Kate skis."}]).encode()
    hashed = f"chat-{hashlib.sha256(chat).hexdigest()[:16]}"
    path = f"{KATE}/imports?format=chat&background={background}"
    for more in ("&name=talks/1.json", "", ""):  # twice without a name: it is kept once
        assert (await http.post(path + more, content=chat)).status_code in (200, 202)
    service.jobs.run()
    found = {(row.memory_id, row.source) for row in service.list("kate").rows}
    assert found == {("talks/1.json#0", "talks/1.json"), (f"{hashed}#0", hashed)}


async def test_what_is_said_of_a_file_names_it_as_its_caller_does(
    http: httpx2.AsyncClient,
) -> None:
    content = json.dumps([{"id": "a", "memory": ""}, {"id": "b", "memory": 3}]).encode()
    for more, name in (("&name=kate.json", "kate.json"), ("", "the body")):
        reply = await http.post(f"{KATE}/imports?format=mem0{more}", content=content)
        assert name in reply.text
        assert "/mba-" not in reply.text


async def test_a_path_on_the_server_is_not_opened(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the canary sings")
    for background in ("true", "false"):
        more = f"format=chat&background={background}"
        as_query = await http.post(f"{KATE}/imports?{more}&path={secret}")
        as_body = await http.post(
            f"{KATE}/imports?{more}", content=json.dumps({"path": str(secret)})
        )
        for reply in (as_query, as_body):
            assert problem_in(reply) == (422, "invalid-input")
            assert "canary" not in reply.text
