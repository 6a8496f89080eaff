"""Routes on settings that are looked for in past recalls: found, applied, taken back, refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from http_server import caller, key_of, problem_in
from proposals import found_settings

from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.proposals import ProposalState

PLACE = "/v1/workspaces/kate/tuning"


@pytest.fixture
def proposed(service: MemoryService) -> str:
    """Id of a proposal, as a job leaves it."""
    return found_settings(service, "kate").proposal_id


async def test_a_job_looks_and_what_it_finds_is_listed(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    asked: dict[str, Any] = {"json": {"trials": 2, "workers": 0}}
    headers = {"Idempotency-Key": "once"}
    begun = [await http.post(PLACE, headers=headers, **asked) for _ in range(2)]
    assert [one.status_code for one in begun] == [202, 202]
    assert begun[0].json() == begun[1].json()
    assert len(service.jobs.list("kate")) == 1
    assert (await http.get(PLACE)).json() == {"proposals": []}
    service.jobs.run()
    (found,) = (await http.get(PLACE)).json()["proposals"]
    assert (found["proposal_id"], found["state"]) == (begun[0].json()["job_id"], "found")
    assert found["found"]["answer"] == "not_enough"


async def test_a_proposal_is_applied_in_stages_and_taken_back(
    http: httpx2.AsyncClient, service: MemoryService, proposed: str
) -> None:
    before = service.workspaces.config("kate").stability
    one = (await http.get(f"{PLACE}/{proposed}")).json()
    assert (one["changes"], one["state"]) == ({"stability": 0.9}, "proposal")
    shadowed = await http.post(f"{PLACE}/{proposed}/apply", json={"shadow": 10, "watch": 50})
    assert shadowed.json()["state"] == "shadow"
    assert shadowed.json()["plan"] == {"shadow": 10, "watch": 50}
    assert service.workspaces.config("kate").stability == before
    back = await http.post(f"{PLACE}/{proposed}/rollback")
    assert (back.status_code, back.json()["state"]) == (200, "taken_back")


async def test_without_a_shadow_the_settings_hold_at_once(
    http: httpx2.AsyncClient, service: MemoryService, proposed: str
) -> None:
    applied = await http.post(f"{PLACE}/{proposed}/apply", json={"shadow": 0})
    assert (applied.status_code, applied.json()["state"]) == (200, "live")
    assert service.workspaces.config("kate").stability == 0.9
    again = await http.post(f"{PLACE}/{proposed}/apply", json={})
    assert problem_in(again) == (404, "unknown-proposal")


async def test_an_experiment_is_begun_once_shown_and_taken_back(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    asked: dict[str, Any] = {"json": {"changes": {"stability": 0.9}, "share": 0.2, "recalls": 400}}
    headers = {"Idempotency-Key": "once"}
    begun = [await http.post(f"{PLACE}/experiments", headers=headers, **asked) for _ in range(2)]
    assert [one.status_code for one in begun] == [201, 201]
    assert begun[0].json() == begun[1].json()
    (one,) = (await http.get(PLACE)).json()["proposals"]
    assert (one["state"], one["plan"]) == ("experiment", {"share": 0.2, "recalls": 400})
    assert one["changes"] == {"stability": 0.9}
    assert one["found"]["arms"]["usual"]["recalls"] == 0
    name = one["proposal_id"]
    asking = {"query": "Where does Kate live?", "session_id": "s1"}
    recall = (await http.post("/v1/workspaces/kate/recall", json=asking)).json()
    changed = service.workspaces.config("kate").dealt("s1").stability == 0.9
    place = f"/v1/workspaces/kate/allocations/{recall['allocation_id']}"
    for path in (place, f"{place}/apart"):
        arm = (await http.get(path)).json()["arm"]
        assert arm == {"experiment": name, "changed": changed}
    refused = await http.post(f"{PLACE}/experiments", json={"changes": {"stability": 0.8}})
    assert problem_in(refused) == (404, "unknown-proposal")
    back = await http.post(f"{PLACE}/{name}/rollback")
    assert (back.status_code, back.json()["state"]) == (200, "taken_back")
    later = (await http.post("/v1/workspaces/kate/recall", json=asking)).json()
    place = f"/v1/workspaces/kate/allocations/{later['allocation_id']}"
    assert (await http.get(place)).json()["arm"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": {"stabilty": 0.9}},
        {"changes": {"stability": 2}},
        {"changes": {"stability": 0.9}, "share": 1},
        {"changes": {"stability": 0.9}, "share": "0.5"},
        {"changes": {"stability": 0.9}, "recalls": 299},
        {"changes": {"gateway": {}}},
    ],
    ids=str,
)
async def test_an_experiment_that_cannot_be_is_refused(
    http: httpx2.AsyncClient, service: MemoryService, body: Any
) -> None:
    assert (await http.post(f"{PLACE}/experiments", json=body)).status_code == 422
    assert service.workspaces.row("kate").settings_version == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("", {"trials": 0}), ("", {"workers": 33}), ("/tune-000001/apply", {"watch": 1})],
)
async def test_numbers_out_of_their_range_are_refused(
    http: httpx2.AsyncClient, proposed: str, path: str, body: Any
) -> None:
    assert problem_in(await http.post(PLACE + path, json=body)) == (422, "invalid-request")


async def test_settings_of_another_workspace_are_not_there(
    http: httpx2.AsyncClient, proposed: str
) -> None:
    found = await http.get(f"/v1/workspaces/tom/tuning/{proposed}")
    assert problem_in(found) == (404, "unknown-proposal")


async def test_who_may_only_read_sees_and_changes_nothing(
    service: MemoryService, proposed: str
) -> None:
    async with caller(create_app(service), headers=key_of(service, scopes=("read",))) as http:
        assert (await http.get(f"{PLACE}/{proposed}")).status_code == 200
        tried = {"changes": {"stability": 0.9}}
        for path, body in (
            ("", {}),
            ("/experiments", tried),
            (f"/{proposed}/apply", {}),
            (f"/{proposed}/rollback", None),
        ):
            assert (await http.post(PLACE + path, json=body)).status_code == 403
    assert service.tuning.get("kate", proposed).state is ProposalState.PROPOSAL
