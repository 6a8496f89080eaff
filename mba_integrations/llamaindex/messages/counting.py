"""Tokens of a chat message: its text, its framing, its tool calls, its media.

Text is counted exactly by the counter. Framing is OpenAI's. What a provider makes of tool calls,
reasoning and media is not published, so those are estimates; none of them counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.tools.types import BaseTool

from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS, REPLY_FRAME_TOKENS
from mba_integrations.core.counting.counter import TokenCounter, checked_counts

DEFAULT_MEDIA_TOKENS = 2125
"""An image of 2048 x 1536 pixels at OpenAI, the estimate of LlamaIndex' own `ImageBlock`."""
_TOOL_CALL_FRAME_TOKENS = 3
_MEDIA = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)


class MessageTokens:
    """Counts chat messages.

    Args:
        counter: What counts texts.
        media_tokens: Tokens of each image, recording, video and document. Their files and addresses
            are not opened.
    """

    def __init__(self, counter: TokenCounter, *, media_tokens: int = DEFAULT_MEDIA_TOKENS) -> None:
        self.counter = counter
        self.media_tokens = media_tokens

    def of(self, message: ChatMessage) -> int:
        """Tokens of one message with its framing."""
        texts = [message.role.value, *_called(message.additional_kwargs)]
        fixed = MESSAGE_FRAME_TOKENS
        for block in message.blocks:
            more, tokens = self._block(block)
            texts.extend(more)
            fixed += tokens
        fixed += _TOOL_CALL_FRAME_TOKENS * len(calls_of(message.additional_kwargs))
        # Text blocks are joined by a line end.
        fixed += max(0, sum(isinstance(block, TextBlock) for block in message.blocks) - 1)
        return fixed + sum(checked_counts(self.counter, texts))

    def of_list(self, messages: Iterable[ChatMessage]) -> int:
        """Tokens of messages with their framing and what primes the reply; 0 for none."""
        counted = [self.of(message) for message in messages]
        return sum(counted) + REPLY_FRAME_TOKENS if counted else 0

    def of_tools(self, tools: Sequence[BaseTool]) -> int:
        """Tokens of the descriptions of tools, as JSON; an estimate."""
        described = [json.dumps(tool.metadata.to_openai_tool()) for tool in tools]
        return sum(checked_counts(self.counter, described))

    def _block(self, block: BaseContentBlock) -> tuple[list[str], int]:
        """Texts of the block, and tokens besides."""
        if isinstance(block, TextBlock):
            return [block.text], 0
        if isinstance(block, _MEDIA):
            return [], self.media_tokens
        if isinstance(block, ToolCallBlock):
            arguments = _as_text(block.tool_kwargs)
            return [block.tool_name, arguments, block.tool_call_id or ""], _TOOL_CALL_FRAME_TOKENS
        if isinstance(block, ThinkingBlock):
            return ([], block.num_tokens) if block.num_tokens else ([block.content or ""], 0)
        if isinstance(block, CitableBlock | CitationBlock):
            inner = [self._block(nested) for nested in block.nested_blocks]
            texts = [text for more, _ in inner for text in more]
            return [block.title, block.source, *texts], sum(tokens for _, tokens in inner)
        if isinstance(block, CachePoint):
            return [], 0
        return [block.model_dump_json()], 0


def calls_of(additional: Mapping[str, Any]) -> list[Any]:
    """Tool calls that older integrations keep beside the blocks."""
    legacy = additional.get("function_call")
    return [*(additional.get("tool_calls") or []), *([legacy] if legacy else [])]


def _called(additional: Mapping[str, Any]) -> list[str]:
    """Names, arguments and ids of those calls, and the id that a result answers."""
    texts = [str(additional["tool_call_id"])] if additional.get("tool_call_id") else []
    for call in calls_of(additional):
        function = field_of(call, "function") or call
        for names in (("name", "tool_name"), ("arguments", "tool_kwargs", "input")):
            values = [field_of(function, name) for name in names]
            texts.append(_as_text(next((value for value in values if value is not None), "")))
        texts.append(str(field_of(call, "id") or field_of(call, "tool_id") or ""))
    return texts


def field_of(value: Any, name: str) -> Any:
    """A field of a mapping or of an object; None if it has none."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _as_text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)
