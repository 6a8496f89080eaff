"""`Reply`: what the assistant said, from a whole reply or from a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.events import Event
from mba_integrations.services.gateway.wire.usage import UsageReader

MOST_REPLY_CHARS = 256 * 1024
"""Of a longer text the beginning is kept."""
_CALLS = ("function_call", "custom_tool_call", "tool_use")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the assistant said.

    Attributes:
        text: Its words, without thinking.
        calls: Whether it calls a tool, so that it says more once that has answered.
    """

    text: str = ""
    calls: bool = False


def reply_of_json(api: Api, reply: object) -> Reply | None:
    """What a whole reply says; None where it is no reply."""
    if not isinstance(reply, Mapping):
        return None
    if api == "chat":
        return _of_choice(_first_choice(reply), "message")
    parts = reply.get("output" if api == "responses" else "content")
    return _of_parts(parts) if isinstance(parts, list) else None


class ReplyReader(UsageReader):
    """As `UsageReader`, and what the assistant says besides.

    Args:
        api: The protocol.
    """

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self._texts: list[str] = []
        self._room = MOST_REPLY_CHARS
        self._calls = False

    @property
    def reply(self) -> Reply:
        """What was said so far."""
        return Reply(text="".join(self._texts), calls=self._calls)

    def _concerns(self, event: Event) -> bool:
        return event.data != b"[DONE]"

    def _take(self, said: Mapping[str, Any]) -> None:
        super()._take(said)
        found = _delta_of_chat(said) if self._api == "chat" else _delta_of_event(said)
        self._calls |= found.calls
        if found.text and self._room > 0:
            self._texts.append(found.text[: self._room])
            self._room -= len(found.text)


def _first_choice(reply: Mapping[str, Any]) -> Mapping[str, Any] | None:
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else None


def _of_choice(choice: Mapping[str, Any] | None, name: str) -> Reply | None:
    said = choice.get(name) if choice is not None else None
    if not isinstance(said, Mapping):
        return None
    content = said.get("content")
    text = content if isinstance(content, str) else "".join(_texts(content))
    return Reply(text=text, calls=bool(said.get("tool_calls") or said.get("function_call")))


def _of_parts(parts: list[Any]) -> Reply:
    """Of the items of a response, or the blocks of a message."""
    found = [part for part in parts if isinstance(part, Mapping)]
    return Reply(
        text="".join(text for part in found for text in _texts(part.get("content", [part]))),
        calls=any(part.get("type") in _CALLS for part in found),
    )


def _texts(blocks: object) -> Iterator[str]:
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") in ("text", "output_text"):
            text = block.get("text")
            if isinstance(text, str):
                yield text


def _delta_of_chat(said: Mapping[str, Any]) -> Reply:
    choice = _first_choice(said)
    if choice is None or choice.get("index") not in (0, None):
        return Reply()
    return _of_choice(choice, "delta") or Reply()


def _delta_of_event(said: Mapping[str, Any]) -> Reply:
    """Of an event of responses or messages; what is said once more at the end is not read."""
    kind, delta = said.get("type"), said.get("delta")
    if kind == "response.output_text.delta":
        return Reply(text=delta if isinstance(delta, str) else "")
    if kind == "content_block_delta" and isinstance(delta, Mapping):
        text = delta.get("text") if delta.get("type") == "text_delta" else ""
        return Reply(text=text if isinstance(text, str) else "")
    for name in ("content_block", "item"):
        part = said.get(name)
        if isinstance(part, Mapping) and part.get("type") in _CALLS:
            return Reply(calls=True)
    return Reply()
