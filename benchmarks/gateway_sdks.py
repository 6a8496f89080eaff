"""The providers' own SDKs through the gateway: is every field what a direct call gives?

    ENVIRONMENT/bin/python -m benchmarks.gateway_sdks --mba mba

For an environment with `openai` and `anthropic`, which this project does not need; `--mba` is the
command of one that has it. Each case is asked of the scripted provider itself and through the
gateway. Compared are what the SDK gives back, field by field and event by event, the id of the
request, and what arrived at the provider: target, headers, body.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import urllib.request
from collections.abc import Callable
from typing import Any

from benchmarks.gateway_servers import free_port, gateway, provider

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ASKED = [{"role": "user", "content": "Hi"}]
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
Case = Callable[[Any], Any]


def _dumped(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _with_id(reply: Any) -> Any:
    return [_dumped(reply), getattr(reply, "_request_id", None)]


def _events(stream: Any) -> list[Any]:
    return [_dumped(event) for event in stream]


def _chat(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "m", "messages": ASKED, **more})


def _responses(client: Any, **more: Any) -> Any:
    return client.responses.create(**{"model": "m", "input": "Hi", **more})


def _messages(client: Any, **more: Any) -> Any:
    return client.messages.create(**{"model": "m", "max_tokens": 64, "messages": ASKED, **more})


def _chat_helper(client: Any) -> Any:
    with client.chat.completions.stream(model="m", messages=ASKED, tools=[FUNCTION]) as stream:
        return [_events(stream), _dumped(stream.get_final_completion())]


def _messages_helper(client: Any) -> Any:
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    asked = {"model": "m", "max_tokens": 64, "messages": ASKED, "tools": tools}
    with client.messages.stream(**asked) as stream:
        return [_events(stream), _dumped(stream.get_final_message())]


def _image_of_openai() -> list[Any]:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]


def _image_of_anthropic() -> list[Any]:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    return [{"role": "user", "content": [{"type": "image", "source": source}]}]


_JSON_FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
_TEXT_FORMAT = {"format": {"type": "json_schema", "name": "person", "schema": PERSON}}
_THINKING = {"type": "enabled", "budget_tokens": 1_024}
_CACHED = [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}]

OPENAI: dict[str, Case] = {
    "chat": lambda c: _with_id(_chat(c)),
    "chat, streamed": lambda c: _events(_chat(c, stream=True)),
    "chat, streamed with usage": lambda c: _events(
        _chat(c, stream=True, stream_options={"include_usage": True})
    ),
    "chat, tools": lambda c: _with_id(_chat(c, tools=[FUNCTION])),
    "chat, tools streamed": lambda c: _events(_chat(c, tools=[FUNCTION], stream=True)),
    "chat, streaming helper": _chat_helper,
    "chat, image": lambda c: _with_id(_chat(c, messages=_image_of_openai())),
    "chat, structured": lambda c: _with_id(_chat(c, response_format=_JSON_FORMAT)),
    "chat, structured and streamed": lambda c: _events(
        _chat(c, response_format=_JSON_FORMAT, stream=True)
    ),
    "responses": lambda c: _with_id(_responses(c)),
    "responses, streamed": lambda c: _events(_responses(c, stream=True)),
    "responses, tools": lambda c: _with_id(
        _responses(c, tools=[{"type": "function", "name": "weather", "parameters": SCHEMA}])
    ),
    "responses, structured": lambda c: _with_id(_responses(c, text=_TEXT_FORMAT)),
    "responses, reasoning": lambda c: _with_id(
        _responses(c, reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    ),
    "models": lambda c: _events(c.models.list()),
    "raw headers": lambda c: [
        c.chat.completions.with_raw_response.create(model="m", messages=ASKED).headers[name]
        for name in ("x-request-id", "openai-version", "content-type")
    ],
}
ANTHROPIC: dict[str, Case] = {
    "messages": lambda c: _with_id(_messages(c)),
    "messages, streamed": lambda c: _events(_messages(c, stream=True)),
    "messages, tools": lambda c: _with_id(
        _messages(c, tools=[{"name": "weather", "input_schema": SCHEMA}])
    ),
    "messages, tools streamed": _messages_helper,
    "messages, thinking": lambda c: _with_id(_messages(c, thinking=_THINKING, max_tokens=2_048)),
    "messages, thinking streamed": lambda c: _events(
        _messages(c, thinking=_THINKING, max_tokens=2_048, stream=True)
    ),
    "messages, image": lambda c: _with_id(_messages(c, messages=_image_of_anthropic())),
    "messages, cached system": lambda c: _with_id(_messages(c, system=_CACHED)),
    "messages, counted": lambda c: _dumped(c.messages.count_tokens(model="m", messages=ASKED)),
}


def arrived(upstream: int) -> list[Any]:
    """What came to the provider since it was asked last."""
    with urllib.request.urlopen(f"http://127.0.0.1:{upstream}/seen") as reply:
        return list(json.load(reply))


def told(case: Case, client: Any, upstream: int) -> tuple[Any, list[Any]]:
    """What the SDK gives, and what arrived."""
    arrived(upstream)
    try:
        given = case(client)
    except Exception as error:
        given = f"{type(error).__name__}: {error}"
    return given, arrived(upstream)


def compared(cases: dict[str, Case], direct: Any, through: Any, upstream: int) -> int:
    """How many cases differ; each is printed."""
    wrong = 0
    for name, case in cases.items():
        expected, found = told(case, direct, upstream), told(case, through, upstream)
        is_same = expected == found and not isinstance(expected[0], str)
        wrong += not is_same
        print(f"  {name:34}{'equal' if is_same else 'DIFFERS'}")
        if not is_same:
            print(f"    direct:  {expected}\n    gateway: {found}")
    return wrong


def main() -> None:
    """Compare."""
    import anthropic
    import openai

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mba", help="The command of the server, where it is not installed here.")
    given = parser.parse_args()
    upstream, port = free_port(), free_port()
    own, between = f"http://127.0.0.1:{upstream}", f"http://127.0.0.1:{port}/gateway"
    wrong = 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(provider(upstream))
        stack.enter_context(gateway(port, upstream, given.mba))
        print(f"openai {importlib.metadata.version('openai')}")
        wrong += compared(
            OPENAI,
            openai.OpenAI(api_key="sk-1", base_url=f"{own}/v1"),
            openai.OpenAI(api_key="sk-1", base_url=f"{between}/openai/v1"),
            upstream,
        )
        print(f"anthropic {importlib.metadata.version('anthropic')}")
        wrong += compared(
            ANTHROPIC,
            anthropic.Anthropic(api_key="sk-1", base_url=own),
            anthropic.Anthropic(api_key="sk-1", base_url=f"{between}/anthropic"),
            upstream,
        )
    print("every field is equal" if not wrong else f"{wrong} cases differ")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
