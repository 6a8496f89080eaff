"""Requests reach the provider as they were sent: over 40 shapes, beside a direct call's bytes."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from gateway_calls import PATHS, gateway_before, request_of, sent
from scripted_upstreams import Seen, scripted_upstream

PIXEL = "data:image/png;base64,iVBORw0KGgo="
USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLED = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CHAT, RESPONSES = "openai /chat/completions", "openai /responses"
MESSAGES, COUNT = "anthropic /v1/messages", "anthropic /v1/messages/count_tokens"


def chat(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages or [USER], **more}).encode()


def asked(given: Any, **more: Any) -> bytes:
    return json.dumps({"model": "m", "input": given, **more}).encode()


BODIES: dict[str, tuple[str, bytes]] = {
    "one-turn": (CHAT, chat()),
    "a-stream": (CHAT, chat(stream=True, stream_options={"include_usage": True})),
    "a-stream-without-usage": (CHAT, chat(stream=True)),
    "tools": (CHAT, chat(tools=[TOOL], tool_choice="auto", parallel_tool_calls=False)),
    "tool-rounds": (
        CHAT,
        chat(
            USER,
            {"role": "assistant", "content": None, "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": "c1", "content": "2"},
        ),
    ),
    "an-image": (
        CHAT,
        chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}),
    ),
    "audio": (
        CHAT,
        chat({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
    ),
    "structured-output": (
        CHAT,
        chat(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}),
    ),
    "unknown-fields": (CHAT, chat(frobnicate={"deep": [1, {"x": None}]}, **{"x-y": 1})),
    "fields-twice": (CHAT, b'{"model":"a","model":"b","messages":[]}'),
    "white-space": (CHAT, b' {\r\n\t"model" : "m" ,\n "messages" : [ ] }\n\n'),
    "escapes": (
        CHAT,
        rb'{"model":"m","messages":[{"role":"user","content":"\u00e9\/\ud83d\ude00"}]}',
    ),
    "half-a-surrogate-pair": (CHAT, rb'{"messages":[{"role":"user","content":"\ud83d"}]}'),
    "plain-unicode": (CHAT, '{"messages":[{"role":"user","content":"é漢😀\u2028"}]}'.encode()),
    "big-numbers": (CHAT, b'{"seed":123456789012345678901234567890,"temperature":1e400,"x":1.0}'),
    "numbers-as-written": (CHAT, b'{"temperature":0.10000000000000000001,"top_p":1E-2,"n":-0}'),
    "no-json": (CHAT, b"{not json"),
    "a-byte-order-mark": (CHAT, b"\xef\xbb\xbf{}"),
    "no-unicode": (CHAT, b'{"a":"\xff\xfe"}'),
    "zero-bytes": (CHAT, b"\x00" * 64),
    "an-empty-body": (CHAT, b""),
    "a-list": (CHAT, b"[1,2]"),
    "a-long-body": (CHAT, chat({"role": "user", "content": "word " * 60_000})),
    "a-deep-body": (CHAT, b"[" * 5_000 + b"]" * 5_000),
    "responses-text": (RESPONSES, asked("Hi", instructions="Be short.", store=False)),
    "responses-reasoning": (
        RESPONSES,
        asked([{"type": "reasoning", "id": "r", "encrypted_content": "gAAA=="}, USER]),
    ),
    "responses-tools": (
        RESPONSES,
        asked([{"type": "function_call_output", "call_id": "c", "output": "2"}], stream=True),
    ),
    "responses-goes-on": (RESPONSES, asked("Hi", previous_response_id="resp_1")),
    "messages": (MESSAGES, chat(max_tokens=9)),
    "messages-with-system-blocks": (
        MESSAGES,
        chat(system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]),
    ),
    "messages-thinking": (
        MESSAGES,
        chat(
            {"role": "assistant", "content": [{"type": "thinking", "signature": "Eq=="}]},
            thinking={"type": "enabled", "budget_tokens": 1024},
        ),
    ),
    "messages-redacted-thinking": (
        MESSAGES,
        chat({"role": "assistant", "content": [{"type": "redacted_thinking", "data": "E=="}]}),
    ),
    "messages-tools": (
        MESSAGES,
        chat({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}),
    ),
    "messages-image": (
        MESSAGES,
        chat({"role": "user", "content": [{"type": "image", "source": {"data": "iVBO"}}]}),
    ),
    "messages-counted": (COUNT, chat()),
    "embeddings": ("openai /embeddings", asked(["a", "b"], encoding_format="base64")),
    "a-file": (
        "openai /files",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\x00\xff\r\n--b--\r\n',
    ),
    "batches": ("anthropic /v1/messages/batches", b'{"requests":[]}'),
    "escapes-in-the-path": ("openai /files/a%2Fb%20%C3%A9;v=1/content", b"x"),
    "dots-in-the-path": ("openai /files/../%2e%2e/models", b"x"),
    "slashes-in-the-path": ("openai //models//", b"x"),
    "a-query": ("anthropic /v1/messages?beta=true&x=%2F+%20&x=2&empty=", chat()),
}


def parts_of(where: str) -> tuple[str, str]:
    provider, path = where.split(" ", 1)
    return provider, path


async def both_ways(where: str, body: bytes, *headers: str, **how: Any) -> tuple[Seen, Seen]:
    """The same request as the provider gets it from a client, and from the gateway."""
    provider, path = parts_of(where)
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, base="/base") as (url, _),
    ):
        await sent(upstream.url, request_of(f"/base{path}", body, *headers, **how))
        answer = await sent(url, request_of(PATHS[provider] + path, body, *headers, **how))
        assert answer.status == 200
        direct, through = upstream.seen
    return direct, through


def without(seen: Seen, *names: bytes) -> list[tuple[bytes, bytes]]:
    return [pair for pair in seen.headers if pair[0] not in (b"host", *names)]


@pytest.mark.parametrize("shape", BODIES)
async def test_a_request_reaches_the_provider_as_it_was_sent(shape: str) -> None:
    where, body = BODIES[shape]
    direct, through = await both_ways(where, body, "Content-Type: application/json")
    assert through.body == direct.body == body
    assert through.line == direct.line
    assert without(through) == without(direct)


def test_there_are_forty_shapes() -> None:
    assert len(BODIES) >= 40


HEADERS = (
    "Authorization: Bearer sk-1",
    "X-Api-Key: sk-ant-2",
    "anthropic-version: 2023-06-01",
    "anthropic-beta: one",
    "anthropic-beta: two",
    "OpenAI-Organization: org-1",
    "User-Agent: OpenAI/Python 3",
    "X-Stainless-Retry-Count: 0",
    "Accept: application/json",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Idempotency-Key: k 1",
    "X-Request-Id: mine",
    "Cookie: a=b",
    "X-Odd: \xe9 ; ,",
    "X-Empty: ",
)


@pytest.mark.parametrize("where", [CHAT, MESSAGES, "openai /files"])
async def test_headers_keep_their_order_and_values(where: str) -> None:
    direct, through = await both_ways(where, b"{}", *HEADERS)
    assert without(through) == without(direct)


async def test_headers_of_one_connection_and_ours_stay_behind() -> None:
    _, through = await both_ways(
        CHAT,
        b"{}",
        *("Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 5", "TE: trailers"),
        *("Proxy-Authorization: p", "X-Mba-Key: mba_1", "X-Mba-Workspace: kate"),
        *("X-Mba-Session: s", "Authorization: Bearer mba_1", "X-Kept: 1"),
    )
    assert without(through) == [(b"x-kept", b"1"), (b"content-length", b"2")]


@pytest.mark.parametrize("where", [CHAT, "openai /files"])
async def test_a_compressed_body_stays_compressed(where: str) -> None:
    body = gzip.compress(b"{}")
    direct, through = await both_ways(where, body, "Content-Encoding: gzip")
    assert through.body == body
    assert without(through) == without(direct)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_go_through_without_a_body(method: str) -> None:
    direct, through = await both_ways("openai /responses/resp_1", b"", method=method)
    assert through.line == direct.line
    assert without(through) == without(direct) == []


async def test_a_body_in_chunks_is_handed_on_in_chunks() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        head = b"POST /gateway/openai/v1/files HTTP/1.1\r\nHost: x\r\n"
        await sent(
            url, head + b"Transfer-Encoding: chunked\r\n\r\n" + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
        )
        (seen,) = upstream.seen
        assert (seen.body, seen.headers[1:]) == (b"abcd", [(b"transfer-encoding", b"chunked")])


async def test_a_waiting_client_is_told_to_send_its_body() -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        request = request_of("/gateway/openai/v1/files", b"abc", "Expect: 100-continue")
        assert (await sent(url, request)).status == 200
        assert b"expect" not in upstream.seen[0].named


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/gateway/openai/v2/models", id="another-version"),
        pytest.param("/gateway/openai/v1x", id="longer-than-the-prefix"),
        pytest.param("/gateway/gemini/v1", id="no-provider"),
        pytest.param("/gateway", id="nothing"),
        pytest.param("/gateway%2Fopenai/v1/models", id="an-escaped-slash"),
    ],
)
async def test_other_paths_are_refused(path: str) -> None:
    async with scripted_upstream() as upstream, gateway_before(upstream) as (url, _):
        answer = await sent(url, request_of(path))
        assert answer.status == 404
        assert json.loads(answer.body)["error"]["code"] == "unknown_url"
        assert not upstream.seen
