"""The chunk of usage that a client did not ask for is kept from it; no other byte is touched."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from gateway_calls import gateway_before, request_of, sent
from hypothesis import given
from hypothesis import strategies as st
from scripted_upstreams import events, plain, scripted_upstream

from mba_integrations.services.gateway.passing.hiding import MOST_HELD, UsageHider, is_usage

CHAT = "/gateway/openai/v1/chat/completions"
USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":7,"total_tokens":9}}\n\n'
TEXT = b'data: {"id":"c","choices":[{"delta":{"content":"\\"usage\\""}}],"usage":null}\n\n'
FILTERS = b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = FILTERS + TEXT + b": ping\n\n" + USAGE + DONE


def hidden(*parts: bytes) -> bytes:
    hider = UsageHider()
    return b"".join(hider.feed(part) for part in parts) + hider.end()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "cr-lf", "cr"])
def test_it_is_hidden_wherever_the_stream_is_cut(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    rest = stream.replace(USAGE.replace(b"\n", end), b"")
    assert hidden(*(stream[n : n + 1] for n in range(len(stream)))) == rest
    for cut in range(len(stream) + 1):
        assert hidden(stream[:cut], stream[cut:]) == rest


EVENTS = st.sampled_from(
    [
        TEXT,
        USAGE,
        FILTERS,
        DONE,
        b": ping\n\n",
        b"\n",
        b"event: x\ndata: a\ndata: b\n\n",
        b"\xff\n\n",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(EVENTS, ENDS), max_size=8), st.lists(st.integers(0, 900), max_size=6))
def test_any_stream_loses_only_that(parts: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(event.replace(b"\n", end) for event, end in parts)
    kept = b"".join(event.replace(b"\n", end) for event, end in parts if event != USAGE)
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(places)]
    whole = hidden(stream)
    assert hidden(*pieces) == whole
    if all(end == b"\n" for _, end in parts):
        assert whole == kept


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(USAGE, True, id="the-last-chunk"),
        pytest.param(USAGE.rstrip(), True, id="without-its-end"),
        pytest.param(b"id: 1\n" + USAGE, True, id="with-another-field"),
        pytest.param(b'data:{"choices":[],\ndata:"usage":{"a":1}}\n\n', True, id="over-two-lines"),
        pytest.param(TEXT, False, id="text-that-says-usage"),
        pytest.param(FILTERS, False, id="no-choices-and-no-usage"),
        pytest.param(b'data: {"choices":[],"usage":null}\n\n', False, id="usage-of-nothing"),
        pytest.param(b'data: {"usage":{"a":1}}\n\n', False, id="no-choices-field"),
        pytest.param(b'data: {"choices":[{}],"usage":{"a":1}}\n\n', False, id="with-a-choice"),
        pytest.param(b'data: ["usage"]\n\n', False, id="no-object"),
        pytest.param(b'data: {"usage"\n\n', False, id="no-json"),
        pytest.param(b"data: " + b"[" * 50_000 + b'"usage"\n\n', False, id="too-deep"),
        pytest.param(b': "usage"\n\n', False, id="a-remark"),
    ],
)
def test_only_a_chunk_of_usage_alone_is_hidden(event: bytes, expected: bool) -> None:
    assert is_usage(event) is expected


def test_an_event_is_held_only_until_its_end_is_there() -> None:
    hider = UsageHider()
    assert hider.feed(TEXT[:-1]) == b""
    assert hider.feed(TEXT[-1:]) == TEXT
    assert not hider.holds


@pytest.mark.parametrize("size", [61, 4_096, 10**6])
def test_of_a_huge_event_little_is_held(size: int) -> None:
    event = b'data: {"choices":[],"usage":{"x":"' + b"a" * (3 * MOST_HELD) + b'"}}\n\n'
    stream = event + USAGE + DONE
    hider, out, most = UsageHider(), b"", 0
    for n in range(0, len(stream), size):
        out += hider.feed(stream[n : n + size])
        most = max(most, len(hider._held))
    assert out + hider.end() == event + DONE
    assert most <= MOST_HELD


@pytest.mark.parametrize("size", [1, 40, 1_000])
async def test_a_client_does_not_see_it(size: int) -> None:
    parts = [STREAM[n : n + size] for n in range(0, len(STREAM), size)]
    read = []

    class Reader:
        def feed(self, data: bytes) -> None:
            read.append(data)

    options = {"hide_usage": True, "read": lambda head: Reader() if head.is_stream else None}
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, options=options) as (url, preparer),
    ):
        upstream.script = events(*parts)
        request = request_of(CHAT, b"{}", "Accept-Encoding: gzip")
        answer = await sent(url, request)
        await preparer.ended.wait()
    assert answer.is_whole
    assert answer.body == STREAM.replace(USAGE, b"")
    assert b"".join(read) == STREAM
    assert upstream.seen[0].named[b"accept-encoding"] == b"identity"
    assert preparer.outcomes[0].bytes_out == len(answer.body)


async def test_what_was_held_is_there_when_the_stream_breaks_off() -> None:
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, options={"hide_usage": True}) as (url, _),
    ):
        upstream.script = events(TEXT, TEXT[:20], cut=True)
        answer = await sent(url, request_of(CHAT, b"{}"))
    assert (answer.body, answer.is_whole) == (TEXT + TEXT[:20], False)


async def test_an_error_in_place_of_the_stream_is_left_as_it_is() -> None:
    body = json.dumps({"choices": [], "usage": {"a": 1}}).encode()
    async with (
        scripted_upstream() as upstream,
        gateway_before(upstream, options={"hide_usage": True}) as (url, _),
    ):
        upstream.script = plain(body)
        answer = await sent(url, request_of(CHAT, b"{}"))
    assert answer.body == body
    assert (b"content-length", str(len(body)).encode()) in answer.headers
