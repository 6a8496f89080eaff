"""`Usage`: what a provider says that a call cost, in its reply or at the end of its stream.

The protocols differ in what they call input: OpenAI's includes what came out of the cache, and
Anthropic counts that apart. Here `input_tokens` is all of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.events import Event, EventReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call cost.

    Attributes:
        input_tokens: All that was sent, what the provider had in its cache included.
        output_tokens: All that came back, thinking included.
        cached_tokens: Of the input, read from the provider's cache.
        cache_write_tokens: Of the input, written to the provider's cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


def usage_of_json(api: Api, reply: object) -> Usage | None:
    """What a reply says; None where it says nothing, as the reply of an error."""
    if not isinstance(reply, dict):
        return None
    return _READ[api](reply)


class UsageReader:
    """What a stream says, in chunks that are cut anywhere.

    Args:
        api: The protocol.

    Attributes:
        usage: What is known so far; None before the stream has said anything.
    """

    def __init__(self, api: Api) -> None:
        self.usage: Usage | None = None
        self._api = api
        self._events = EventReader()

    def feed(self, chunk: bytes) -> None:
        """Read a chunk."""
        for event in self._events.feed(chunk):
            self._read(event)

    def end(self) -> None:
        """Read what nothing ended; the stream is over."""
        for event in self._events.end():
            self._read(event)

    def _concerns(self, event: Event) -> bool:
        """Whether to decode an event; most of a stream says nothing of usage."""
        return b'"usage"' in event.data

    def _read(self, event: Event) -> None:
        if not self._concerns(event):
            return
        try:
            said = json.loads(event.data)
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            self._take(said)

    def _take(self, said: Mapping[str, Any]) -> None:
        found = usage_of_json(self._api, _inner(said))
        if found is not None:
            self.usage = found if self.usage is None else _joined(self.usage, found)


def _inner(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reply that an event carries: `response`, `message`, or the event itself."""
    for name in ("response", "message"):
        inner = said.get(name)
        if isinstance(inner, dict):
            return inner
    return said


def _joined(before: Usage, now: Usage) -> Usage:
    """What a stream says later goes before; Anthropic says the input at the start alone."""
    return Usage(
        input_tokens=now.input_tokens or before.input_tokens,
        output_tokens=now.output_tokens or before.output_tokens,
        cached_tokens=now.cached_tokens or before.cached_tokens,
        cache_write_tokens=now.cache_write_tokens or before.cache_write_tokens,
    )


def _of_chat(reply: Mapping[str, Any]) -> Usage | None:
    return _of_openai(reply, "prompt_tokens", "completion_tokens", "prompt_tokens_details")


def _of_responses(reply: Mapping[str, Any]) -> Usage | None:
    return _of_openai(reply, "input_tokens", "output_tokens", "input_tokens_details")


def _of_openai(reply: Mapping[str, Any], sent: str, got: str, details: str) -> Usage | None:
    usage = reply.get("usage")
    if not isinstance(usage, dict) or not (_is_count(usage.get(sent)) or got in usage):
        return None
    inner = usage.get(details)
    cached = _count(inner, "cached_tokens")
    return Usage(
        input_tokens=_count(usage, sent),
        output_tokens=_count(usage, got),
        cached_tokens=cached,
    )


def _of_messages(reply: Mapping[str, Any]) -> Usage | None:
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return None
    cached = _count(usage, "cache_read_input_tokens")
    stored = _count(usage, "cache_creation_input_tokens")
    found = Usage(
        output_tokens=_count(usage, "output_tokens"),
        cached_tokens=cached,
        cache_write_tokens=stored,
    )
    if "input_tokens" not in usage:
        return found
    return replace(found, input_tokens=_count(usage, "input_tokens") + cached + stored)


_READ: dict[Api, Callable[[Mapping[str, Any]], Usage | None]] = {
    "chat": _of_chat,
    "responses": _of_responses,
    "messages": _of_messages,
}


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _count(mapping: object, name: str) -> int:
    value = mapping.get(name) if isinstance(mapping, dict) else None
    return value if type(value) is int and value >= 0 else 0
