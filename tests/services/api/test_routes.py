"""What each route does, through the service and back."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx2
import pytest
from http_server import KATE, ask, caller, key_of, problem_in, remember

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock


async def test_a_memory_is_kept_found_revised_and_forgotten(http: httpx2.AsyncClient) -> None:
    (first,) = await remember(http, {"content": "Kate lives in Lisbon.", "id": "docs/kate.md#1"})
    place = f"{KATE}/memories/{first.replace('/', '%2F').replace('#', '%23')}"
    assert (await http.get(place)).json()["content"] == "Kate lives in Lisbon."
    assert "Lisbon" in (await ask(http))["prompt_text"]
    revised = (await http.put(place, json={"content": "Kate lives in Porto."})).json()
    assert "Porto" in (await ask(http))["prompt_text"]
    history = (await http.get(place.replace("/memories/", "/history/"))).json()
    assert [one["op"] for one in history["changes"]] == ["add", "add", "supersede"]
    forgotten = await http.post(f"{KATE}/forget", json={"memory_ids": revised["memory_ids"]})
    assert forgotten.json()["memory_ids"] == revised["memory_ids"]
    assert (await ask(http))["prompt_text"] == ""


async def test_memories_are_moved_pinned_and_held(http: httpx2.AsyncClient) -> None:
    (one,) = await remember(http, "Kate skis.")
    await http.post(f"{KATE}/move", json={"memory_ids": [one], "tier": "project"})
    await http.post(f"{KATE}/pin", json={"memory_ids": [one]})
    await http.post(f"{KATE}/hold", json={"memory_ids": [one], "reason": "law"})
    memory = (await http.get(f"{KATE}/memories/{one}")).json()
    assert (memory["tier"], memory["pinned"], memory["held"]) == ("project", True, True)
    counts = (await http.get(f"{KATE}/counts")).json()
    assert (counts["counts"]["project"], counts["total"]) == (1, 1)


async def test_a_list_is_read_page_by_page(http: httpx2.AsyncClient) -> None:
    ids = await remember(http, *(f"Memory {number}." for number in range(5)))
    found: list[str] = []
    body: dict[str, Any] = {"limit": 2, "newest_first": False}
    for size in (2, 2, 1):
        page = (await http.post(f"{KATE}/memories/list", json=body)).json()
        assert len(page["memories"]) == size
        found += [one["memory_id"] for one in page["memories"]]
        body["cursor"] = page["next_cursor"]
    assert found == ids
    assert body["cursor"] is None


async def test_a_cursor_goes_on_after_a_restart(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    await remember(http, *(f"Memory {number}." for number in range(3)))
    filters = {"tiers": ["long_term", "project"], "stored_from": "2026-01-01T00:00:00Z"}
    body = {"limit": 2, "filters": filters}
    first = (await http.post(f"{KATE}/memories/list", json=body)).json()
    async with caller(create_app(service)) as after:
        rest = await after.post(
            f"{KATE}/memories/list", json={**body, "cursor": first["next_cursor"]}
        )
        foreign = await after.post(
            "/v1/workspaces/tom/memories/list", json={**body, "cursor": first["next_cursor"]}
        )
    assert len(rest.json()["memories"]) == 1
    assert problem_in(foreign) == (422, "invalid-input")


async def test_a_cursor_with_one_other_byte_is_refused(http: httpx2.AsyncClient) -> None:
    await remember(http, *(f"Memory {number}." for number in range(3)))
    listed = f"{KATE}/memories/list"
    cursor = (await http.post(listed, json={"limit": 2})).json()["next_cursor"]
    sealed = base64.urlsafe_b64decode(cursor)
    for place in range(len(sealed)):
        forged = bytearray(sealed)
        forged[place] ^= 1
        body = {"limit": 2, "cursor": base64.urlsafe_b64encode(forged).decode()}
        assert problem_in(await http.post(listed, json=body)) == (422, "invalid-input")


async def test_a_cursor_opens_its_own_list_alone(http: httpx2.AsyncClient) -> None:
    await remember(http, *(f"Memory {number}." for number in range(3)))
    page = (await http.post(f"{KATE}/memories/list", json={"limit": 1})).json()
    first, *rest = page["next_cursor"]
    forged = "".join(["y" if first == "x" else "x", *rest])
    for other, path in [
        ({"cursor": page["next_cursor"], "newest_first": False}, KATE),
        ({"cursor": page["next_cursor"], "filters": {"tiers": ["rag"]}}, KATE),
        ({"cursor": page["next_cursor"]}, "/v1/workspaces/tom"),
        ({"cursor": forged}, KATE),
        ({"cursor": "é"}, KATE),
    ]:
        refused = await http.post(f"{path}/memories/list", json=other)
        assert problem_in(refused) == (422, "invalid-input")


@pytest.mark.parametrize("form", ["text", "messages", "blocks"])
async def test_the_whole_reply_fits_a_budget_for_it(
    http: httpx2.AsyncClient, service: MemoryService, form: str
) -> None:
    texts = [f'Kate said "{number}"\nin Lisbon\\Porto.' for number in range(60)]
    await remember(http, *texts)
    counter = service.recall("kate", "x").allocation.decided.problem.counter
    asked = {"format": form, "budget_for": "reply", "query": "What did Kate say in Lisbon?"}
    sizes = []
    for budget in (150, 200, 300, 500):
        reply = await http.post(f"{KATE}/recall", json={**asked, "budget_tokens": budget})
        assert reply.status_code == 200, reply.text
        sizes.append(counter.count(reply.text))
        assert sizes[-1] <= budget
    assert sizes == sorted(set(sizes))
    refused = await http.post(f"{KATE}/recall", json={**asked, "budget_tokens": 5})
    assert problem_in(refused) == (422, "invalid-input")
    assert "the reply around the prompt needs" in refused.json()["detail"]


async def test_questions_are_asked_together(http: httpx2.AsyncClient) -> None:
    await remember(http, {"content": "Kate lives in Lisbon.", "pinned": True})
    body = {"queries": [{"query": "Kate?"}, {"query": "Kate?", "budget_tokens": 1}]}
    found = (await http.post(f"{KATE}/recall/batch", json=body)).json()
    assert [one and one["prompt_text"] is not None for one in found["replies"]] == [True, None]
    assert found["problems"][0] is None
    assert "pinned" in found["problems"][1]


async def test_items_of_the_request_are_chosen_from(http: httpx2.AsyncClient) -> None:
    items = [
        {"id": "a", "content": "Kate lives in Lisbon.", "tier": "project"},
        {"id": "b", "content": "Invoices are due on Fridays.", "tier": "rag"},
    ]
    asked = {"query": "Where does Kate live?", "items": items, "budget_tokens": 9}
    found = (await http.post("/v1/allocate", json=asked)).json()
    assert [one["id"] for one in found["selected"]] == ["a"]
    assert {one["id"]: one["reason"] for one in found["omitted"]}.keys() == {"b"}
    wrong = await http.post("/v1/allocate", json={**asked, "settings": {"max_total_tokens": -1}})
    assert problem_in(wrong) == (422, "invalid-settings")
    assert wrong.json()["errors"][0]["pointer"] == "/max_total_tokens"


async def test_tokens_and_complexity_are_told(http: httpx2.AsyncClient) -> None:
    asked = {"texts": ["Hello world", ""], "model": "gpt-4o"}
    assert (await http.post("/v1/tokens/count", json=asked)).json() == {
        **{"counts": [2, 0], "total": 2},
        **{"counter_id": "tiktoken:o200k_base", "exact": True},
    }
    found = (await http.post("/v1/complexity", json={"query": "Why?"})).json()
    assert found["complexity"] == "simple"
    assert found["evidence"]


async def test_settings_are_changed_from_the_version_that_was_read(
    http: httpx2.AsyncClient,
) -> None:
    read = await http.get(KATE)
    change = {"settings": {"max_total_tokens": 500}}
    assert problem_in(await http.patch(KATE, json=change)) == (428, "needs-version")
    first = await http.patch(KATE, json=change, headers={"If-Match": read.headers["etag"]})
    assert first.json()["settings"]["max_total_tokens"] == 500
    lost = await http.patch(KATE, json=change, headers={"If-Match": read.headers["etag"]})
    assert problem_in(lost) == (412, "settings-conflict")
    assert (await http.patch(KATE, json=change, headers={"If-Match": "*"})).status_code == 200
    tried = await http.post(f"{KATE}/validate", json={"settings": {"stability": 2}})
    assert problem_in(tried) == (422, "invalid-settings")
    versions = (await http.get(f"{KATE}/versions")).json()["versions"]
    assert [one["settings"]["max_total_tokens"] for one in versions][:2] == [1000, 500]


async def test_workspaces_are_made_listed_and_deleted(http: httpx2.AsyncClient) -> None:
    body = {"workspace_id": "anna", "template": "conversation", "settings": {"stability": 0.5}}
    named = {"Idempotency-Key": "k1"}
    made = await http.post("/v1/workspaces", json=body, headers=named)
    assert (made.status_code, made.json()["settings"]["stability"]) == (201, 0.5)
    again = await http.post("/v1/workspaces", json=body, headers=named)
    assert (again.json(), again.headers["idempotent-replayed"]) == (made.json(), "true")
    assert problem_in(await http.post("/v1/workspaces", json=body)) == (409, "workspace-exists")
    kept = await http.post("/v1/workspaces", json={"workspace_id": "anna", "exist_ok": True})
    assert (kept.status_code, kept.json()) == (200, made.json())
    hidden = {"workspace_id": "anna", "settings": {"exist_ok": True}}
    assert problem_in(await http.post("/v1/workspaces", json=hidden))[0] == 422
    pages = [(await http.get("/v1/workspaces?limit=2")).json()]
    pages += [(await http.get(f"/v1/workspaces?limit=2&cursor={pages[0]['next_cursor']}")).json()]
    assert [page["workspaces"] for page in pages] == [["anna", "kate"], ["tom"]]
    assert (await http.delete("/v1/workspaces/anna")).json()["deleted"]["workspace"] == 1
    assert problem_in(await http.get("/v1/workspaces/anna")) == (404, "unknown-workspace")


@pytest.mark.parametrize("name", [".", "..", "", "\0"])
async def test_what_no_path_can_name_is_no_workspace(http: httpx2.AsyncClient, name: str) -> None:
    reply = await http.post("/v1/workspaces", json={"workspace_id": name})
    assert problem_in(reply)[0] == 422


async def test_retention_is_shown_before_it_is_carried_out(
    http: httpx2.AsyncClient, clock: Clock
) -> None:
    await remember(http, "Kate skis.", "Kate lives in Lisbon.")
    clock.pass_seconds(40 * 86_400)
    policy = {"policy": {"long_term": {"max_age_days": 30}}}
    tried = (await http.post(f"{KATE}/retention/preview", json=policy)).json()
    assert (tried["total"], len(tried["samples"])) == (2, 2)
    assert (await http.put(f"{KATE}/retention", json=policy)).status_code == 200
    rule = (await http.get(f"{KATE}/retention")).json()["policy"]["long_term"]
    assert rule["max_age_days"] == 30
    assert (await http.post(f"{KATE}/retention/apply")).json()["counts"] == {"forget": 2}


async def test_moves_are_reviewed_applied_and_undone(http: httpx2.AsyncClient) -> None:
    await remember(http, "Kate skis.")
    review = (await http.post(f"{KATE}/tiers/review")).json()
    applied = await http.post(f"{KATE}/tiers/reviews/{review['review_id']}/apply", json={})
    assert len(applied.json()["memory_ids"]) == len(review["moves"])
    unknown = await http.post(f"{KATE}/tiers/reviews/none/undo")
    assert problem_in(unknown) == (422, "invalid-input")


async def test_what_is_erased_is_in_no_answer_any_more(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    (one,) = await remember(http, "Kate's canary sings.", subject="kate")
    named = {"Idempotency-Key": "k1"}
    asked = {"query": "canary?", "budget_tokens": 50}
    first = await http.post(f"{KATE}/recall", json=asked, headers=named)
    assert "canary sings" in first.text
    receipt = await http.post(f"{KATE}/erasures", json={"subjects": ["kate"]})
    assert (receipt.status_code, receipt.json()["counts"]["memory"]) == (201, 1)
    assert receipt.json()["counts"]["answer"] == 1
    again = await http.post(f"{KATE}/recall", json=asked, headers=named)
    assert "canary sings" not in again.text
    listed = (await http.get(f"{KATE}/erasures")).json()["erasures"]
    assert listed == [{**receipt.json(), "freed": None}]
    assert problem_in(await http.get(f"{KATE}/memories/{one}")) == (404, "unknown-memory")


async def test_jobs_are_listed_and_cancelled(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.organisation.start("kate")
    found = (await http.get(f"{KATE}/jobs?state=queued")).json()
    (job,) = found["jobs"]
    assert found["counts"]["queued"] == 1
    cancelled = await http.post(f"{KATE}/jobs/{job['job_id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert problem_in(await http.post(f"{KATE}/jobs/none/retry")) == (404, "unknown-job")


async def test_an_export_is_whole_and_comes_back(http: httpx2.AsyncClient) -> None:
    await remember(http, "Kate lives in Lisbon.", "Kate skis.")
    export = await http.get(f"{KATE}/export")
    *lines, end = export.content.splitlines(keepends=True)
    assert json.loads(end) == {
        **{"end": True, "count": 2},
        "sha256": hashlib.sha256(b"".join(lines)).hexdigest(),
    }
    path = "/v1/workspaces/tom/imports"
    tried = (await http.post(f"{path}?dry_run=true", content=export.content)).json()
    done = (await http.post(path, content=export.content)).json()
    again = (await http.post(path, content=export.content)).json()
    assert (tried["created"], done["created"], again["created"]) == (2, 2, 0)
    assert again["duplicates"] == 2
    cut = await http.post(path, content=b"".join(lines))
    assert problem_in(cut) == (422, "invalid-input")
    assert "/tmp" not in cut.text


async def test_changes_are_told_from_where_a_reader_was(http: httpx2.AsyncClient) -> None:
    ids = await remember(http, "Kate skis.", "Kate swims.")
    await http.post(f"{KATE}/pin", json={"memory_ids": ids[:1]})
    told = (await http.get(f"{KATE}/events?after=1&follow=false")).text
    assert [line for line in told.splitlines() if line.startswith(("event", "id"))] == [
        *("event: add", "id: 2", "event: update", "id: 3"),
    ]
    assert "swims" not in told
    rest = await http.get(f"{KATE}/events?follow=false", headers={"Last-Event-ID": "2"})
    assert rest.text.count("event: ") == 1
    assert (await http.get(f"{KATE}/events?follow=false")).text == ""


async def test_backups_go_where_the_server_keeps_them(http: httpx2.AsyncClient) -> None:
    assert problem_in(await http.post("/v1/backups")) == (501, "not-offered")


async def test_memories_expire_and_do_so_no_longer(http: httpx2.AsyncClient) -> None:
    (one,) = await remember(http, "Kate skis.")
    for at in ("2001-01-01T00:00:00Z", None):
        body = {"memory_ids": [one], "expires_at": at}
        assert (await http.post(f"{KATE}/expire", json=body)).json()["memory_ids"] == [one]
        assert (await http.get(f"{KATE}/memories/{one}")).json()["expires_at"] == at
    naive = {"memory_ids": [one], "expires_at": "2001-01-01T00:00:00"}
    refused = await http.post(f"{KATE}/expire", json=naive)
    assert problem_in(refused) == (422, "invalid-request")


async def test_a_list_goes_on_behind_a_place(http: httpx2.AsyncClient) -> None:
    ids = await remember(http, *(f"Memory {number}." for number in range(3)))
    first = (await http.post(f"{KATE}/memories/list", json={"limit": 1})).json()
    asked = {"after": first["memories"][0]["added_seq"]}
    rest = (await http.post(f"{KATE}/memories/list", json=asked)).json()["memories"]
    assert [one["memory_id"] for one in rest] == ids[-2::-1]
    both = {**asked, "cursor": first["next_cursor"]}
    refused = await http.post(f"{KATE}/memories/list", json=both)
    assert problem_in(refused) == (422, "invalid-input")


async def test_order_begins_is_looked_at_and_ends(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    nothing = {"plan": None, "last_report": None}
    assert (await http.get(f"{KATE}/organisation")).json() == nothing
    begun = await http.put(f"{KATE}/organisation", json={"plan": {"every_hours": 2.0}})
    assert begun.json()["plan"]["every_hours"] == 2.0
    wrong: list[dict[str, Any]] = [{"every_hours": 0}, {"workspace_id": "tom"}, {"plan": {}}]
    for plan in (*wrong, {"self": 1}):
        refused = await http.put(f"{KATE}/organisation", json={"plan": plan})
        assert problem_in(refused) == (422, "invalid-settings")
    service.jobs.run()
    assert (await http.get(f"{KATE}/organisation")).json()["last_report"] is not None
    assert (await http.delete(f"{KATE}/organisation")).json() == {"stopped": True}
    assert (await http.delete(f"{KATE}/organisation")).json() == {"stopped": False}


async def test_one_job_is_shown(http: httpx2.AsyncClient, service: MemoryService) -> None:
    await http.put(f"{KATE}/organisation", json={})
    (job,) = (await http.get(f"{KATE}/jobs")).json()["jobs"]
    assert (await http.get(f"{KATE}/jobs/{job['job_id']}")).json() == job
    assert job["payload"]["plan"]
    assert problem_in(await http.get(f"{KATE}/jobs/none")) == (404, "unknown-job")


async def test_merges_and_vectors_are_shown(http: httpx2.AsyncClient) -> None:
    assert (await http.get(f"{KATE}/merges")).json() == {"proposals": []}
    refused = await http.post(f"{KATE}/merges/none/accept")
    assert problem_in(refused) == (422, "invalid-input")
    shown = (await http.get(f"{KATE}/embeddings")).json()
    assert shown == {"coverage": {}, "queued_jobs": 0}


async def test_the_store_is_shown_and_copied_to_who_may_read_all_of_it(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    status = (await http.get("/v1/status")).json()
    assert status["revision"] == status["release"]
    assert status["pool_events"] == {}
    service.remember("kate", "Kate skis.")
    service.recall("kate", "Who skis?")
    status = (await http.get("/v1/status")).json()
    assert status["pool_events"] == {"load": 1}
    assert status["pool_bytes"] > 0
    copy = await http.get("/v1/backup")
    manifest = json.loads(copy.headers["x-mba-manifest"])
    assert manifest["sha256"] == hashlib.sha256(copy.content).hexdigest()
    assert manifest["workspaces"] == 2
    for options in ({"scopes": ["admin"]}, {"scopes": list(Scope), "workspaces": ["kate"]}):
        headers = key_of(service, **options)
        refused = await http.get("/v1/backup", headers=headers)
        assert problem_in(refused) == (403, "missing-scope")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "organisation"), ("POST", "merges/none/accept")]
)
async def test_what_forgets_needs_the_scope_for_it(
    http: httpx2.AsyncClient, service: MemoryService, method: str, path: str
) -> None:
    headers = key_of(service, scopes=["read", "write", "admin"])
    refused = await http.request(method, f"{KATE}/{path}", json={}, headers=headers)
    assert problem_in(refused) == (403, "missing-scope")
