"""The texts that a message's content sends, and the tokens of all else in it.

Content is a text, or blocks in the form of LangChain or of one provider: OpenAI, Anthropic, Gemini,
Bedrock, vLLM. Three kinds of block are told apart.

- Media have an estimate from their bytes (`media_tokens`), never the length of their base64. What
  stands beside them, such as a title, is text.
- Calls of tools count by name and arguments, unless the message counts them by `tool_calls`.
- Anything else counts by the texts inside of it.

A block that is not known is read as text: too much rather than too little.

>>> texts = []
>>> add_content([{"text": "Look:"}, {"type": "image", "url": "https://x.org/a.png"}], texts)
1445
>>> texts
['Look:']
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mba_integrations.conversation.blocks import KEYED_CALLS, NAMED_CALLS
from mba_integrations.conversation.content.media_blocks import media_block_of, media_text
from mba_integrations.conversation.content.media_tokens import media_tokens

CALL_FRAME_TOKENS = 3
"""Around each call. ChatOpenAI counts none; the formats of OpenAI's open models have some."""

_CALLS = {*NAMED_CALLS, "toolUse", "tool_call_chunk", "invalid_tool_call", "input_json_delta"}
"""Blocks that `tool_calls` of an AI message repeat; parts of streams and broken calls besides."""
_SERVER_CALLS = {
    "server_tool_use",
    "server_tool_call",
    "server_tool_call_chunk",
    "mcp_tool_use",
    "mcp_call",
}
"""Calls that the provider itself answers; no other part of a message repeats them."""
_CALL_IDS = ("call_id", "id", "toolUseId")
_ARGUMENTS = ("args", "input", "arguments", "partial_json", "json")
"""What is written as JSON, keys included."""
_NOT_SENT = {
    "type",
    "id",
    "index",
    "cache_control",
    "cachePoint",
    "extras",
    "signature",
    "thought_signature",
    "thoughtSignature",
    "source_type",
    "mime_type",
    "media_type",
}
"""What blocks hold beside their content."""
_WRAPPERS = {
    "text",
    "json",
    "content",
    "source",
    "document",
    "toolResult",
    "tool_result",
    "reasoningContent",
    "reasoning_content",
    "reasoningText",
    "guardContent",
}
"""Names in blocks without a type, as Bedrock and Gemini have them."""
_BESIDE_MEDIA = ("title", "context", "name", "filename")
"""What a model reads with a file."""


def add_content(
    content: object,
    texts: list[str],
    calls: Sequence[tuple[str | None, str]] = (),
    *,
    media: Callable[[Mapping[Any, Any], str], int] = media_tokens,
) -> int:
    """Append the texts inside of *content* to *texts*; the tokens of all else in it.

    Args:
        content: A message's content.
        texts: Grows.
        calls: Id and name of the calls that are counted elsewhere; blocks that repeat one of them
            count nothing.
        media: Tokens of the media in a block, from the block and its kind.
    """
    tokens = 0
    left: list[object] = [content]
    while left:  # not by recursion: what a tool returns may be nested as deeply as it likes
        value = left.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, Mapping):
            tokens += _add_block(value, texts, calls, left, media)
        elif isinstance(value, bytes | bytearray):
            tokens += media({"bytes": bytes(value)}, "file")
        elif isinstance(value, Sequence):
            left.extend(reversed(value))
        elif value is not None:
            texts.append(str(value))
    return tokens


def _add_block(
    block: Mapping[Any, Any],
    texts: list[str],
    calls: Sequence[tuple[str | None, str]],
    left: list[object],
    media_tokens_of: Callable[[Mapping[Any, Any], str], int],
) -> int:
    """Tokens of one block beside its texts; what has to be read yet goes to *left*."""
    call = _call_in(block)
    if call is not None:
        if _is_counted(call, calls):
            return 0
        texts += [str(call.get("name") or ""), *_arguments_of(call)]
        return CALL_FRAME_TOKENS
    media = media_block_of(block)
    if media is None:
        texts += _arguments_of(block)
        if "type" not in block:  # the data of a tool, whose names are sent as well
            texts += [str(name) for name in block if name not in _NOT_SENT | _WRAPPERS]
        left.extend(
            value
            for name, value in block.items()
            if name not in _NOT_SENT and name not in _ARGUMENTS
        )
        return 0
    kind, inner = media
    left.extend(one.get(name) for one in _distinct(block, inner) for name in _BESIDE_MEDIA)
    text = media_text(inner)
    if text is not None:
        texts.append(text)
        return 0
    return media_tokens_of(inner, kind)


def _call_in(block: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """The call that a block is or, as at Bedrock, holds."""
    if block.get("type") in _CALLS | _SERVER_CALLS:
        return block
    for name in KEYED_CALLS if "type" not in block else ():
        held = block.get(name)
        if isinstance(held, Mapping):
            return {"type": "tool_use", **held}
    return None


def _is_counted(call: Mapping[Any, Any], calls: Sequence[tuple[str | None, str]]) -> bool:
    if not calls or call["type"] in _SERVER_CALLS:
        return False
    ids = {call[name] for name in _CALL_IDS if isinstance(call.get(name), str)}
    if ids:
        return any(one in ids for one, _ in calls)
    name = call.get("name")  # a part of a stream has neither
    return not name or any(one == name for _, one in calls)


def _arguments_of(block: Mapping[Any, Any]) -> list[str]:
    found = (block[name] for name in _ARGUMENTS if block.get(name) is not None)
    return [one if isinstance(one, str) else as_json(one) for one in found]


def as_json(value: object) -> str:
    """The value as providers write arguments."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _distinct(block: Mapping[Any, Any], inner: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    return [block] if inner is block else [block, inner]
