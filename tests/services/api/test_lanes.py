"""The one thread of short choices: recalls of what is in memory, and nothing that takes long."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from mba_integrations.services.api.work import Work
from mba_integrations.services.memory.service import MemoryService

QUERY = "Where does Kate live?"
PAST = "/allocations/{allocation_id}"


@pytest.fixture
def recalled(service: MemoryService) -> str:
    """Id of a recall whose question is logged; the memories are in memory."""
    service.workspaces.change("kate", logging={"include_text": True})
    service.remember("kate", ["Kate lives in Lisbon.", "Kate skis."])
    return service.recall("kate", QUERY).allocation_id


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of threads that requests take, in order."""
    taken: list[str] = []
    run = Work.run

    async def noted(self: Work, kind: Any, *args: Any, **kwargs: Any) -> Any:
        taken.append(kind)
        return await run(self, kind, *args, **kwargs)

    monkeypatch.setattr(Work, "run", noted)
    return taken


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PAST + "/curve", {"budgets": [10, 100]}),
        ("POST", PAST + "/replay", {}),
        ("GET", PAST + "/apart", None),
        ("POST", PAST + "/apart", {"query": QUERY}),
        ("GET", PAST + "/beside/{allocation_id}", None),
        ("GET", "/tiers/starving", None),
        ("POST", "/settings/effect", {"settings": {"token_price": 0.0}}),
        ("GET", "/gateway/calibration?share=0.5", None),
        ("POST", "/recall/batch", {"queries": [{"query": QUERY}]}),
    ],
)
async def test_what_asks_often_or_of_the_past_leaves_the_thread_of_recalls_alone(
    http: httpx2.AsyncClient, recalled: str, lanes: list[str], method: str, path: str, body: Any
) -> None:
    place = "/v1/workspaces/kate" + path.format(allocation_id=recalled)
    reply = await http.request(method, place, json=body)
    assert reply.status_code == 200, reply.text
    assert "long" in lanes
    assert "choose" not in lanes


async def test_a_recall_of_what_is_in_memory_takes_it(
    http: httpx2.AsyncClient, recalled: str, lanes: list[str]
) -> None:
    reply = await http.post("/v1/workspaces/kate/recall", json={"query": QUERY})
    assert reply.status_code == 200, reply.text
    assert lanes == ["choose"]
