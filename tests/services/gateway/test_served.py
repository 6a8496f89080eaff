"""The gateway in a server: keys, workspaces, and layers that change no byte of a reply."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_calls import TRUSTED, Answer, request_of, sent
from scripted_upstreams import ScriptedUpstream, Seen, events, plain, scripted_upstream
from socket_apps import on_socket

from mba_integrations.commands.serving.gateway import Providers, gateway_beside
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.gateway import app as apps
from mba_integrations.services.gateway.passing import gateway as gateways
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

CHAT = "/gateway/openai/v1/chat/completions"
MESSAGES = "/gateway/anthropic/v1/messages"
OWN = "Authorization: Bearer sk-own"


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Iterator[MemoryService]:
    path = shutil.copy(sqlite_template, tmp_path / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        for name in ("default", "kate"):
            service.create_workspace(name, max_total_tokens=1_000)
        yield service


@asynccontextmanager
async def served(
    service: MemoryService, *, settings: ServerSettings | None = None
) -> AsyncIterator[tuple[str, ScriptedUpstream]]:
    """Where a server with a gateway answers, and the provider behind it."""
    async with scripted_upstream() as upstream:
        providers = Providers(openai_url=f"{upstream.url}/v1", anthropic_url=upstream.url)
        mount = gateway_beside(service, providers)
        app = create_app(service, settings, mounts=[mount])
        assert mount.lifespan is not None
        async with mount.lifespan(), on_socket(app) as url:
            yield url, upstream


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys of the machine's, and certificates that are read once."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setattr(gateways, "Connections", lambda: Connections(TRUSTED))


def error_of(answer: Answer) -> tuple[int | None, str, str]:
    error = json.loads(answer.body)["error"]
    return answer.status, error["type"], error["message"]


def local(path: str, *headers: str, body: bytes = b"{}", **how: Any) -> bytes:
    return request_of(path, body, *headers, **how).replace(b"Host: gateway", b"Host: localhost")


async def test_on_this_machine_the_client_s_key_goes_through(service: MemoryService) -> None:
    async with served(service) as (url, upstream):
        assert (await sent(url, local(CHAT, OWN))).status == 200
        assert (await sent(url, local(MESSAGES, "X-Api-Key: sk-ant"))).status == 200
        chat, messages = upstream.seen
    assert (chat.line, chat.named[b"authorization"]) == (
        *(b"POST /v1/chat/completions HTTP/1.1", b"Bearer sk-own"),
    )
    assert (messages.line, messages.named[b"x-api-key"]) == (
        *(b"POST /v1/messages HTTP/1.1", b"sk-ant"),
    )


@pytest.mark.parametrize(
    ("path", "header", "expected"),
    [
        pytest.param(CHAT, "Authorization: Bearer {}", b"authorization", id="openai"),
        pytest.param(MESSAGES, "X-Api-Key: {}", b"x-api-key", id="anthropic"),
        pytest.param(MESSAGES, "Authorization: Bearer {}", b"x-api-key", id="anthropic-bearer"),
    ],
)
async def test_our_key_alone_brings_the_server_s(
    service: MemoryService,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    header: str,
    expected: bytes,
) -> None:
    key = service.keys.create("app", scopes=["gateway"]).key
    async with served(service) as (url, upstream):
        refused = await sent(url, local(path, header.format(key)))
        assert refused.status == 401
        assert "_API_KEY" in error_of(refused)[2]
        assert not upstream.seen
    monkeypatch.setenv("OPENAI_API_KEY", "sk-server")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-server")
    async with served(service) as (url, upstream):
        assert (await sent(url, local(path, header.format(key)))).status == 200
        (seen,) = upstream.seen
    assert seen.named[expected].removeprefix(b"Bearer ") == b"sk-server"
    assert key.encode() not in repr(seen).encode()


async def test_a_workspace_has_a_provider_key_of_its_own(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-server")
    named = {"provider_keys": {"openai": "MBA_PROVIDER_KEY_KATE"}}
    service.workspaces.change("kate", gateway=named)
    key = service.keys.create("app", scopes=["gateway"]).key
    headers = [f"Authorization: Bearer {key}", "X-Mba-Workspace: kate"]
    async with served(service) as (url, upstream):
        refused = await sent(url, local(CHAT, *headers))
        assert (refused.status, "MBA_PROVIDER_KEY_KATE" in error_of(refused)[2]) == (401, True)
        monkeypatch.setenv("MBA_PROVIDER_KEY_KATE", "sk-kate")
        with caplog.at_level(logging.DEBUG):
            await sent(url, local(CHAT, *headers))
            await sent(url, local(CHAT, f"X-Mba-Key: {key}", "X-Mba-Workspace: kate", OWN))
            await sent(url, local(CHAT, headers[0]))
    sent_keys = [one.named[b"authorization"] for one in upstream.seen]
    assert sent_keys == [b"Bearer sk-kate", b"Bearer sk-own", b"Bearer sk-server"]
    assert "sk-kate" not in caplog.text


async def test_our_key_beside_the_client_s_stays_here(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-server")
    key = service.keys.create("app", scopes=["gateway"]).key
    async with served(service) as (url, upstream):
        assert (await sent(url, local(CHAT, f"X-Mba-Key: {key}", OWN))).status == 200
        (seen,) = upstream.seen
    assert seen.named[b"authorization"] == b"Bearer sk-own"
    assert b"mba_" not in repr(seen).encode()


@pytest.mark.parametrize(
    ("scopes", "workspaces", "headers", "status"),
    [
        pytest.param(["gateway"], ["kate"], [], 200, id="the-key-s-only-workspace"),
        pytest.param(["gateway"], None, [], 200, id="the-default-one"),
        pytest.param(["gateway"], None, ["X-Mba-Workspace: kate"], 200, id="a-named-one"),
        pytest.param(["gateway"], ["kate"], ["X-Mba-Workspace: default"], 404, id="another-s"),
        pytest.param(["gateway"], None, ["X-Mba-Workspace: tom"], 404, id="none-of-that-name"),
        pytest.param(["gateway"], ["kate", "tom"], [], 404, id="several-and-none-named"),
        pytest.param(["read", "write"], None, [], 403, id="without-the-scope"),
        pytest.param(None, None, [], 401, id="without-a-key"),
    ],
)
async def test_a_key_opens_its_workspaces(
    service: MemoryService,
    scopes: list[str] | None,
    workspaces: list[str] | None,
    headers: list[str],
    status: int,
) -> None:
    made = service.keys.create("app", scopes=scopes or ["read"], workspaces=workspaces)
    ours = [] if scopes is None else [f"X-Mba-Key: {made.key}"]
    async with served(service) as (url, upstream):
        for path in (CHAT, MESSAGES):
            answer = await sent(url, local(path, OWN, *ours, *headers))
            assert answer.status == status
            if status != 200:
                assert "sk-own" not in str(error_of(answer))
        assert len(upstream.seen) == (2 if status == 200 else 0)


async def test_layers_refuse_in_the_form_of_the_provider(service: MemoryService) -> None:
    service.keys.create("app")
    async with served(service) as (url, _):
        answer = await sent(url, local(CHAT, "X-Mba-Key: mba_x"))
        assert error_of(answer)[:2] == (401, "authentication_error")
        assert (b"www-authenticate", b"Bearer") in answer.headers
        assert error_of(await sent(url, local(MESSAGES, OWN)))[:2] == (401, "authentication_error")
        assert error_of(await sent(url, request_of(CHAT, b"{}", OWN)))[0] == 421
        other = await sent(url, local("/v1/workspaces"))
        assert json.loads(other.body)["type"] == "urn:mba:problem:unknown-caller"


async def test_rates_are_those_of_the_server(service: MemoryService) -> None:
    settings = ServerSettings(requests_per_minute=1)
    async with served(service, settings=settings) as (url, _):
        assert (await sent(url, local(CHAT, OWN))).status == 200
        answer = await sent(url, local(MESSAGES, OWN))
    assert error_of(answer)[:2] == (429, "rate_limit_error")
    assert (b"retry-after", b"1") in answer.headers


async def test_the_layers_change_no_byte_of_a_reply(service: MemoryService) -> None:
    parts = [b"data: %d\n\n" % n for n in range(9)]
    async with served(service) as (url, upstream):
        upstream.script = events(*parts)
        answer = await sent(url, local(CHAT, OWN))
        upstream.script = plain(
            b'{"type": "urn:x"}',
            b"HTTP/1.1 400 Bad\r\ncontent-type: application/problem+json\r\n"
            b"x-request-id: req_1\r\ncache-control: no-cache\r\nserver-timing: a;dur=1\r\n",
        )
        other = await sent(url, local(CHAT, OWN, "Idempotency-Key: k"))
        again = await sent(url, local(CHAT, OWN, "Idempotency-Key: k"))
    assert answer.body == b"".join(parts)
    assert other.body == again.body == b'{"type": "urn:x"}'
    kept = dict(reversed(other.headers))
    assert kept[b"content-type"] == b"application/problem+json"
    assert kept[b"x-request-id"] == b"req_1"
    assert kept[b"cache-control"] == b"no-cache"
    assert kept[b"server-timing"] == b"a;dur=1"
    assert len(upstream.seen) == 3


async def test_the_layers_hold_nothing_of_a_stream_back(service: MemoryService) -> None:
    go_on = asyncio.Event()

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await asyncio.wait_for(go_on.wait(), 5)
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with served(service) as (url, upstream):
        upstream.script = answer
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(local(CHAT, OWN))
        await reader.readuntil(b"one")
        go_on.set()
        await reader.readuntil(b"two")
        writer.close()


async def test_a_body_may_be_larger_than_others_of_the_server(service: MemoryService) -> None:
    settings = ServerSettings(body_bytes=10)
    async with served(service, settings=settings) as (url, upstream):
        assert (await sent(url, local(CHAT, OWN, body=b"x" * 1_000_000))).status == 200
        assert (await sent(url, local("/v1/allocate", body=b"x" * 11))).status == 413
        assert len(upstream.seen[0].body) == 1_000_000


async def test_no_key_is_in_a_log(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-server")
    key = service.keys.create("app", scopes=["gateway"]).key
    async with served(service) as (url, upstream):
        with caplog.at_level(logging.DEBUG):
            await sent(url, local(CHAT, f"Authorization: Bearer {key}"))
            await sent(url, local(f"{CHAT}?api-key=sk-query", f"X-Mba-Key: {key}", OWN))
            upstream.script = plain(b"", b"no http")
            await sent(url, local(CHAT, f"X-Mba-Key: {key}", OWN))
    assert "/gateway" in caplog.text
    for secret in ("sk-server", "sk-own", "sk-query", key):
        assert secret not in caplog.text


def test_where_the_providers_are_by_default(service: MemoryService) -> None:
    assert {name: one.base_url for name, one in apps.upstreams().items()} == {
        "openai": "https://api.openai.com/v1",
        "anthropic": "https://api.anthropic.com",
    }
