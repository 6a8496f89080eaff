"""Clients that go away, send too much, or are refused; and what a preparer hears of the end."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from gateway_calls import Preparer, gateway_before, request_of, sent
from scripted_upstreams import Seen, plain, scripted_upstream

from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.services.gateway.passing.asking import Patience
from mba_integrations.services.gateway.passing.calls import Call, Prepared, Refusal, Upstream
from mba_integrations.services.gateway.passing.gateway import Gateway

CHAT = "/gateway/openai/v1/chat/completions"
FILES = "/gateway/openai/v1/files"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def never(seen: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def one_event(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"9\r\ndata: 1\n\n\r\n")
    await never(seen, writer)


async def endless(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def connected(url: str, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    return reader, writer


@pytest.mark.parametrize(
    ("script", "seen_first"),
    [
        pytest.param(never, b"", id="before-the-first-byte"),
        pytest.param(one_event, b"data: 1\n\n", id="between-two-events"),
        pytest.param(endless, b"data: 1\n\n", id="in-the-middle-of-a-stream"),
    ],
)
async def test_a_client_that_goes_away_ends_the_call(script: Any, seen_first: bytes) -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        upstream.script = script
        reader, writer = await connected(url, request_of(CHAT, b"{}"))
        await upstream.until(lambda one: len(one.seen) == 1)
        if seen_first:
            await reader.readuntil(seen_first)
        writer.transport.abort()
        await upstream.until(lambda one: one.left == 1)
        await preparer.ended.wait()
        (outcome,) = preparer.outcomes
        assert outcome.finished == "client_gone"
        assert outcome.status == (200 if seen_first else None)


async def test_a_client_that_goes_away_while_it_sends_reaches_nobody() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        _, writer = await connected(url, request_of(CHAT, b"{}" * 9)[:-3])
        await asyncio.sleep(0.01)
        writer.transport.abort()
        assert (await sent(url, request_of(CHAT, b"{}"))).status == 200
        assert len(upstream.seen) == len(preparer.calls) == 1


async def test_a_client_that_goes_away_during_an_upload_ends_it() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        _, writer = await connected(url, request_of(FILES, b"x" * 90)[:-30])
        await upstream.until(lambda one: one.connections == 1)
        writer.transport.abort()
        await upstream.until(lambda one: one.left == 1)
        await preparer.ended.wait()
        assert preparer.outcomes[0].finished == "client_gone"
        assert not upstream.seen


async def test_a_client_that_goes_away_while_its_call_is_prepared_is_not_asked_for() -> None:
    cancelled = asyncio.Event()

    async def prepare(call: Call) -> Prepared:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()
        raise AssertionError

    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        preparer.prepare = prepare  # type: ignore[method-assign]
        _, writer = await connected(url, request_of(CHAT, b"{}"))
        await asyncio.sleep(0.01)
        writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 5)
        assert not upstream.connections


async def test_a_slow_client_slows_its_provider() -> None:
    """What is sent and not read fills the buffers of two sockets, and no list of the gateway."""
    sent_bytes = 0

    async def pours(seen: Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        writer.write(HEAD)
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()
            sent_bytes += 65_536

    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        upstream.script = pours
        reader, writer = await connected(url, request_of(CHAT, b"{}"))
        await reader.readuntil(b"\r\n\r\n")
        before = -1
        while before != sent_bytes:
            before = sent_bytes
            await asyncio.sleep(0.1)
        assert 0 < sent_bytes < 40_000_000
        writer.transport.abort()


async def test_a_body_that_is_read_has_a_limit_and_others_have_none() -> None:
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, body_bytes=10) as (url, _),
    ):
        assert (await sent(url, request_of(CHAT, b"x" * 10))).status == 200
        assert (await sent(url, request_of(FILES, b"x" * 11))).status == 200
        refused = await sent(url, request_of(CHAT, b"x" * 11))
        assert refused.status == 413
        assert json.loads(refused.body)["error"]["message"] == "A body has at most 10 bytes here."
        assert len(upstream.seen) == 2


async def test_a_preparer_is_told_of_the_call_and_of_its_end() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        upstream.script = plain(b"abc")
        await sent(url, request_of(f"{CHAT}?a=%20", b"{}", "X-One: 1"))
        await sent(url, request_of("/gateway/anthropic/v1/a%2Fb", b"zz"))
        while len(preparer.outcomes) < 2:
            await asyncio.sleep(0)
    chat, other = preparer.calls
    assert (chat.provider, chat.api, chat.body, chat.query) == ("openai", "chat", b"{}", b"a=%20")
    assert (chat.path, chat.rest) == ("/openai/v1/chat/completions", b"/chat/completions")
    assert (b"x-one", b"1") in chat.headers
    assert (other.provider, other.api, other.body, other.path, other.rest) == (
        *("anthropic", None, None, "/anthropic/v1/a/b", b"/v1/a%2Fb"),
    )
    for outcome in preparer.outcomes:
        assert (outcome.finished, outcome.status, outcome.bytes_out) == ("done", 200, 3)
        assert outcome.overhead_ms >= 0


async def test_a_refusal_is_sent_as_it_is() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        preparer.refusal = Refusal(status=402, body=b"{no}", headers=((b"x-mba-error", b"e"),))
        answer = await sent(url, request_of(CHAT, b"{}"))
    assert (answer.status, answer.body) == (402, b"{no}")
    assert (b"x-mba-error", b"e") in answer.headers
    assert not upstream.seen
    assert not preparer.outcomes


async def test_a_fault_of_the_preparer_is_logged_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def prepare(call: Call) -> Prepared:
        raise ValueError("sk-secret")

    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        preparer.prepare = prepare  # type: ignore[method-assign]
        with caplog.at_level(logging.ERROR, "mba.gateway"):
            answer = await sent(url, request_of(CHAT, b"{}"))
    assert answer.status == 500
    assert json.loads(answer.body)["error"]["code"] == "gateway_error"
    assert b"secret" not in answer.body
    assert "a call of the gateway failed" in caplog.text


async def test_a_reader_and_an_end_that_fail_change_nothing_for_the_client() -> None:
    class Reader:
        def feed(self, data: bytes) -> None:
            raise ValueError

    async def end(outcome: object) -> None:
        raise ValueError

    options = {"read": lambda head: Reader(), "on_end": end}
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, options=options) as (url, _),
    ):
        answer = await sent(url, request_of(CHAT, b"{}"))
    assert (answer.status, answer.body, answer.is_whole) == (200, b"{}", True)


async def test_a_reply_that_came_compressed_is_not_read() -> None:
    read: list[Any] = []
    options = {"read": read.append}
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, options=options) as (url, _),
    ):
        upstream.script = plain(b"\x1f\x8b", b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n")
        answer = await sent(url, request_of(CHAT, b"{}"))
    assert answer.body == b"\x1f\x8b"
    assert not read


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        pytest.param("openai", (b"authorization", b"Bearer sk-s"), id="openai"),
        pytest.param("anthropic", (b"x-api-key", b"sk-s"), id="anthropic"),
    ],
)
async def test_a_key_of_the_server_takes_the_place_of_the_client_s(
    provider: str, expected: tuple[bytes, bytes]
) -> None:
    path = {"openai": CHAT, "anthropic": "/gateway/anthropic/v1/messages"}[provider]
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        preparer.upstream = Upstream(base_url=upstream.url, key="sk-s")
        request = request_of(path, b"{}", "A: 1", "Authorization: Bearer x", "X-Api-Key: y", "B: 2")
        await sent(url, request)
    assert upstream.seen[0].headers[1:4] == [(b"a", b"1"), expected, (b"b", b"2")]
    assert "sk-s" not in repr(preparer.upstream)


@pytest.mark.parametrize(
    "url", ["", "api.openai.com", "ftp://a", "http://", "http://a?b=c", "http://me:sk-1@a", 3]
)
def test_an_address_that_is_none_is_refused(url: Any) -> None:
    with pytest.raises(ConfigError, match="base_url") as refused:
        Upstream(base_url=url)
    assert "sk-1" not in str(refused.value)


def test_settings_out_of_their_range_are_refused() -> None:
    with pytest.raises(InputError, match="between_seconds"):
        Patience(between_seconds=0)
    with pytest.raises(InputError, match="body_bytes"):
        Gateway(Preparer(Upstream(base_url="http://a")), body_bytes=0)


async def test_connections_to_a_provider_are_used_again() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        for _ in range(3):
            await sent(url, request_of(CHAT, b"{}"))
        assert upstream.connections == 1
