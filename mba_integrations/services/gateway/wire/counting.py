"""`RequestCounter`: what the turns of a request cost, and what is sent besides.

A message costs 3 tokens of framing, its role and its content, as in OpenAI's format; Anthropic does
not publish its own, which is of that size. Calls cost their names and arguments, and 3 more. Text
is counted by a `TokenCounter`. Tools and schemas are written anew by the providers, so their JSON
and a tenth is set aside. What is encrypted is estimated from its length. None of it counts for
nothing, so the sum is an upper estimate where the counter is the model's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mba_integrations.conversation.content.content_blocks import CALL_FRAME_TOKENS, add_content
from mba_integrations.conversation.message import Message
from mba_integrations.conversation.pins import Part
from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS, REPLY_FRAME_TOKENS
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.services.gateway.wire.document import written
from mba_integrations.services.gateway.wire.image_tokens import media_counter
from mba_integrations.services.gateway.wire.reading import Read
from mba_integrations.services.gateway.wire.turns import Raw, Turn

RESULT_ID_TOKENS = 3
"""For the id of the call that a result answers."""
_SCHEMA_TENTHS = 11
_TOOL_USE_TOKENS = 346
"""What Anthropic writes before tools, at most for the models of Claude 4."""
_CHARS_PER_ENCRYPTED_TOKEN = 4
"""Base64 of what is compressed hardly, or not at all: three bytes to four characters."""
_ENCRYPTED = ("encrypted_content", "data", "signature")
_ENCRYPTED_TYPES = {"reasoning", "redacted_thinking", "compaction", "compaction_summary"}
_NOT_CONTENT = {"role", "type", "id", "status", "call_id", "tool_call_id", "name", "tool_calls"}
_NOT_CONTENT |= {"function_call", "phase", "cache_control"}


class RequestCounter:
    """Counts a request: a `Reader` of its turns.

    Args:
        counter: What counts texts.
        read: The request; its protocol and model say what images cost.
    """

    def __init__(self, counter: TokenCounter, read: Read) -> None:
        self.counter = counter
        self._read_request = read
        self._media = media_counter(read.api, read.model)

    def marks(self, turns: Sequence[Turn]) -> list[object]:
        """The client's objects, and the block of them that the turn is."""
        return [(turn.raw, turn.block) for turn in turns]

    def read(self, turns: Sequence[Turn]) -> list[Message]:
        """What `conversation` reads of each turn."""
        return [self._message(turn) for turn in turns]

    def parts(self) -> tuple[Part, ...]:
        """What is sent besides the turns, in words, with its tokens."""
        read = self._read_request
        name = read.system_member
        system = read.value.get(name) if name else None
        found = (
            ("system prompt", self._tokens(system) + MESSAGE_FRAME_TOKENS if system else 0),
            ("tool definitions", self._tools()),
            ("output schema", sum(map(self._schema, self._schemas()))),
        )
        return tuple(part for part in found if part[1])

    def total(self) -> int:
        """Tokens of the whole request."""
        turns = sum(self.turn_tokens(turn) for turn in self._read_request.turns)
        return turns + sum(tokens for _, tokens in self.parts()) + self.frame_tokens

    @property
    def frame_tokens(self) -> int:
        """What primes the reply."""
        return REPLY_FRAME_TOKENS

    def text_tokens(self, text: str) -> int:
        """Tokens of a text that is sent as a message or a block of its own."""
        return self.counter.count(text) + MESSAGE_FRAME_TOKENS + 1

    def turn_tokens(self, turn: Turn) -> int:
        """Tokens of a turn as the client wrote it."""
        if turn.block is not None:
            return self._around(turn) + self._tokens(turn.raw[0]["content"][turn.block])
        return sum(MESSAGE_FRAME_TOKENS + self._object(raw) for raw in turn.raw) + self._answered(
            turn
        )

    def _message(self, turn: Turn) -> Message:
        tokens = self.turn_tokens(turn)
        return Message(
            role=turn.role,
            text=turn.text,
            tokens=tokens,
            call_ids=turn.call_ids,
            answers=turn.answers,
            bare_tokens=self._bare(turn, tokens),
        )

    def _bare(self, turn: Turn, tokens: int) -> int | None:
        """Tokens of a result with an empty text; None for what is not shortened."""
        if turn.role is not Role.RESULT or turn.result_key is None:
            return None
        holder = turn.raw[0] if turn.block is None else turn.raw[0]["content"][turn.block]
        return tokens - self._tokens(holder[turn.result_key])

    def _around(self, turn: Turn) -> int:
        """Tokens around a block that is a turn: each has those of a message."""
        return MESSAGE_FRAME_TOKENS + self.counter.count("user") + self._answered(turn)

    def _answered(self, turn: Turn) -> int:
        return RESULT_ID_TOKENS if turn.role is Role.RESULT else 0

    def _object(self, raw: Raw) -> int:
        """Tokens of a message or an item but for its frame."""
        role = raw.get("role")
        texts = [role] if isinstance(role, str) else []
        tokens = self._add(_sent(raw), texts)
        name = raw.get("name")
        if isinstance(name, str) and role not in (None, "tool"):
            texts.append(name)
            tokens += 1
        for call in _calls(raw):
            texts += call
            tokens += CALL_FRAME_TOKENS
        return tokens + sum(self.counter.count_batch(texts))

    def _tokens(self, content: object) -> int:
        texts: list[str] = []
        return self._add(content, texts) + sum(self.counter.count_batch(texts))

    def _add(self, content: object, texts: list[str]) -> int:
        parts = content if isinstance(content, list) else [content]
        tokens = 0
        for part in parts:
            tokens += _encrypted_tokens(part)
            tokens += add_content(_readable(part), texts, media=self._media)
        return tokens

    def _tools(self) -> int:
        tools = [*_listed(self._read_request, "tools"), *_listed(self._read_request, "functions")]
        if not tools:
            return 0
        around = _TOOL_USE_TOKENS if self._read_request.api == "messages" else 0
        return around + sum(map(self._schema, tools))

    def _schema(self, schema: object) -> int:
        return -(-self.counter.count(written(schema)) * _SCHEMA_TENTHS // 10)

    def _schemas(self) -> Iterator[object]:
        value = self._read_request.value
        for name in ("response_format", "text", "output_config", "output_format"):
            if isinstance(value.get(name), Mapping):
                yield value[name]


def _listed(read: Read, name: str) -> list[Any]:
    listed = read.value.get(name)
    return listed if isinstance(listed, list) else []


def _sent(raw: Raw) -> list[object]:
    """What of a message or an item is content."""
    kind = raw.get("type")
    if kind not in (None, "message"):
        return [raw]
    sent: list[object] = []
    for name, value in raw.items():
        if name not in _NOT_CONTENT and value is not None:
            sent += value if isinstance(value, list) else [value]
    return sent


def _calls(raw: Raw) -> Iterator[list[str]]:
    """Name and arguments of each call of a chat message."""
    listed = raw.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        yield _called(call.get("function") or call.get("custom"))
    if isinstance(raw.get("function_call"), Mapping):
        yield _called(raw["function_call"])


def _called(function: object) -> list[str]:
    if not isinstance(function, Mapping):
        return []
    parts = (function.get(name) for name in ("name", "arguments", "input"))
    return [part for part in parts if isinstance(part, str)]


def _encrypted_tokens(part: object) -> int:
    if not isinstance(part, Mapping) or part.get("type") not in _ENCRYPTED_TYPES:
        return 0
    texts = (part.get(name) for name in _ENCRYPTED)
    chars = sum(len(text) for text in texts if isinstance(text, str))
    return -(-chars // _CHARS_PER_ENCRYPTED_TOKEN)


def _readable(part: object) -> object:
    """A block without what is encrypted in it."""
    if not isinstance(part, Mapping) or part.get("type") not in _ENCRYPTED_TYPES:
        return part
    return {name: value for name, value in part.items() if name not in _ENCRYPTED}
