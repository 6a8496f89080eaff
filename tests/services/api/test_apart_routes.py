"""Routes that take past recalls apart: texts need their scope, and events tell of new ones."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from http_server import caller, key_of, problem_in

from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService

PLACE = "/v1/workspaces/kate"
QUERY = "Where does Kate live?"


@pytest.fixture
def recalled(service: MemoryService) -> str:
    """Id of a recall whose texts are logged."""
    service.workspaces.change("kate", logging={"include_text": True})
    service.remember("kate", ["Kate lives in Lisbon.", "Kate skis."])
    return service.recall("kate", QUERY).allocation_id


async def asked(service: MemoryService, path: str, *scopes: str) -> Any:
    async with caller(create_app(service), headers=key_of(service, scopes=scopes)) as http:
        reply = await http.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.mark.parametrize("what", ["apart", "beside"])
async def test_texts_need_their_scope(service: MemoryService, recalled: str, what: str) -> None:
    end = "apart" if what == "apart" else f"beside/{recalled}"
    path = f"{PLACE}/allocations/{recalled}/{end}"
    bare, whole = (
        await asked(service, path, "read"),
        await asked(service, path, "read", "read:content"),
    )
    assert "Lisbon" in str(whole)
    assert "Lisbon" not in str(bare)
    assert "Kate" not in str(bare)
    side = bare if what == "apart" else bare["first"]
    assert side["prompt"]["text"] is None
    assert (
        side["prompt"]["parts"] == (whole if what == "apart" else whole["first"])["prompt"]["parts"]
    )


async def test_a_recall_is_shown_with_its_figures(service: MemoryService, recalled: str) -> None:
    path = f"{PLACE}/allocations/{recalled}"
    shown = await asked(service, f"{path}/apart", "read", "read:content")
    record = shown["allocation"]["record"]
    assert shown["source"] == "replay"
    assert sum(one["used"] for one in shown["totals"].values()) == record["used_tokens"]
    assert all(one["budget"] is not None for one in shown["totals"].values())
    pair = await asked(service, f"{path}/beside/{recalled}", "read")
    assert pair["prefix_tokens"] == record["used_tokens"]
    assert pair["difference"]["entering"] == []


async def test_the_question_can_be_said_where_it_is_not_logged(
    http: httpx2.AsyncClient, service: MemoryService, recalled: str
) -> None:
    service.workspaces.change("kate", logging={"include_text": False})
    place = f"{PLACE}/allocations/{service.recall('kate', QUERY).allocation_id}/apart"
    assert (await http.get(place)).json()["source"] == "log"
    assert (await http.post(place, json={"query": QUERY})).json()["source"] == "replay"
    assert problem_in(await http.post(place, json={"query": "Who?"}))[0] == 422


async def test_tiers_and_settings_are_tried(http: httpx2.AsyncClient, recalled: str) -> None:
    tiers = (await http.get(f"{PLACE}/tiers/starving?allocations=1")).json()["tiers"]
    assert [one["looked_at"] for one in tiers] == [1] * 4
    body = {"settings": {"max_total_tokens": 2}, "allocations": 5}
    effect = (await http.post(f"{PLACE}/settings/effect", json=body)).json()
    assert effect["looked_at"] == 1
    assert effect["examples"][0]["allocation_id"] == recalled
    wrong = {"settings": {"max_total_tokens": -1}}
    assert problem_in(await http.post(f"{PLACE}/settings/effect", json=wrong))[0] == 422


@pytest.mark.parametrize("end", ["a/apart", "a/beside/b"])
async def test_a_recall_that_is_not_there_is_told(http: httpx2.AsyncClient, end: str) -> None:
    found = problem_in(await http.get(f"{PLACE}/allocations/{end}"))
    assert found == (404, "unknown-allocation")


async def test_events_tell_of_recalls_to_who_asks_for_them(
    http: httpx2.AsyncClient, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recall comes while the stream is open: before it looks at the log."""
    made = service.allocations.arrivals

    def then_recalled(workspace_id: str) -> Any:
        arrivals = made(workspace_id)
        service.recall(workspace_id, QUERY)
        service.allocations.list(workspace_id)
        return arrivals

    monkeypatch.setattr(service.allocations, "arrivals", then_recalled)
    plain = await http.get(f"{PLACE}/events?follow=false")
    assert plain.text == ""
    told = (await http.get(f"{PLACE}/events?follow=false&allocations=true")).text
    (row,) = service.allocations.list("kate").rows
    assert told.startswith("event: allocation\ndata: {")
    assert row.allocation_id in told
    assert "id:" not in told
    assert "Kate" not in told


async def test_feedback_is_given_read_and_part_of_the_explanation(
    http: httpx2.AsyncClient, recalled: str, service: MemoryService
) -> None:
    place = f"{PLACE}/allocations/{recalled}"
    lisbon, skis = service.allocations.get("kate", recalled).items
    body = {
        "cited": ["x"],
        "answer": "In Lisbon.",
        "thumb": "up",
        "thumbs": {skis.memory_id: "down"},
    }
    given = (await http.post(f"{place}/feedback", json=body)).json()
    found = {(one["memory_id"], one["origin"]): one["useful"] for one in given["feedback"]}
    assert found == {
        (None, "thumb"): True,
        (lisbon.memory_id, "overlap"): True,
        (skis.memory_id, "overlap"): False,
        (skis.memory_id, "thumb"): False,
    }
    assert given["not_in_prompt"] == ["x"]
    read = (await http.get(f"{place}/feedback")).json()
    assert sorted(map(str, read["feedback"])) == sorted(map(str, given["feedback"]))
    assert (await http.get(place)).json()["feedback"] == read["feedback"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param({}, (422, "invalid-input"), id="nothing-is-said"),
        pytest.param({"thumb": "sideways"}, (422, "invalid-request"), id="no-thumb"),
        pytest.param({"thumbs": {"x": "up"}}, (422, "invalid-input"), id="not-in-the-prompt"),
        pytest.param({"rating": 5}, (422, "invalid-request"), id="a-field-that-there-is-not"),
    ],
)
async def test_feedback_that_cannot_be_is_refused(
    http: httpx2.AsyncClient, recalled: str, body: Any, problem: tuple[int, str]
) -> None:
    refused = await http.post(f"{PLACE}/allocations/{recalled}/feedback", json=body)
    assert problem_in(refused) == problem


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_feedback_is_on_recalls_that_there_were(
    http: httpx2.AsyncClient, method: str
) -> None:
    reply = await http.request(method, f"{PLACE}/allocations/x/feedback", json={"thumb": "up"})
    assert problem_in(reply) == (404, "unknown-allocation")
