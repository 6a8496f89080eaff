"""What routes tell of past recalls: explanations, lists, statistics, exports."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import httpx2
import pyarrow.parquet as pq
from http_server import KATE, ask, problem_in, remember

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock


async def test_only_the_reply_that_is_given_is_logged(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    await remember(http, *(f"Kate said {number}." for number in range(60)))
    reply = await ask(http, "What did Kate say?", budget_for="reply", budget_tokens=200)
    (row,) = service.allocations.list("kate").rows
    assert row.allocation_id == reply["allocation_id"]
    assert row.record["used_tokens"] == reply["used_tokens"]


async def test_a_past_recall_is_explained_asked_again_and_compared(
    http: httpx2.AsyncClient, clock: Clock
) -> None:
    await remember(http, "Kate lives in Lisbon.", "Kate lived in Porto before she moved.")
    first = await ask(http, budget_tokens=30)
    clock.pass_seconds(60)
    second = await ask(http, budget_tokens=8)
    await remember(http, "Kate lives in Rome by now.")
    place = f"{KATE}/allocations/{first['allocation_id']}"
    told = (await http.get(place)).json()
    chosen = [one["memory_id"] for one in told["items"] if one["selected"]]
    assert chosen == [one["id"] for one in first["selected"]]
    assert problem_in(await http.post(f"{place}/replay", json={})) == (422, "invalid-input")
    other = await http.post(f"{place}/replay", json={"query": "Something else?"})
    assert problem_in(other) == (422, "invalid-input")
    same = {"query": "Where does Kate live?"}
    again = (await http.post(f"{place}/replay", json=same)).json()
    assert (again["difference"]["staying"], again["difference"]["entering"]) == (chosen, [])
    less = (await http.post(f"{place}/replay", json={**same, "budget_tokens": 8})).json()
    assert len(less["difference"]["leaving"]) == 1
    diff = (await http.get(f"{place}/diff/{second['allocation_id']}")).json()
    assert diff["leaving"] == less["difference"]["leaving"]
    curve = await http.post(f"{place}/curve", json={**same, "budgets": [8, 30]})
    assert [len(one["leaving"]) for one in curve.json()["points"]] == [1, 0]
    assert problem_in(await http.get(f"{KATE}/allocations/none")) == (404, "unknown-allocation")


async def test_the_log_is_read_page_by_page_with_filters(
    http: httpx2.AsyncClient, clock: Clock
) -> None:
    await remember(http, *(f"Kate said {number}." for number in range(9)))
    ids = []
    for number in range(5):
        clock.pass_seconds(1)
        budget = 15 if number % 2 else 500
        ids.append((await ask(http, "What did Kate say?", budget_tokens=budget))["allocation_id"])
    page = (await http.get(f"{KATE}/allocations?limit=3")).json()
    found = [one["allocation_id"] for one in page["allocations"]]
    rest = await http.get(f"{KATE}/allocations?limit=3&cursor={page['next_cursor']}")
    found += [one["allocation_id"] for one in rest.json()["allocations"]]
    assert found == ids[::-1]
    assert rest.json()["next_cursor"] is None
    tight = (await http.get(f"{KATE}/allocations?reason=outranked")).json()["allocations"]
    assert [one["allocation_id"] for one in tight] == [ids[3], ids[1]]
    none = (await http.get(f"{KATE}/allocations?complexity=expert")).json()
    assert none == {"allocations": [], "next_cursor": None}
    statistics = (await http.get("/v1/statistics")).json()
    assert (statistics["workspace_id"], statistics["allocation_count"]) == (None, 5)
    assert (await http.get(f"{KATE}/statistics?hours=1")).json()["allocation_count"] == 5


async def test_statistics_are_asked_by_window_and_told_apart(
    http: httpx2.AsyncClient, clock: Clock
) -> None:
    await remember(http, "Kate lives in Lisbon.")
    for _ in range(3):
        await http.post(f"{KATE}/recall", json={"query": "Lisbon?"})
        clock.pass_seconds(3_000)
    last = (await http.get(f"{KATE}/statistics?window=2h&by=hour")).json()
    assert (last["resolution"], last["allocation_count"]) == ("hour", 3)
    assert [one["allocation_count"] for one in last["groups"]] == [2, 1]
    assert last["since"] == last["groups"][0]["key"]
    every = (await http.get("/v1/statistics?window=24h&by=complexity")).json()
    assert [(one["key"], one["allocation_count"]) for one in every["groups"]] == [("simple", 3)]
    assert sum(bar["count"] for bar in every["utilisation_histogram"]) == 3
    assert every["phases"]["recall"]["count"] == 3
    for refused in ("window=24h&hours=1", "window=1y", "by=hour", "by=mood", "window=0h"):
        assert problem_in(await http.get(f"{KATE}/statistics?{refused}"))[0] == 422, refused


async def test_the_log_is_exported_three_ways(http: httpx2.AsyncClient, clock: Clock) -> None:
    await remember(http, "Kate lives in Lisbon.")
    ids: list[str] = []
    for _ in range(2):
        clock.pass_seconds(1)
        ids.insert(0, (await ask(http))["allocation_id"])
    place = f"{KATE}/export/allocations?format="
    lines = (await http.get(place + "jsonl")).content.splitlines(keepends=True)
    assert [json.loads(line)["allocation_id"] for line in lines[1:-1]] == ids
    end = json.loads(lines[-1])
    assert end["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    rows = list(csv.DictReader(io.StringIO((await http.get(place + "csv")).text)))
    assert [row["allocation_id"] for row in rows] == [*ids, "2"]
    assert rows[-1]["at"] == "#end"
    table = pq.read_table(io.BytesIO((await http.get(place + "parquet")).content))
    assert table["allocation_id"].to_pylist() == ids
    assert table["used_tokens"].to_pylist() == [int(row["used_tokens"]) for row in rows[:-1]]


async def test_a_recall_explains_itself_where_that_is_asked(http: httpx2.AsyncClient) -> None:
    (kept, *_) = await remember(http, "Kate lives in Lisbon.", "Bread " * 2_000)
    assert (await ask(http, budget_tokens=30))["explanation"] is None
    found = (await ask(http, budget_tokens=30, explain=5))["explanation"]
    assert [one["id"] for one in found["selected"]] == [kept]
    assert found["selected"][0]["signals"]
    (left,) = found["omitted"]
    assert left["reason"]
    assert len(left["text"]) == 1_000
    assert (await ask(http, budget_tokens=30, explain=0))["explanation"]["omitted"] == []
