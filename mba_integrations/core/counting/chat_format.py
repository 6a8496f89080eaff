"""What framing a chat message costs in OpenAI's format.

Source: OpenAI's cookbook and langchain-openai count three tokens around each message and three
that prime the reply. Message boundaries are special tokens, so messages add up exactly. A call of a
tool and the id that answers it count as a message does: three tokens around what they say.

Counted in words, a message of the user with three words costs 3 for its frame, 1 for its role and
3 for its text; the reply adds 3. A text that is sent as one system message costs 7 besides:

>>> from mba_integrations.core.counting.given_counters import CallableCounter
>>> words = CallableCounter(str.split, id="words")
>>> message_tokens([{"role": "user", "content": "to be short"}], words)
10
>>> framed_tokens(3, words)
10
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mba_integrations.core.counting.counter import TokenCounter, checked_count

MESSAGE_FRAME_TOKENS = 3
"""Around each message, besides its role and its text."""
REPLY_FRAME_TOKENS = 3
"""Once per request, before the reply."""


def message_tokens(messages: Iterable[Mapping[str, Any]], counter: TokenCounter) -> int:
    """Tokens of chat messages with their framing; 0 for none.

    Args:
        messages: Each with a `role` and a `content`, and `tool_calls` or a `tool_call_id` where it
            calls a tool or answers one.
        counter: What counts roles and contents.
    """
    counted = [
        MESSAGE_FRAME_TOKENS
        + checked_count(counter, message["role"])
        + checked_count(counter, message["content"])
        + sum(_call_tokens(call, counter) for call in message.get("tool_calls", ()))
        + _answer_tokens(message.get("tool_call_id"), counter)
        for message in messages
    ]
    return sum(counted) + REPLY_FRAME_TOKENS if counted else 0


def _call_tokens(call: Mapping[str, Any], counter: TokenCounter) -> int:
    called = call["function"]
    parts = (call["id"], called["name"], called["arguments"])
    return MESSAGE_FRAME_TOKENS + sum(checked_count(counter, part) for part in parts)


def _answer_tokens(call_id: str | None, counter: TokenCounter) -> int:
    return 0 if call_id is None else MESSAGE_FRAME_TOKENS + checked_count(counter, call_id)


def framed_tokens(text_tokens: int, counter: TokenCounter) -> int:
    """Tokens of a text as one system message, from its own tokens; 0 for none."""
    if not text_tokens:
        return 0
    frame = MESSAGE_FRAME_TOKENS + checked_count(counter, "system") + REPLY_FRAME_TOKENS
    return text_tokens + frame
