"""A scripted provider for measurements of the gateway: two protocols and no model.

    python -m benchmarks.gateway_upstream --port 9000

What it answers is fixed by the path and by what is asked for (`stream`, `tools`, `thinking`, ...),
so that a call through the gateway can be compared with a direct one. `GET /open` says how many
endless streams are being sent, `/seen` which requests came; a model named `endless` never stops.

Only the standard library: it runs in the environments of the SDKs too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

USAGE = {
    "prompt_tokens": 21,
    "completion_tokens": 9,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": ""},
}
ARGUMENTS = '{"city": "Lisbon"}'
ANSWER = '{"name": "Kate", "age": 30}'
_JSON = {"content-type": "application/json", "x-request-id": "req_1", "openai-version": "2020"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_2"}
_MOST_SEEN = 1_000


def chat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER, "refusal": None}
    if asked.get("tools"):
        function = {**CALL["function"], "arguments": ARGUMENTS}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**CALL, "function": function}],
        }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": asked.get("model", "m"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "of_a_later_release": {"deep": [1, None]},
    }


def chat_events(asked: Mapping[str, Any]) -> list[bytes]:
    """A chat completion in chunks."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if asked.get("tools"):
        deltas += [
            {"tool_calls": [{"index": 0, **CALL}]},
            *(
                {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
                for part in (ARGUMENTS[:5], ARGUMENTS[5:])
            ),
        ]
    else:
        deltas += [{"content": part} for part in (ANSWER[:7], ANSWER[7:20], ANSWER[20:])]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        chunks.append({"choices": [], "usage": USAGE})
    head: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    lines = [json.dumps({**head, **chunk}) for chunk in chunks]
    return [f"data: {line}\n\n".encode() for line in (*lines, "[DONE]")]


def response(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A whole response."""
    text = {"type": "output_text", "text": ANSWER, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather"}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA=="}
    last = (
        {**call, "arguments": ARGUMENTS, "status": "completed"}
        if asked.get("tools")
        else {**message, "content": [text]}
    )
    details = {"input_tokens_details": {"cached_tokens": 16}, "output_tokens_details": {}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "completed",
        "model": asked.get("model", "m"),
        "output": [reasoning, last],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 21, "output_tokens": 9, "total_tokens": 30, **details},
    }


def response_events(asked: Mapping[str, Any]) -> list[bytes]:
    """A response in events."""
    whole = response(asked)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        opened, parts = _in_parts(item)
        at = {"output_index": index}
        events.append({"type": "response.output_item.added", **at, "item": opened})
        events += [{**at, "item_id": item["id"], **part} for part in parts]
        events.append({"type": "response.output_item.done", **at, "item": item})
    events.append({"type": "response.completed", "response": whole})
    return _named({**one, "sequence_number": n} for n, one in enumerate(events))


def _in_parts(item: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An item as it begins, and the events that bring the rest."""
    begun = {**item, "status": "in_progress"}
    if item["type"] == "function_call":
        kind = "response.function_call_arguments"
        deltas = [{"type": f"{kind}.delta", "delta": one} for one in (ARGUMENTS[:6], ARGUMENTS[6:])]
        ending = {"type": f"{kind}.done", "arguments": ARGUMENTS, "name": item["name"]}
        return {**begun, "arguments": ""}, [*deltas, ending]
    if item["type"] == "reasoning":
        return item, []
    part = {"type": "output_text", "text": "", "annotations": []}
    texts: list[dict[str, Any]] = [
        {"type": "response.content_part.added", "part": part},
        *(
            {"type": "response.output_text.delta", "delta": one, "logprobs": []}
            for one in (ANSWER[:9], ANSWER[9:])
        ),
        {"type": "response.output_text.done", "text": ANSWER, "logprobs": []},
        {"type": "response.content_part.done", "part": {**part, "text": ANSWER}},
    ]
    return {**begun, "content": []}, [{"content_index": 0, **one} for one in texts]


def message(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A whole message of Anthropic's."""
    content: list[dict[str, Any]] = []
    if asked.get("thinking"):
        content += [
            {"type": "thinking", "thinking": "Hm.", "signature": "EqQB=="},
            {"type": "redacted_thinking", "data": "EmwK=="},
        ]
    content.append({"type": "text", "text": ANSWER})
    if asked.get("tools"):
        given = json.loads(ARGUMENTS)
        content.append({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": given})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.get("model", "m"),
        "content": content,
        "stop_reason": "tool_use" if asked.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "output_tokens": 9,
            "cache_read_input_tokens": 16,
            "cache_creation_input_tokens": 3,
        },
    }


def message_events(asked: Mapping[str, Any]) -> list[bytes]:
    """A message of Anthropic's in events."""
    whole = message(asked)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "ping"},
    ]
    for index, block in enumerate(whole["content"]):
        begun, deltas = _in_deltas(block)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    return _named(events)


def _in_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind = block["type"]
    if kind == "text":
        halves = (block["text"][:9], block["text"][9:])
        return {**block, "text": ""}, [{"type": "text_delta", "text": one} for one in halves]
    if kind == "thinking":
        return {**block, "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    if kind == "tool_use":
        halves = (ARGUMENTS[:6], ARGUMENTS[6:])
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": one} for one in halves
        ]
    return block, []


def _named(events: Any) -> list[bytes]:
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]


_ANSWERS = {
    "/v1/chat/completions": (chat, chat_events),
    "/v1/responses": (response, response_events),
    "/v1/messages": (message, message_events),
}


class Provider:
    """The server.

    Attributes:
        seen: The last requests: path, headers that are no connection's, digest of the body.
        connections: That are open.
        open: Streams without end that are being sent.
        most_open: The most at once.
    """

    def __init__(self) -> None:
        self.seen: deque[dict[str, Any]] = deque(maxlen=_MOST_SEEN)
        self.connections = 0
        self.open = 0
        self.most_open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *lines = head[:-4].decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (one.partition(":") for one in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await self._answer(line.split()[1], headers, body, reader, writer)
        writer.close()
        self.connections -= 1

    async def _answer(
        self,
        target: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        path = target.partition("?")[0]
        if path == "/open":
            _write(writer, _JSON, json.dumps({"open": self.open, "most": self.most_open}).encode())
        elif path == "/seen":
            _write(writer, _JSON, json.dumps(list(self.seen)).encode())
            self.seen.clear()
        elif b'"endless"' in body:
            await self._endless(reader, writer)
        else:
            self._note(target, headers, body)
            asked = json.loads(body) if body else {}
            if path == "/v1/messages/count_tokens":
                _write(writer, _JSON, b'{"input_tokens": 24}')
            elif path not in _ANSWERS:
                _write(writer, _JSON, b'{"object": "list", "data": []}')
            elif asked.get("stream"):
                await _stream(writer, _ANSWERS[path][1](asked))
            else:
                _write(writer, _JSON, json.dumps(_ANSWERS[path][0](asked)).encode())
        await writer.drain()

    def _note(self, target: str, headers: dict[str, str], body: bytes) -> None:
        of_connection = {"host", "connection", "accept-encoding"}
        kept = {name: value for name, value in headers.items() if name not in of_connection}
        digest = hashlib.sha256(body).hexdigest()
        self.seen.append({"target": target, "headers": kept, "body": digest})

    async def _endless(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send an event every two seconds, until the caller goes, which is seen at once."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            writer.write(_head(_EVENTS))
            is_there = True
            while is_there:
                event = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await writer.drain()
                is_there = await _stays(reader, 2.0)
        finally:
            self.open -= 1
        raise ConnectionResetError


async def _stays(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the caller is there after so long."""
    with contextlib.suppress(TimeoutError):
        return bool(await asyncio.wait_for(reader.read(1), seconds))
    return True


def _head(headers: Mapping[str, str], length: int | None = None) -> bytes:
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, framing, "", ""]).encode()


def _write(writer: asyncio.StreamWriter, headers: Mapping[str, str], body: bytes) -> None:
    writer.write(_head(headers, len(body)) + body)


async def _stream(writer: asyncio.StreamWriter, events: list[bytes]) -> None:
    writer.write(_head(_EVENTS))
    for event in events:
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
    writer.write(b"0\r\n\r\n")


async def serve(port: int) -> None:
    """Answer until the process ends."""
    provider = Provider()
    server = await asyncio.start_server(
        provider.connected, "127.0.0.1", port, limit=2**24, backlog=4_096
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """Answer at a port."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=9_000)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
