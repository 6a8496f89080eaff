"""LlamaIndex' messages as `conversation` reads them, and its choice as LlamaIndex' messages.

Integrations write a call as a block, in `additional_kwargs`, or both. Texts are read with template
variables defused, as they are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from mba_integrations.conversation.asked import searched_for
from mba_integrations.conversation.draft import Planned
from mba_integrations.conversation.message import Message
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.llamaindex.messages.counting import MessageTokens, calls_of, field_of
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard

SYSTEM_ROLES = frozenset({MessageRole.SYSTEM, MessageRole.DEVELOPER})


@dataclass(frozen=True, slots=True)
class Spoken:
    """What holds a message together with others: its role, its calls, what it answers."""

    role: Role
    call_ids: tuple[str, ...]
    answers: tuple[str, ...]


def spoken(message: ChatMessage) -> Spoken:
    """Role, calls and answers of a message."""
    role = role_named(message.role.value) or Role.ASSISTANT  # `model` and `chatbot` besides
    answered = message.additional_kwargs.get("tool_call_id") if role is Role.RESULT else None
    calls = _call_ids(message) if role is Role.ASSISTANT else ()
    return Spoken(role, tuple(calls), (str(answered),) if answered else ())


class GuardedCounter:
    """Counts texts as they are sent: template variables defused.

    Args:
        counter: What counts.
        guard: Defuses variables.
    """

    def __init__(self, counter: TokenCounter, guard: TemplateGuard) -> None:
        self._counter = counter
        self._guard = guard
        self.id = counter.id
        self.exact = counter.exact

    def count(self, text: str, /) -> int:
        """Tokens of a text."""
        return self._counter.count(self._guard.text(text))

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text."""
        return self._counter.count_batch([self._guard.text(text) for text in texts])


class MessageReader:
    """A `Reader` of LlamaIndex' messages.

    Args:
        tokens: Counts messages.
        guard: Defuses template variables, which may change a count.
    """

    def __init__(self, tokens: MessageTokens, guard: TemplateGuard) -> None:
        self.tokens = tokens
        self.guard = guard
        self.counter = GuardedCounter(tokens.counter, guard)

    def marks(self, messages: Sequence[ChatMessage]) -> list[object]:
        """The texts, which may be changed in place, and the blocks of other kinds."""
        return [_mark(message) for message in messages]

    def read(self, messages: Sequence[ChatMessage]) -> list[Message]:
        """What is read of each message."""
        return list(map(self._read, messages))

    def _read(self, message: ChatMessage) -> Message:
        said = spoken(message)
        sent = self.guard.message(message)
        is_result = said.role is Role.RESULT
        return Message(
            role=said.role,
            text=(sent.content or "") if is_result else _text(sent),
            tokens=self.tokens.of(sent),
            call_ids=said.call_ids,
            answers=said.answers,
            bare_tokens=self.tokens.of(_with_text(sent, "")) if is_result else None,
        )

    def sent(self, messages: Sequence[ChatMessage], planned: Planned) -> list[ChatMessage]:
        """Copies of the messages that are sent, shortened results with their texts."""
        return [
            self.guard.message(
                _with_text(messages[place], planned.texts[place])
                if place in planned.texts
                else messages[place]
            )
            for place in planned.places
        ]


def with_exchange(query: str, messages: Sequence[ChatMessage]) -> str:
    """What is searched for: a query, with the exchange of the history that it hangs on."""
    said = ((spoken(one).role, one.content or "") for one in reversed(messages))
    return searched_for(query, said)


def _mark(message: ChatMessage) -> object:
    blocks = message.blocks
    if len(blocks) == 1 and isinstance(blocks[0], TextBlock):
        return blocks[0].text
    return tuple(block.text if isinstance(block, TextBlock) else block for block in blocks)


def _with_text(message: ChatMessage, text: str) -> ChatMessage:
    return message.model_copy(update={"blocks": [TextBlock(text=text)]})


def _text(message: ChatMessage) -> str:
    """What is matched with the query: the names of called tools, and the text."""
    called = [block.tool_name for block in message.blocks if isinstance(block, ToolCallBlock)]
    return "\n".join(text for text in (*called, message.content or "") if text)


def _call_ids(message: ChatMessage) -> list[str]:
    """Ids of the message's tool calls, one for each call, "" where it has none."""
    ids = [block.tool_call_id or "" for block in message.blocks if isinstance(block, ToolCallBlock)]
    if ids:
        return ids
    calls = calls_of(message.additional_kwargs)
    return [str(field_of(call, "id") or field_of(call, "tool_id") or "") for call in calls]
