"""`MessageCounter`: what chat messages and tool schemas cost, as the model's tokenizer counts.

A message costs 3 tokens of framing, its role, its content, its name, and its tool calls; a
conversation costs 3 more, which prime the reply. For text that is what ChatOpenAI counts. Tool
calls count whatever the content is, images by their size, audio and files by an estimate; nothing
is fetched. Text is counted by a `TokenCounter` of the core and each text once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import ceil
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS, REPLY_FRAME_TOKENS
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.langchain.messages.media_tokens import (
    audio_block_tokens,
    file_block_tokens,
    image_block_tokens,
    video_block_tokens,
)

TOOL_CALL_FRAME_TOKENS = 3
"""Around each call. ChatOpenAI counts none; the formats of OpenAI's open models have some."""
TOOL_RESULT_ID_TOKENS = 3
"""For the id of the call that a result answers, as ChatOpenAI counts."""
SCHEMA_MARGIN = 1.1
"""Providers write tool schemas anew; their JSON and a tenth is what is set aside."""

_ROLES = {"human": "user", "ai": "assistant"}
_CALL_BLOCKS = {"tool_use", "tool_call", "function_call", "input_json_delta", "tool_call_chunk"}
_MEDIA: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "image": image_block_tokens,
    "image_url": image_block_tokens,
    "input_image": image_block_tokens,
    "audio": audio_block_tokens,
    "input_audio": audio_block_tokens,
    "video": video_block_tokens,
    "file": file_block_tokens,
    "input_file": file_block_tokens,
    "document": file_block_tokens,
}
_NOT_SENT = {"type", "id", "index", "cache_control", "extras", "signature"}
"""What blocks hold beside their content."""
_MAX_TOOLS = 256


class MessageCounter:
    """Counts messages. A call gives the tokens of a list, so it serves `trim_messages` as well.

    Args:
        token_counter: What counts text: anything that `MemoryBudgetAllocator` takes. Without it
            the model's name decides.
        model: Name of a model; one that is not known is counted in o200k_base, and `exact` is
            false.

    >>> from langchain_core.messages import HumanMessage
    >>> counter = MessageCounter(lambda text: len(text.split()))
    >>> counter([HumanMessage("to be or not")])
    11
    """

    def __init__(self, token_counter: object = None, *, model: str | None = None) -> None:
        given = token_counter is not None
        self._text_counter: TokenCounter = (
            as_token_counter(token_counter) if given else counter_for_model(model)
        )
        self._counter = CachedCounter(self._text_counter)
        self._tools: dict[int, tuple[object, int]] = {}
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """Id of the counter of text."""
        return self._counter.id

    @property
    def exact(self) -> bool:
        """Whether text is counted by the model's own tokenizer."""
        return self._counter.exact

    @property
    def text_counter(self) -> TokenCounter:
        """What counts text, without a memory of counts."""
        return self._text_counter

    def __call__(self, messages: Sequence[BaseMessage]) -> int:
        """Tokens of a list of messages with the priming of the reply; 0 for none."""
        return sum(self.message_tokens(messages)) + REPLY_FRAME_TOKENS if messages else 0

    def count(self, text: str, /) -> int:
        """Tokens of a text."""
        return self._counter.count(text)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text."""
        return self._counter.count_batch(texts)

    def message_tokens(self, messages: Sequence[BaseMessage]) -> list[int]:
        """Tokens of each message with its framing, in order."""
        texts: list[str] = []
        ends: list[int] = []
        fixed: list[int] = []
        for message in messages:
            parts, tokens = _parts_of(message)
            texts += parts
            ends.append(len(texts))
            fixed.append(tokens + MESSAGE_FRAME_TOKENS)
        counts = self.count_batch(texts)
        starts = [0, *ends][: len(ends)]
        return [
            tokens + sum(counts[start:end])
            for tokens, start, end in zip(fixed, starts, ends, strict=True)
        ]

    def tool_tokens(self, tools: Iterable[BaseTool | Mapping[str, Any] | type]) -> int:
        """Tokens to set aside for tool schemas: their JSON and a tenth."""
        return sum(map(self._tool_tokens, tools))

    def schema_tokens(self, schema: Mapping[str, Any]) -> int:
        """Tokens to set aside for a JSON schema, as for a tool."""
        return ceil(self.count(json.dumps(schema, ensure_ascii=False, default=str)) * SCHEMA_MARGIN)

    def _tool_tokens(self, tool: Any) -> int:
        if isinstance(tool, Mapping):
            return self.schema_tokens(tool)
        with self._lock:
            known = self._tools.get(id(tool))
        if known is not None and known[0] is tool:
            return known[1]
        tokens = self.schema_tokens(convert_to_openai_tool(tool))
        with self._lock:
            self._tools[id(tool)] = (tool, tokens)
            for oldest in list(islice(self._tools, max(0, len(self._tools) - _MAX_TOOLS))):
                del self._tools[oldest]
        return tokens


def role_of(message: BaseMessage) -> str:
    """The role under which a message is sent."""
    if isinstance(message, ChatMessage):
        return message.role
    return _ROLES.get(message.type, message.type)


def _parts_of(message: BaseMessage) -> tuple[list[str], int]:
    """The texts of a message that are to be counted, and the tokens of all else but its frame."""
    texts, tokens = [role_of(message)], 0
    if isinstance(message.content, str):
        texts.append(message.content)
    else:
        tokens += _add_content(message.content, texts, calls_counted=_has_calls(message))
    name = message.name
    if name and not isinstance(message, ToolMessage):
        texts.append(name)
        tokens += 1
    if isinstance(message, ToolMessage):
        tokens += TOOL_RESULT_ID_TOKENS
    if isinstance(message, AIMessage):
        calls = [*_calls_of(message)]
        tokens += TOOL_CALL_FRAME_TOKENS * len(calls)
        texts += [text for call in calls for text in call]
    return texts, tokens


def _calls_of(message: AIMessage) -> Iterator[tuple[str, str]]:
    """Name and arguments of each tool call, valid or not."""
    for call in message.tool_calls:
        yield call["name"], json.dumps(call["args"], ensure_ascii=False, default=str)
    for broken in message.invalid_tool_calls:
        yield broken["name"] or "", broken["args"] or ""
    legacy = message.additional_kwargs.get("function_call")
    if isinstance(legacy, Mapping):
        yield str(legacy.get("name", "")), str(legacy.get("arguments", ""))


def _has_calls(message: BaseMessage) -> bool:
    """Whether calls are counted from the message, whatever its content repeats of them."""
    return isinstance(message, AIMessage) and bool(message.tool_calls or message.invalid_tool_calls)


def _add_content(value: object, texts: list[str], *, calls_counted: bool) -> int:
    """Append the texts inside of a content block to *texts*; its tokens beside them."""
    if isinstance(value, str):
        texts.append(value)
        return 0
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind in _CALL_BLOCKS:
            return 0 if calls_counted else _add_call(value, texts)
        if kind in _MEDIA and not _is_plain_text(value):
            return _MEDIA[kind](value)
        sent = (inner for name, inner in value.items() if name not in _NOT_SENT)
        return sum(_add_content(inner, texts, calls_counted=calls_counted) for inner in sent)
    if isinstance(value, Sequence):
        return sum(_add_content(inner, texts, calls_counted=calls_counted) for inner in value)
    if value is not None:
        texts.append(str(value))
    return 0


def _add_call(block: Mapping[str, Any], texts: list[str]) -> int:
    """A call that only the content has: its name and its arguments."""
    arguments = next((block[key] for key in ("input", "args", "arguments") if key in block), "")
    is_text = isinstance(arguments, str)
    written = arguments if is_text else json.dumps(arguments, ensure_ascii=False, default=str)
    texts += [str(block.get("name", "")), written]
    return TOOL_CALL_FRAME_TOKENS


def _is_plain_text(block: Mapping[str, Any]) -> bool:
    source = block.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else block.get("source_type")
    return kind == "text"
