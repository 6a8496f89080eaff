"""What replies and streams of the three protocols say that a call cost, and what was said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.replies import (
    MOST_REPLY_CHARS,
    Reply,
    ReplyReader,
    reply_of_json,
)
from mba_integrations.services.gateway.wire.usage import Usage, UsageReader, usage_of_json

CHAT = {
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is in Oslo."}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
    },
}
RESPONSE = {
    "model": "gpt-x",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "It is in Oslo."}]},
    ],
    "usage": {
        "input_tokens": 100,
        "output_tokens": 20,
        "input_tokens_details": {"cached_tokens": 64},
    },
}
MESSAGE = {
    "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "in Oslo."},
    ],
    "usage": {
        "input_tokens": 30,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 6,
        "output_tokens": 20,
    },
}
OPENAI = Usage(input_tokens=100, output_tokens=20, cached_tokens=64)
ANTHROPIC = Usage(input_tokens=100, output_tokens=20, cached_tokens=64, cache_write_tokens=6)
REPLIES: list[Any] = [
    pytest.param("chat", CHAT, OPENAI, id="chat"),
    pytest.param("responses", RESPONSE, OPENAI, id="responses"),
    pytest.param("messages", MESSAGE, ANTHROPIC, id="messages"),
]


@pytest.mark.parametrize(("api", "reply", "usage"), REPLIES)
def test_a_whole_reply_says_what_it_cost_and_what_was_said(
    api: Api, reply: dict[str, Any], usage: Usage
) -> None:
    assert usage_of_json(api, reply) == usage
    assert reply_of_json(api, reply) == Reply(text="It is in Oslo.")


@pytest.mark.parametrize(
    ("api", "reply"),
    [
        ("chat", {"choices": [{"message": {"content": None, "tool_calls": [{"id": "c"}]}}]}),
        ("responses", {"output": [{"type": "function_call", "call_id": "c", "name": "f"}]}),
        ("messages", {"content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}),
    ],
)
def test_a_reply_that_calls_a_tool_says_so(api: Api, reply: dict[str, Any]) -> None:
    assert reply_of_json(api, reply) == Reply(calls=True)


ODD: list[Any] = [
    None,
    [],
    "x",
    {},
    {"error": {"message": "no"}},
    {"usage": None},
    {"usage": 3, "choices": 3, "output": 3, "content": 3},
    {"usage": [], "choices": [3], "output": [3], "content": [3]},
    {"choices": [{"message": 3, "delta": 3}]},
    {"choices": [{"message": {"content": 3}}], "content": [{"type": "text", "text": 3}]},
]


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
@pytest.mark.parametrize("reply", ODD)
def test_a_reply_of_another_shape_says_nothing_and_is_no_error(api: Api, reply: object) -> None:
    assert usage_of_json(api, reply) is None
    assert reply_of_json(api, reply) in (None, Reply())
    reader = ReplyReader(api)
    reader.feed(b"data: " + json.dumps(reply).encode() + b"\n\ndata: {\n\ndata: \xff\n\n")
    assert (reader.usage, reader.reply) == (None, Reply())


@pytest.mark.parametrize("count", ["7", -1, True, 1.5, None, [], 10**30])
def test_a_count_that_is_none_counts_as_nothing(count: object) -> None:
    usage = usage_of_json("messages", {"usage": {"input_tokens": 5, "output_tokens": count}})
    expected = count if count == 10**30 else 0
    assert usage == Usage(input_tokens=5, output_tokens=expected)


def events(*said: object) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in said)


def chat_chunk(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-x", "choices": [{"index": 0, "delta": {"content": text}}], **more}


STREAMS: list[Any] = [
    pytest.param(
        "chat",
        events(
            chat_chunk("It is ", usage=None),
            {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
            chat_chunk("in Oslo."),
            {"model": "gpt-x", "choices": [], "usage": CHAT["usage"]},
        )
        + b"data: [DONE]\n\n",
        OPENAI,
        id="chat",
    ),
    pytest.param(
        "responses",
        events(
            {"type": "response.created", "response": {"model": "gpt-x", "usage": None}},
            {"type": "response.output_text.delta", "delta": "It is "},
            {"type": "response.output_text.delta", "delta": "in Oslo."},
            {"type": "response.output_text.done", "text": "It is in Oslo."},
            {"type": "response.completed", "response": RESPONSE},
        ),
        OPENAI,
        id="responses",
    ),
    pytest.param(
        "messages",
        events(
            {"type": "message_start", "message": {**MESSAGE, "content": []}},
            {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "It is "}},
            {"type": "ping"},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "in Oslo."}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20}},
            {"type": "message_stop"},
        ),
        ANTHROPIC,
        id="messages",
    ),
]


@pytest.mark.parametrize("size", [1, 3, 50, 100_000])
@pytest.mark.parametrize(("api", "stream", "usage"), STREAMS)
def test_a_stream_says_the_same_wherever_it_is_cut(
    api: Api, stream: bytes, usage: Usage, size: int
) -> None:
    costs, words = UsageReader(api), ReplyReader(api)
    for at in range(0, len(stream), size):
        costs.feed(stream[at : at + size])
        words.feed(stream[at : at + size])
    assert (costs.usage, words.usage, words.reply) == (usage, usage, Reply(text="It is in Oslo."))


def test_the_last_event_may_lack_its_end() -> None:
    reader = UsageReader("chat")
    reader.feed(events({"model": "gpt-x", "usage": CHAT["usage"]}).rstrip())
    assert reader.usage is None
    reader.end()
    assert reader.usage == OPENAI


@pytest.mark.parametrize(
    ("api", "event"),
    [
        ("chat", {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]}),
        ("responses", {"type": "response.output_item.added", "item": {"type": "function_call"}}),
        ("messages", {"type": "content_block_start", "content_block": {"type": "tool_use"}}),
    ],
)
def test_a_stream_that_calls_a_tool_says_so(api: Api, event: dict[str, Any]) -> None:
    reader = ReplyReader(api)
    reader.feed(events(event))
    assert reader.reply == Reply(calls=True)


def test_of_a_long_reply_the_beginning_is_kept() -> None:
    reader = ReplyReader("chat")
    for _ in range(3):
        reader.feed(events(chat_chunk("x" * (MOST_REPLY_CHARS // 2 + 1))))
    assert len(reader.reply.text) == MOST_REPLY_CHARS
