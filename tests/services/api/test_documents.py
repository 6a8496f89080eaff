"""Documents over HTTP: put, list, read, sync, remove, and what is retrieved of them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from http_server import problem_in

from mba_integrations.services.memory.service import MemoryService

KATE = "/v1/workspaces/kate"
GUIDE = "# Leave\n\nBen approves leave.\n\n# Travel\n\nBook trains early.\n"


async def put(http: httpx2.AsyncClient, document_id: str = "guide", **body: Any) -> Any:
    place = document_id.replace("/", "%2F").replace("#", "%23")
    reply = await http.put(f"{KATE}/documents/{place}", json=body or {"text": GUIDE})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_document_is_put_read_replaced_and_removed(http: httpx2.AsyncClient) -> None:
    first = await put(http, "docs/guide.md", text=GUIDE, title="Guide")
    assert (first["created"], first["added"]) == (True, 2)
    assert (await put(http, "docs/guide.md", text=GUIDE, title="Guide"))["unchanged"]
    second = await put(http, "docs/guide.md", text="# Leave\n\nBen approves leave.")
    assert (second["kept"], second["removed"], second["document"]["version"]) == (1, 1, 2)
    place = f"{KATE}/documents/docs%2Fguide.md"
    assert (await http.get(place)).json() == second["document"]
    pieces = (await http.get(place.replace("/documents/", "/pieces/"))).json()["pieces"]
    assert [one["content"] for one in pieces] == ["# Leave\n\nBen approves leave."]
    removed = (await http.delete(place)).json()
    assert (removed["document_ids"], removed["pieces"]) == (["docs/guide.md"], 1)
    assert problem_in(await http.get(place)) == (404, "unknown-document")


async def test_an_id_of_two_lines_has_a_path_too(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    reply = await http.put(f"{KATE}/documents/a%0Ab.md", json={"text": "Text."})
    assert reply.json()["document"]["document_id"] == "a\nb.md"
    for what in ("documents", "pieces"):
        assert (await http.get(f"{KATE}/{what}/a%0Ab.md")).status_code == 200
    [row] = service.list("kate").rows
    memory = row.memory_id.replace("\n", "%0A").replace("#", "%23")
    for what in ("memories", "history"):
        assert (await http.get(f"{KATE}/{what}/{memory}")).status_code == 200
    sent = await http.put(f"{KATE}/files/a%0Ab.md", content=b"Another.")
    assert sent.json()["document"]["version"] == 2
    assert (await http.delete(f"{KATE}/documents/a%0Ab.md")).json()["pieces"] == 1


async def test_pieces_of_the_caller_bring_their_places(http: httpx2.AsyncClient) -> None:
    pieces = [{"text": "Ben approves leave.", "metadata": {"page": 4}}]
    await put(http, pieces=pieces, title="Guide", uri="https://a.example/g")
    asked = {"query": "Who approves leave?", "budget_tokens": 60}
    reply = await http.post(f"{KATE}/retrieve", json=asked)
    found = reply.json()
    assert found["citations"] == [
        {
            "memory_id": found["selected"][0]["id"],
            "text": "Guide, page 4",
            "document_id": "guide",
            "title": "Guide",
            "uri": "https://a.example/g",
            "place": {"page": 4},
        }
    ]
    assert reply.headers["X-Mba-Used-Tokens"] == str(found["used_tokens"])
    assert found["used_tokens"] <= 60


async def test_candidates_of_the_caller_are_chosen_among(http: httpx2.AsyncClient) -> None:
    candidates = [{"id": "c1", "text": "Zoe approves leave.", "score": 0.9, "source": "wiki"}]
    body = {"query": "Who approves leave?", "candidates": candidates, "format": "messages"}
    found = (await http.post(f"{KATE}/retrieve", json=body)).json()
    assert "Zoe" in found["prompt_text"]
    assert found["messages"]
    assert found["citations"][0]["document_id"] == "wiki"


async def test_a_list_is_read_page_by_page(http: httpx2.AsyncClient) -> None:
    for name in ("b", "a", "c"):
        await put(http, name, text=name, origin="wiki")
    first = (await http.get(f"{KATE}/documents", params={"limit": 2, "origin": "wiki"})).json()
    assert [one["document_id"] for one in first["documents"]] == ["a", "b"]
    more = {"limit": 2, "origin": "wiki", "cursor": first["next_cursor"]}
    last = (await http.get(f"{KATE}/documents", params=more)).json()
    assert ([one["document_id"] for one in last["documents"]], last["next_cursor"]) == (["c"], None)
    behind = {"origin": "wiki", "after": "a"}
    rest = (await http.get(f"{KATE}/documents", params=behind)).json()
    assert [one["document_id"] for one in rest["documents"]] == ["b", "c"]
    other = {**more, "origin": "drive"}
    assert problem_in(await http.get(f"{KATE}/documents", params=other)) == (422, "invalid-input")


async def test_a_sync_removes_what_an_origin_has_no_more(http: httpx2.AsyncClient) -> None:
    for number in range(8):
        await put(http, f"d{number}", text=f"Text {number}.", origin="wiki")
    await put(http, "alone", text="Stays.")
    few = {"origin": "wiki", "document_ids": ["d0"]}
    refused = await http.post(f"{KATE}/documents/sync", json=few)
    assert problem_in(refused) == (409, "too-many-removed")
    assert (refused.json()["removed"], refused.json()["known"]) == (7, 8)
    dry = (await http.post(f"{KATE}/documents/sync", json={**few, "dry_run": True})).json()
    assert len(dry["removed"]) == 7
    done = (await http.post(f"{KATE}/documents/sync", json={**few, "most_removed": 1.0})).json()
    assert (done["unchanged"], len(done["removed"]), done["removed_pieces"]) == (1, 7, 7)
    left = (await http.get(f"{KATE}/documents")).json()["documents"]
    assert [one["document_id"] for one in left] == ["alone", "d0"]


async def test_several_are_removed_at_once_or_none(http: httpx2.AsyncClient) -> None:
    for name in ("a", "b"):
        await put(http, name, text=name)
    both = await http.post(f"{KATE}/documents/remove", json={"document_ids": ["a", "x"]})
    assert problem_in(both) == (404, "unknown-document")
    assert both.json()["document_ids"] == ["x"]
    gone = await http.post(f"{KATE}/documents/remove", json={"document_ids": ["a", "b"]})
    assert gone.json()["pieces"] == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, (422, "invalid-input"), id="neither text nor pieces"),
        pytest.param({"text": "a", "pieces": [{"text": "a"}]}, (422, "invalid-input"), id="both"),
        pytest.param({"text": " "}, (422, "invalid-input"), id="blank"),
        pytest.param({"text": "a", "colour": "red"}, (422, "invalid-request"), id="unknown field"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    http: httpx2.AsyncClient, service: MemoryService, body: Any, expected: tuple[int, str]
) -> None:
    reply = await http.put(f"{KATE}/documents/guide", json=body)
    assert problem_in(reply) == expected
    assert service.list("kate").rows == ()
