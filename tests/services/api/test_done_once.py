"""A request that comes again after the server was killed between its act and its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from http_server import caller, problem_in
from proposals import found_settings

from mba_integrations import MemoryItem
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.layers.answers import METHODS
from mba_integrations.services.api.routes.table import ROUTERS
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.organising.merges import MergeProposal, Merges
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.transfer import staged
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.tables.columns import METADATA
from mba_integrations.services.store.tables.work import answer
from mba_integrations.testing import Clock

KATE = "/v1/workspaces/kate"
NAMED = {"Idempotency-Key": "k1"}
CHAT = json.dumps([{"role": "user", "content": "Kate skis."}]).encode()
Request = tuple[str, str, Any]
Prepare = Callable[[MemoryService, Clock], Request]


def _memory(service: MemoryService, clock: Clock) -> None:
    service.remember("kate", MemoryItem("m1", "Kate skis.", "working"), subject="kate")
    clock.pass_seconds(40 * 86_400)


def sent(method: str, path: str, body: Any = None) -> Prepare:
    """A request below the workspace; bytes are a file."""

    def prepare(service: MemoryService, clock: Clock) -> Request:
        _memory(service, clock)
        RagService(service).put_document("kate", "a/b", text="Ben approves.", origin="wiki")
        return method, f"{KATE}{path}", body

    return prepare


def _retention(service: MemoryService, clock: Clock) -> Request:
    _memory(service, clock)
    service.workspaces.change_retention("kate", {"working": {"max_age_days": 30}})
    return "POST", f"{KATE}/retention/apply", None


def _apply(service: MemoryService, clock: Clock) -> Request:
    _memory(service, clock)
    review_id = service.tiers.review("kate").review_id
    return "POST", f"{KATE}/tiers/reviews/{review_id}/apply", {}


def _undo(service: MemoryService, clock: Clock) -> Request:
    method, path, _ = _apply(service, clock)
    review_id = path.split("/")[-2]
    assert len(service.tiers.apply("kate", review_id))
    return method, f"{KATE}/tiers/reviews/{review_id}/undo", None


def _cancel(service: MemoryService, clock: Clock) -> Request:
    service.organisation.start("kate")
    return "POST", f"{KATE}/jobs/{service.jobs.list('kate')[0].job_id}/cancel", None


def _retry(service: MemoryService, clock: Clock) -> Request:
    method, path, _ = _cancel(service, clock)
    service.jobs.cancel("kate", path.split("/")[-2])
    return method, path.replace("/cancel", "/retry"), None


def _stop(service: MemoryService, clock: Clock) -> Request:
    service.organisation.start("kate")
    return "DELETE", f"{KATE}/organisation", None


def _accept(service: MemoryService, clock: Clock) -> Request:
    service.remember("kate", [MemoryItem(name, f"Kate {name}.", "working") for name in "ab"])
    proposed = MergeProposal(memory_ids=("a", "b"), content="Kate a and b.")
    service.merges = Merges(service.equipment, lambda items: [proposed])
    [kept] = service.merges.propose("kate")
    return "POST", f"{KATE}/merges/{kept.proposal_id}/accept", None


def _feedback(service: MemoryService, clock: Clock) -> Request:
    _memory(service, clock)
    allocation_id = service.recall("kate", "Does Kate ski?").allocation_id
    return "POST", f"{KATE}/allocations/{allocation_id}/feedback", {"thumbs": {"m1": "up"}}


def _proposed(service: MemoryService) -> str:
    return f"{KATE}/tuning/{found_settings(service, 'kate').proposal_id}"


def _apply_settings(service: MemoryService, clock: Clock) -> Request:
    return "POST", f"{_proposed(service)}/apply", {"shadow": 0}


def _take_settings_back(service: MemoryService, clock: Clock) -> Request:
    return "POST", f"{_proposed(service)}/rollback", None


def _revoke(service: MemoryService, clock: Clock) -> Request:
    return "DELETE", f"/v1/keys/{service.keys.create('app').row.key_id}", None


LATER = "2027-01-01T00:00:00Z"
TEXT = {"text": "# Leave\n\nBen approves leave."}
ACTS: dict[str, Prepare] = {
    "POST /memories": sent("POST", "/memories", {"memories": ["Kate swims."]}),
    "PUT /memories/{memory_id:rest}": sent("PUT", "/memories/m1", {"content": "Kate swims."}),
    "POST /move": sent("POST", "/move", {"memory_ids": ["m1"], "tier": "project"}),
    "POST /pin": sent("POST", "/pin", {"memory_ids": ["m1"]}),
    "POST /hold": sent("POST", "/hold", {"memory_ids": ["m1"]}),
    "POST /expire": sent(
        "POST", "/expire", {"memory_ids": ["m1"], "expires_at": "2027-01-01T00:00:00Z"}
    ),
    "POST /allocations/{allocation_id}/feedback": _feedback,
    "POST /forget": sent("POST", "/forget", {"subject": "kate"}),
    "POST /erasures": sent("POST", "/erasures", {"subjects": ["kate"]}),
    "PUT /retention": sent("PUT", "/retention", {"policy": {"working": {"max_age_days": 9}}}),
    "POST /retention/apply": _retention,
    "POST /tiers/review": sent("POST", "/tiers/review"),
    "POST /tiers/reviews/{review_id}/apply": _apply,
    "POST /tiers/reviews/{review_id}/undo": _undo,
    "PUT /organisation": sent("PUT", "/organisation", {"plan": {}}),
    "DELETE /organisation": _stop,
    "POST /merges/{proposal_id}/accept": _accept,
    "POST /tuning": sent("POST", "/tuning", {"trials": 2, "workers": 0}),
    "POST /tuning/experiments": sent(
        "POST", "/tuning/experiments", {"changes": {"stability": 0.9}}
    ),
    "POST /tuning/{proposal_id}/apply": _apply_settings,
    "POST /tuning/{proposal_id}/rollback": _take_settings_back,
    "POST /jobs/{job_id}/cancel": _cancel,
    "POST /jobs/{job_id}/retry": _retry,
    "POST /imports": sent("POST", "/imports?format=chat", CHAT),
    "PUT /documents/{document_id:rest}": sent("PUT", "/documents/c%2Fd", TEXT),
    "PUT /files/{document_id:rest}": sent("PUT", "/files/c.md", b"Ben approves."),
    "DELETE /documents/{document_id:rest}": sent("DELETE", "/documents/a%2Fb"),
    "POST /documents/remove": sent("POST", "/documents/remove", {"document_ids": ["a/b"]}),
    "POST /documents/sync": sent("POST", "/documents/sync", {"origin": "wiki", "document_ids": []}),
    "PATCH ": sent("PATCH", "", {"settings": {"max_total_tokens": 900}}),
    "DELETE ": sent("DELETE", ""),
    "POST /v1/workspaces": lambda *_: ("POST", "/v1/workspaces", {"workspace_id": "anna"}),
    "DELETE /v1/keys/{key_id}": _revoke,
}
"""Every act of the server, by method and path below a workspace, or the whole path."""
READS = {
    *("POST /memories/list", "POST /recall", "POST /recall/batch", "POST /search"),
    *("POST /retrieve", "POST /retention/preview", "POST /validate"),
    *("POST /allocations/{allocation_id}/curve", "POST /allocations/{allocation_id}/replay"),
    *("POST /allocations/{allocation_id}/apart", "POST /settings/effect"),
    *("POST /v1/allocate", "POST /v1/tokens/count", "POST /v1/complexity"),
}
"""What changes nothing but the log."""
APART = {"POST /v1/keys", "POST /v1/backups"}
"""A secret is shown once, so a second key is refused; a backup has a test below."""


def test_each_route_that_may_change_something_is_in_one_of_the_tables() -> None:
    own = "/v1/workspaces/{workspace_id}"
    found = {
        f"{method} {route.path.removeprefix(own)}"
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in METHODS & (route.methods or set())
    }
    assert found == {*ACTS, *READS, *APART}
    assert not ACTS.keys() & READS


def _stands(service: MemoryService) -> Any:
    """All that an act could have changed: every row but the answers of the server."""
    with service.equipment.store.read_all() as reading:
        rows = {
            table.name: sorted(map(repr, reading.execute(reading.select(table))))
            for table in METADATA.sorted_tables
        }
        kept = reading.execute(reading.select(answer, answer.c.key)).scalars().all()
    return {**rows, "answer": {one for one in kept if not one.startswith("http:")}}


@pytest.mark.parametrize("act", ACTS)
async def test_an_act_whose_answer_was_lost_is_not_done_again(
    service: MemoryService, clock: Clock, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is kept before the act has ended; all that comes after the act fails here."""
    method, path, body = ACTS[act](service, clock)
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    headers = {**NAMED, "If-Match": "*"}
    app = create_app(service, ServerSettings(insecure=True))

    async def asked() -> httpx2.Response:
        async with caller(app) as http:
            return await http.request(method, path, headers=headers, **given)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit("killed")

    before, first = _stands(service), None
    with monkeypatch.context() as patch:
        patch.setattr(service.answers, "keep", killed)
        patch.setattr(type(service.equipment.store), "scrub", killed)
        with suppress(BaseExceptionGroup, SystemExit):
            first = await asked()
    after = _stands(service)
    assert after != before
    clock.pass_seconds(60)
    again = await asked()
    assert again.status_code in (200, 201, 202), again.text
    assert _stands(service) == after
    assert (await asked()).json() == again.json()
    assert first is None or (first.status_code, first.json()) == (again.status_code, again.json())


async def test_an_import_that_was_cut_between_two_batches_goes_on_and_counts_all(
    service: MemoryService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "MOST_AT_ONCE", 1)
    said = [{"role": "user", "content": text} for text in ("Kate skis.", "Kate swims.")]
    asked: dict[str, Any] = {"content": json.dumps(said).encode(), "headers": NAMED}
    write, calls = service.equipment.store.write, []

    def killed_in_the_second(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise SystemExit("killed")
        return write(*given, **named)

    async with caller(create_app(service)) as http:
        with monkeypatch.context() as patch, suppress(BaseExceptionGroup, SystemExit):
            patch.setattr(service.equipment.store, "write", killed_in_the_second)
            await http.post(f"{KATE}/imports?format=chat", **asked)
        assert sum(service.counts("kate").values()) == 1
        again = (await http.post(f"{KATE}/imports?format=chat", **asked)).json()
        assert (again["created"], again["duplicates"]) == (2, 0)
        asked["content"] += b" "
        other = await http.post(f"{KATE}/imports?format=chat", **asked)
    assert problem_in(other) == (409, "idempotency-conflict")


async def test_a_workspace_that_was_made_anew_is_deleted_again_after_a_day(
    http: httpx2.AsyncClient, service: MemoryService, clock: Clock
) -> None:
    first = await http.delete(KATE, headers=NAMED)
    service.create_workspace("kate")
    again = await http.delete(KATE, headers=NAMED)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert "kate" in service.workspaces.ids()
    other = await http.delete("/v1/workspaces/tom", headers=NAMED)
    assert problem_in(other) == (409, "idempotency-conflict")
    clock.pass_seconds(86_400)
    assert (await http.delete(KATE, headers=NAMED)).status_code == 200
    assert service.workspaces.ids() == ("tom",)


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
