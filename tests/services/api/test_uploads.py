"""Files over HTTP: one of any format as it is becomes a document, or is refused with the reason."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller, problem_in

from benchmarks import ingest_files as files
from mba_integrations.services import RagService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService

KATE = "/v1/workspaces/kate"
PLACE = f"{KATE}/files/docs%2Fguide"


async def test_a_file_becomes_a_document_with_its_places(http: httpx2.AsyncClient) -> None:
    about = {"name": "guide.pdf", "uri": "https://a.example/g", "tags": ["hr", "leave"]}
    content = files.pdf(["Ben approves leave.", "Lunch is at noon."])
    first = (await http.put(PLACE, params=about, content=content)).json()
    assert (first["created"], first["added"]) == (True, 2)
    assert first["document"]["file_size"] == len(content)
    assert (await http.put(PLACE, params=about, content=content)).json()["unchanged"]
    asked = {"query": "Who approves leave?", "filters": {"tags": ["hr"]}, "explain": 5}
    found = (await http.post(f"{KATE}/retrieve", json=asked)).json()
    assert found["citations"][0]["place"] == {"page": 1}
    assert found["citations"][0]["uri"] == "https://a.example/g"
    assert found["explanation"]["selected"][0]["text"] == "Ben approves leave."


async def test_the_name_says_how_a_text_is_cut(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    text = b"def first():\n    return 1\n\n\ndef second():\n    return 2\n"
    await http.put(f"{KATE}/files/code", params={"name": "a.py"}, content=text)
    await http.put(f"{KATE}/files/text.txt", content=text)
    rag = RagService(service)
    assert [one.metadata.get("symbol") for one in rag.pieces("kate", "code")] == ["first", "second"]
    assert all("symbol" not in one.metadata for one in rag.pieces("kate", "text.txt"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("a.pdf", files.encrypted_pdf(), "encrypted", id="asks for a password"),
        pytest.param("a.pdf", b"%PDF-1.7 and no more", "broken", id="no whole PDF"),
        pytest.param("a.txt", b"\x00\x01\x02\xff" * 40, "binary", id="no text"),
        pytest.param("a.md", b"", "no_text", id="empty"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_and_what_was_there_stays(
    http: httpx2.AsyncClient, service: MemoryService, name: str, content: bytes, reason: str
) -> None:
    before = await http.put(PLACE, params={"name": "a.md"}, content=b"Ben approves leave.")
    reply = await http.put(PLACE, params={"name": name}, content=content)
    assert problem_in(reply) == (422, "unreadable-file")
    assert reply.json()["reason"] == reason
    assert reply.json()["detail"].startswith(f"{name}: ")
    kept = RagService(service).get("kate", "docs/guide")
    assert kept.content_hash == before.json()["document"]["content_hash"]


async def test_a_file_has_a_limit_of_its_own_and_nothing_else_has_it(
    service: MemoryService,
) -> None:
    settings = ServerSettings(body_bytes=100, file_bytes=300, import_bytes=1_000)
    async with caller(create_app(service, settings)) as http:
        assert (await http.put(PLACE, content=b"a" * 300)).status_code == 200
        assert problem_in(await http.put(PLACE, content=b"a" * 301)) == (413, "too-large")
        assert problem_in(await http.put(PLACE, content=parts())) == (413, "too-large")
        for end in ("imports", "files/x"):  # an id that looks like a path of files
            document = f"{KATE}/documents/v1/workspaces/kate/{end}"
            reply = await http.put(document, json={"text": "a" * 200})
            assert problem_in(reply) == (413, "too-large")


async def parts() -> Any:
    for _ in range(4):
        yield b"a" * 100


async def test_what_is_said_of_a_file_is_checked(http: httpx2.AsyncClient) -> None:
    for about in ({"colour": "red"}, {"valid_until": "soon"}, {"title": ""}):
        reply = await http.put(PLACE, params=about, content=b"Text.")
        assert problem_in(reply) == (422, "invalid-request")


def test_the_description_says_that_the_body_is_a_file(app: FastAPI) -> None:
    said = app.openapi()["paths"]["/v1/workspaces/{workspace_id}/files/{document_id}"]["put"]
    assert list(said["requestBody"]["content"]) == ["application/octet-stream"]
    named = {one["name"] for one in said["parameters"] if one["in"] == "query"}
    assert {"name", "title", "uri", "origin", "tags", "valid_until"} <= named
