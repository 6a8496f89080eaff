"""A request that comes again after the server was killed between its act and its answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from http_server import caller, problem_in

from mba_integrations import MemoryItem
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock

KATE = "/v1/workspaces/kate"
NAMED = {"Idempotency-Key": "k1"}
Prepare = Callable[[MemoryService, Clock], tuple[str, Any]]


def _memory(service: MemoryService, clock: Clock) -> None:
    service.remember("kate", MemoryItem("m1", "Kate skis.", "working"), subject="kate")
    clock.pass_seconds(40 * 86_400)


def posted(path: str, body: Any = None) -> Prepare:
    def prepare(service: MemoryService, clock: Clock) -> tuple[str, Any]:
        _memory(service, clock)
        return f"{KATE}/{path}", body

    return prepare


def _retention(service: MemoryService, clock: Clock) -> tuple[str, Any]:
    _memory(service, clock)
    service.workspaces.change_retention("kate", {"working": {"max_age_days": 30}})
    return f"{KATE}/retention/apply", None


def _apply(service: MemoryService, clock: Clock) -> tuple[str, Any]:
    _memory(service, clock)
    return f"{KATE}/tiers/reviews/{service.tiers.review('kate').review_id}/apply", {}


def _undo(service: MemoryService, clock: Clock) -> tuple[str, Any]:
    path, _ = _apply(service, clock)
    review_id = path.split("/")[-2]
    assert len(service.tiers.apply("kate", review_id))
    return f"{KATE}/tiers/reviews/{review_id}/undo", None


def _cancel(service: MemoryService, clock: Clock) -> tuple[str, Any]:
    service.organisation.start("kate")
    return f"{KATE}/jobs/{service.jobs.list('kate')[0].job_id}/cancel", None


def _retry(service: MemoryService, clock: Clock) -> tuple[str, Any]:
    path, _ = _cancel(service, clock)
    service.jobs.cancel("kate", path.split("/")[-2])
    return path.replace("/cancel", "/retry"), None


ACTS = {
    "remember": posted("memories", {"memories": ["Kate swims."]}),
    "move": posted("move", {"memory_ids": ["m1"], "tier": "project"}),
    "pin": posted("pin", {"memory_ids": ["m1"]}),
    "hold": posted("hold", {"memory_ids": ["m1"]}),
    "forget": posted("forget", {"subject": "kate"}),
    "erase": posted("erasures", {"subjects": ["kate"]}),
    "retention": _retention,
    "review": posted("tiers/review"),
    "apply": _apply,
    "undo": _undo,
    "cancel": _cancel,
    "retry": _retry,
    "workspace": lambda *_: ("/v1/workspaces", {"workspace_id": "anna"}),
    "revise": posted("memories/m1", {"content": "Kate swims."}),
}
"""Every act of the server that writes to a workspace, but imports: jobs are done once as such."""


def _stands(service: MemoryService) -> Any:
    """What an act could have done: changes, receipts, reviews, jobs."""
    feed = service.changes_since("kate", 0)
    receipts = service.erasures.receipts("kate")
    states = [(one.job_id, one.state, one.run_after) for one in service.jobs.list("kate")]
    with service._equipment.store.read_all() as reading:
        from mba_integrations.services.store.tables.work import answer

        kept = reading.execute(reading.select(answer, answer.c.key)).scalars().all()
    return feed, receipts, states, sorted(kept)


@pytest.mark.parametrize("act", ACTS)
async def test_an_act_whose_answer_was_lost_is_not_done_again(
    service: MemoryService, clock: Clock, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is kept before the act has ended; all that comes after the act fails here."""
    path, body = ACTS[act](service, clock)
    method = "PUT" if act == "revise" else "POST"
    headers = {**NAMED, "Content-Type": "application/json"}

    async def sent(**other: Any) -> httpx2.Response:
        async with caller(create_app(service), headers=headers) as http:
            return await http.request(method, path, json=other or body)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(service.answers, "keep", killed)
        patch.setattr(type(service._equipment.store), "scrub", killed)
        with suppress(BaseExceptionGroup, SystemExit):
            await sent()
    after = _stands(service)
    clock.pass_seconds(60)
    again = await sent()
    assert again.status_code in (200, 201), again.text
    kept = _stands(service)
    assert kept[:3] == after[:3]
    assert set(kept[3]) - set(after[3]) <= {"http:local:k1"}
    assert (await sent()).headers["idempotent-replayed"] == "true"
    assert (await sent()).json() == again.json()


async def test_the_name_of_an_act_is_no_name_of_another(
    http: httpx2.AsyncClient, service: MemoryService, clock: Clock
) -> None:
    _memory(service, clock)
    assert (
        await http.post(f"{KATE}/pin", json={"memory_ids": ["m1"]}, headers=NAMED)
    ).status_code == 200
    other = await http.post(f"{KATE}/hold", json={"memory_ids": ["m1"]}, headers=NAMED)
    assert problem_in(other) == (409, "idempotency-conflict")
    assert not service.get("kate", "m1").held


async def test_an_answer_is_forgotten_after_a_day(
    http: httpx2.AsyncClient, service: MemoryService, clock: Clock
) -> None:
    _memory(service, clock)
    asked: dict[str, Any] = {"json": {"memory_ids": ["m1"]}, "headers": NAMED}
    await http.post(f"{KATE}/pin", **asked)
    service.pin("kate", "m1", False)
    await http.post(f"{KATE}/pin", **asked)
    assert not service.get("kate", "m1").pinned
    clock.pass_seconds(86_400)
    await http.post(f"{KATE}/pin", **asked)
    assert service.get("kate", "m1").pinned


async def test_another_servers_answer_is_found_in_the_transaction(
    http: httpx2.AsyncClient, service: MemoryService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers that both found no answer: the second to write gets that of the first."""
    _memory(service, clock)
    asked: dict[str, Any] = {"json": {"memory_ids": ["m1"]}, "headers": NAMED}
    first = await http.post(f"{KATE}/pin", **asked)
    monkeypatch.setattr(service.answers, "find", lambda *_: None)
    second = await http.post(f"{KATE}/pin", **asked)
    assert (second.headers["idempotent-replayed"], second.json()) == ("true", first.json())


async def test_a_backup_is_made_once_also_after_one_that_was_cut(
    service: MemoryService, tmp_path: Any
) -> None:
    settings = ServerSettings(backups=tmp_path / "backups")
    async with caller(create_app(service, settings)) as http:
        name = (await http.post("/v1/backups", headers=NAMED)).json()["name"]
        made = tmp_path / "backups" / name
        made.write_bytes(b"")  # as a server that was killed leaves it
        made.with_name(f"{name}.part").write_bytes(b"half")
        made.with_name(f"{name}.json").unlink()
        again = await http.post("/v1/backups", headers=NAMED)
        assert service.verify_backup(made).workspaces == 2
        third = await http.post("/v1/backups", headers=NAMED)
    assert (again.json()["name"], "idempotent-replayed" in again.headers) == (name, False)
    assert third.headers["idempotent-replayed"] == "true"
    assert len(list((tmp_path / "backups").glob("*.db"))) == 1
