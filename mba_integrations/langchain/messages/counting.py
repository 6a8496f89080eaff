"""`MessageCounter`: what chat messages and tool schemas cost, as the model's tokenizer counts.

A message costs 3 tokens of framing, its role, its content, its name, and its tool calls; a
conversation costs 3 more, which prime the reply. For text that is what ChatOpenAI counts. Tool
calls count once, whether content repeats them or not; `content_blocks` has what blocks cost.
Text is counted by a `TokenCounter` of the core and each text once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from mba_integrations.conversation.content.content_blocks import (
    CALL_FRAME_TOKENS,
    add_content,
    as_json,
)
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS, REPLY_FRAME_TOKENS
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.langchain.settings import Setting, keep

TOOL_RESULT_ID_TOKENS = 3
"""For the id of the call that a result answers, as ChatOpenAI counts."""
_SCHEMA_TENTHS = 11
"""Providers write tool schemas anew; their JSON and a tenth is what is set aside."""

_CHUNK = "MessageChunk"
_ROLES = {"human": "user", "ai": "assistant"}
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

    token_counter = Setting[object]()
    model = Setting[str | None]()

    def __init__(self, token_counter: object = None, *, model: str | None = None) -> None:
        keep(self, token_counter=token_counter, model=model)
        given = token_counter is not None
        self._text_counter: TokenCounter = (
            as_token_counter(token_counter) if given else counter_for_model(model)
        )
        self._counter = CachedCounter(self._text_counter)
        self._tools: dict[int, tuple[object, int]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy counts alike, and remembers no counts."""
        return _made_again, (self.token_counter, self.model)

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
        tokens = self.count(json.dumps(schema, ensure_ascii=False, default=str))
        return -(-tokens * _SCHEMA_TENTHS // 10)

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


def _made_again(token_counter: object, model: str | None) -> MessageCounter:
    return MessageCounter(token_counter, model=model)


def role_of(message: BaseMessage) -> str:
    """The role under which a message is sent."""
    if isinstance(message, ChatMessage):
        return message.role
    kind = message.type
    if kind.endswith(_CHUNK):  # a part of a stream, or several added up, is sent as what it is of
        kind = kind.removesuffix(_CHUNK).lower()
    return _ROLES.get(kind, kind)


def _parts_of(message: BaseMessage) -> tuple[list[str], int]:
    """The texts of a message that are to be counted, and the tokens of all else but its frame."""
    calls = [*_calls_of(message)] if isinstance(message, AIMessage) else []
    texts = [role_of(message)]
    tokens = add_content(message.content, texts, [(call_id, name) for call_id, name, _ in calls])
    name = message.name
    if name and not isinstance(message, ToolMessage):
        texts.append(name)
        tokens += 1
    if isinstance(message, ToolMessage):
        tokens += TOOL_RESULT_ID_TOKENS
    tokens += CALL_FRAME_TOKENS * len(calls)
    texts += [text for _, *call in calls for text in call]
    return texts, tokens


def _calls_of(message: AIMessage) -> Iterator[tuple[str | None, str, str]]:
    """Id, name and arguments of each tool call, valid or not."""
    for call in message.tool_calls:
        yield call["id"], call["name"], as_json(call["args"])
    for broken in message.invalid_tool_calls:
        yield broken["id"], broken["name"] or "", broken["args"] or ""
    legacy = message.additional_kwargs.get("function_call")
    if isinstance(legacy, Mapping):
        yield None, str(legacy.get("name", "")), str(legacy.get("arguments", ""))
