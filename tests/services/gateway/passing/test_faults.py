"""Providers that are slow, broken, huge or malformed: the client sees what a direct call shows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from gateway_calls import PATHS, Answer, gateway_before, request_of, sent
from scripted_upstreams import Script, ScriptedUpstream, Seen, events, plain, scripted_upstream

from mba_integrations.services.gateway.passing.asking import Patience
from mba_integrations.services.gateway.passing.calls import Attempt, Upstream

CHAT = "/gateway/openai/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"content-length: 4\r\n\r\n"


def raw(*parts: bytes, close: bool = True) -> Script:
    """Writes bytes one after the other, and closes the connection."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001 if len(parts) < 20 else 0)
        if close:
            writer.close()

    return answer


def one_by_one(data: bytes) -> Script:
    return raw(*(data[n : n + 1] for n in range(len(data))), close=False)


WHOLE: dict[str, Script] = {
    "plain": plain(b'{"a": 1}'),
    "an-empty-body": plain(b""),
    "no-content": raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False),
    "not-modified": raw(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", close=False),
    "until-closed": raw(OK + b"\r\n", b"abc", b"def"),
    "old-http": raw(b"HTTP/1.0 200 OK\r\n\r\nabc"),
    "huge": plain(b"x" * 3_000_000),
    "huge-chunks": events(*[b"y" * 300_000] * 8),
    "bytes-one-by-one": one_by_one(OK + b"x-a: b\r\n" + LENGTH + b"abcd"),
    "chunks-of-one-byte": events(*(bytes([n]) for n in b"data: {}\n\ndata: [DONE]\n\n")),
    "chunks-with-extensions": raw(
        OK + b"transfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n"
    ),
    "a-length-beside-chunks": raw(
        OK + b"content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    ),
    "early-hints": raw(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", OK + LENGTH + b"abcd"),
    "no-reason": raw(b"HTTP/1.1 529 \r\n" + LENGTH + b"abcd", close=False),
    "a-rate-limit": plain(
        b"{}", b"HTTP/1.1 429 Too Many\r\nretry-after: 3\r\nx-ratelimit-a: 1\r\n"
    ),
    "a-redirect": plain(b"", b"HTTP/1.1 307 There\r\nlocation: http://127.0.0.1:1/\r\n"),
    "headers-twice": plain(b"{}", OK + b"set-cookie: a=1\r\nset-cookie: b=2\r\n"),
    "compressed": plain(b"\x1f\x8b\x08", OK + b"content-encoding: gzip\r\n"),
    "odd-bytes-in-headers": plain(b"{}", OK + b"x-odd: \xe9\xff\r\n"),
}
BROKEN_OFF: dict[str, Script] = {
    "a-short-body": raw(OK + LENGTH, b"ab"),
    "a-cut-stream": events(b"data: 1\n\n", b"data: 2", cut=True),
    "a-bad-chunk": raw(OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"),
    "no-last-chunk": raw(OK + b"transfer-encoding: chunked\r\n\r\n", b"3\r\nabc\r\n"),
}
NO_ANSWER: dict[str, Script] = {
    "closed-at-once": raw(),
    "no-http": raw(b"hello\r\n\r\n"),
    "half-a-head": raw(OK + b"content-le"),
    "a-head-without-end": raw(OK, b"x" * 200_000),
    "a-bad-length": raw(OK + b"content-length: -4\r\n\r\n"),
    "two-lengths": raw(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    "a-bad-header": raw(OK + b"no colon\r\n\r\n"),
    "a-status-of-nobody": raw(b"HTTP/1.1 999 What\r\n" + LENGTH + b"abcd"),
    "only-hints": raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}
OWN = {b"x-mba-overhead-ms", b"x-accel-buffering", b"transfer-encoding", b"connection"}


async def both(script: Script, **how: Any) -> tuple[Answer, Answer, ScriptedUpstream]:
    """The same call to a provider, and through the gateway."""
    async with scripted_upstream() as upstream, gateway_before(upstream, **how) as (url, _):
        upstream.script = script
        direct = await sent(upstream.url, request_of("/chat/completions", b"{}"))
        through = await sent(url, request_of(CHAT, b"{}"))
    return direct, through, upstream


def said(answer: Answer) -> list[tuple[bytes, bytes]]:
    left_out = OWN | ({b"content-length"} if answer.body == b"abc" else set())
    return [pair for pair in answer.headers if pair[0] not in left_out]


@pytest.mark.parametrize("name", WHOLE)
async def test_an_answer_is_the_provider_s(name: str) -> None:
    direct, through, _ = await both(WHOLE[name])
    assert direct.is_whole
    assert (through.status, through.body, through.is_whole) == (direct.status, direct.body, True)
    assert said(through) == said(direct)


@pytest.mark.parametrize("name", BROKEN_OFF)
async def test_an_answer_that_breaks_off_does_so_for_the_client(name: str) -> None:
    direct, through, _ = await both(BROKEN_OFF[name])
    assert not direct.is_whole
    assert (through.status, through.body, through.is_whole) == (direct.status, direct.body, False)


@pytest.mark.parametrize("name", NO_ANSWER)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_where_no_answer_is_the_client_reads_an_error(name: str, provider: str) -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        upstream.script = NO_ANSWER[name]
        answer = await sent(url, request_of(f"{PATHS[provider]}/models", b"{}"))
        assert (answer.status, answer.is_whole) == (502, True)
        error = json.loads(answer.body)["error"]
        assert error["message"] == "The provider broke off, or answered what is no HTTP."
        assert error["type"] == ("server_error" if provider == "openai" else "api_error")
        assert len(upstream.seen) == 1
        assert preparer.outcomes[0].finished == "upstream_failed"


async def test_headers_of_the_provider_s_connection_stay_behind() -> None:
    head = (
        OK + b"date: d\r\nserver: s\r\nkeep-alive: 1\r\nconnection: x-hop\r\nx-hop: 1\r\n"
        b"x-request-id: req_1\r\n"
    )
    _, through, _ = await both(plain(b"{}", head))
    assert [name for name, _ in through.headers] == [
        *(b"x-request-id", b"content-length", b"x-mba-overhead-ms")
    ]


async def test_parts_go_on_as_they_come() -> None:
    """The provider sends the next event when the client has the one before."""
    got = asyncio.Event()

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            await writer.drain()
            await asyncio.wait_for(got.wait(), 5)
            got.clear()
            writer.write(b"9\r\ndata: %d\n\n\r\n" % number)
        writer.write(b"0\r\n\r\n")

    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        upstream.script = answer
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(request_of(CHAT, b"{}"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"x-accel-buffering: no" in head
        for number in range(3):
            got.set()
            assert b"data: %d" % number in await reader.readuntil(b"\n\n")
        writer.close()


SHORT = 0.02


async def silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


def stalled(*parts: bytes) -> Script:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for part in parts:
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        await silent(seen, writer)

    return answer


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_provider_that_does_not_begin_is_given_up(provider: str) -> None:
    patience = Patience(first_byte_seconds=SHORT)
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, patience=patience) as (url, _),
    ):
        upstream.script = silent
        answer = await sent(url, request_of(f"{PATHS[provider]}/models", b"{}"))
        await upstream.until(lambda one: one.left == 1)
    error = json.loads(answer.body)["error"]
    assert answer.status == 504
    assert error["message"] == "The provider did not begin to answer within 0.02 s."
    assert error["type"] == ("server_error" if provider == "openai" else "timeout_error")


@pytest.mark.parametrize(
    ("parts", "ending"),
    [
        pytest.param([], b"data: {", id="before-an-event"),
        pytest.param([b"data: 1\n\n"], b"data: {", id="after-an-event"),
        pytest.param([b"data: 1\r\n\r\n"], b"data: {", id="after-another-line-end"),
        pytest.param([b"data: 1\n\n", b"data: 2"], None, id="within-an-event"),
    ],
)
async def test_a_stream_that_stalls_says_so_between_events(
    parts: list[bytes], ending: bytes | None
) -> None:
    patience = Patience(between_seconds=SHORT)
    _, through, upstream = await both_stalled(parts, patience)
    so_far = b"".join(parts)
    assert through.body.startswith(so_far)
    assert through.is_whole == (ending is not None)
    if ending is None:
        assert through.body == so_far
    else:
        event = through.body.removeprefix(so_far)
        assert event.startswith(ending)
        message = json.loads(event.removeprefix(b"data: "))["error"]["message"]
        assert message == "The provider did not go on within 0.02 s."
    assert upstream.left == 1


async def both_stalled(
    parts: list[bytes], patience: Patience
) -> tuple[None, Answer, ScriptedUpstream]:
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, patience=patience) as (url, _),
    ):
        upstream.script = stalled(*parts)
        answer = await sent(url, request_of(CHAT, b"{}"))
        await upstream.until(lambda one: one.left == 1)
        return None, answer, upstream


async def test_a_provider_that_is_not_there_is_told_of() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        preparer.upstream = Upstream(base_url="http://127.0.0.1:1", key="sk-secret")
        answer = await sent(url, request_of(CHAT, b"{}", "Authorization: Bearer sk-own"))
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_unreachable"
    assert b"sk-" not in answer.body


NOT_THERE = Upstream(base_url="http://127.0.0.1:1")


async def with_fallbacks(
    *statuses: int, first: Upstream | None = None
) -> tuple[Answer, list[bytes], int]:
    """Providers that answer so, one after the other: what the client gets, and what was sent."""
    answers = list(statuses)

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        status = answers.pop(0)
        await plain(b'{"status": %d}' % status, b"HTTP/1.1 %d X\r\n" % status)(seen, writer)

    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        upstream.script = answer
        here = Upstream(base_url=upstream.url)
        preparer.options = {
            "first": Attempt(upstream=first or here, body=b"first"),
            "fallbacks": [
                Attempt(upstream=here, body=b"second", headers_out=((b"x-mba-route", b"2"),)),
                Attempt(upstream=here, body=b"third"),
            ],
        }
        got = await sent(url, request_of(CHAT, b"{}"))
        await preparer.ended.wait()
        return got, [seen.body for seen in upstream.seen], preparer.outcomes[0].attempt


@pytest.mark.parametrize(
    ("statuses", "sent_bodies"),
    [
        pytest.param([200], [b"first"], id="the-first-answers"),
        pytest.param([400], [b"first"], id="a-fault-of-the-client-is-not-tried-again"),
        pytest.param([429, 200], [b"first", b"second"], id="too-many"),
        pytest.param([503, 529, 200], [b"first", b"second", b"third"], id="two-that-are-down"),
        pytest.param([500, 429, 503], [b"first", b"second", b"third"], id="all-that-are-down"),
    ],
)
async def test_fallbacks_are_asked_in_their_order(
    statuses: list[int], sent_bodies: list[bytes]
) -> None:
    answer, bodies, attempt = await with_fallbacks(*statuses)
    assert bodies == sent_bodies
    assert (answer.status, attempt) == (statuses[-1], len(statuses) - 1)
    assert (b"x-mba-route", b"2") not in answer.headers or attempt == 1


async def test_where_no_connection_is_the_fallback_is_asked() -> None:
    answer, bodies, attempt = await with_fallbacks(200, first=NOT_THERE)
    assert (answer.status, bodies, attempt) == (200, [b"second"], 1)
    assert (b"x-mba-route", b"2") in answer.headers


async def test_a_provider_that_took_the_request_is_not_asked_again() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, preparer):
        upstream.script = raw()
        here = Attempt(upstream=Upstream(base_url=upstream.url))
        preparer.options = {"first": here, "fallbacks": (here, here)}
        assert (await sent(url, request_of(CHAT, b"{}"))).status == 502
        assert len(upstream.seen) == 1
