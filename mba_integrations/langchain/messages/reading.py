"""LangChain's messages as `conversation` reads them, and its choice as LangChain's messages.

A call may stand in `tool_calls`, in `additional_kwargs` as older interfaces have it, or only in the
content; a result in a message of its own or in the blocks of a human message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from mba_integrations.conversation.asked import searched_for
from mba_integrations.conversation.blocks import answers_in, calls_in
from mba_integrations.conversation.draft import Planned
from mba_integrations.conversation.message import Message
from mba_integrations.conversation.pins import Wording
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.langchain.messages.counting import MessageCounter

SHORTENED = "memory_budget"
"""Key in `response_metadata` of a shortened result."""
_CONTENT = attrgetter("content")
WORDING = Wording(question="last human message", system="system messages in the state")


class MessageReader:
    """A `Reader` of LangChain's messages.

    Args:
        messages: Counts messages.
    """

    def __init__(self, messages: MessageCounter) -> None:
        self.messages = messages

    @property
    def counter(self) -> TokenCounter:
        """Counts texts, each anew: those of shortened results are seen once."""
        return self.messages.text_counter

    def marks(self, messages: Sequence[BaseMessage]) -> list[object]:
        """The contents: one may be exchanged, but a list must not be changed in place."""
        return list(map(_CONTENT, messages))

    def read(self, messages: Sequence[BaseMessage]) -> list[Message]:
        """What is read of each message."""
        tokens = self.messages.message_tokens(messages)
        return list(map(self._read, messages, tokens))

    def _read(self, message: BaseMessage, tokens: int) -> Message:
        calls = tuple(_call_ids(message)) if isinstance(message, AIMessage) else ()
        answers = _answers(message)
        role = _role(message, answers)
        return Message(
            role=role,
            text=_text(message),
            tokens=tokens,
            call_ids=calls,
            answers=answers,
            id=message.id,
            bare_tokens=self._bare_tokens(message, tokens) if role is Role.RESULT else None,
        )

    def _bare_tokens(self, message: BaseMessage, tokens: int) -> int | None:
        if isinstance(message, HumanMessage):
            return None
        if isinstance(message.content, str):
            return tokens - self.messages.count(message.content)
        return self.messages.message_tokens([message.model_copy(update={"content": ""})])[0]


def last_question(messages: Sequence[BaseMessage]) -> tuple[int, str]:
    """Place and text of the last message in which a user says something; -1 and "" without one.

    A human message of nothing but results is a part of its round, and asks nothing.

    >>> last_question([ChatMessage("where is Kate?", role="user"), AIMessage("in Oslo")])
    (0, 'where is Kate?')
    """
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if _role(message, _answers(message)) is Role.USER:
            return place, str(message.text)
    return -1, ""


def searched_question(messages: Sequence[BaseMessage]) -> tuple[int, str]:
    """As `last_question`, with the exchange that the question hangs on."""
    place, text = last_question(messages)
    before = reversed(messages[: max(place, 0)])
    return place, searched_for(text, ((_role(one, _answers(one)), str(one.text)) for one in before))


def sent_messages(messages: Sequence[BaseMessage], planned: Planned) -> list[BaseMessage]:
    """The messages that are sent, shortened results as copies that tell how long they were."""
    return [
        _with_text(messages[place], planned.texts[place], planned.full_tokens[place])
        if place in planned.texts
        else messages[place]
        for place in planned.places
    ]


def _with_text(message: BaseMessage, text: str, full_tokens: int) -> BaseMessage:
    metadata = {**message.response_metadata, SHORTENED: {"full_tokens": full_tokens}}
    return message.model_copy(update={"content": text, "response_metadata": metadata})


def _role(message: BaseMessage, answers: Sequence[str]) -> Role:
    if isinstance(message, AIMessage):
        return Role.ASSISTANT
    if isinstance(message, SystemMessage):
        return Role.SYSTEM
    if isinstance(message, HumanMessage):
        # A human message that holds nothing but results is one; with words it is a user's as well.
        blocks = message.content if isinstance(message.content, list) else ()
        return Role.RESULT if answers and len(answers) == len(blocks) else Role.USER
    if isinstance(message, ToolMessage | FunctionMessage):
        return Role.RESULT
    named = role_named(message.role) if isinstance(message, ChatMessage) else None
    return named or Role.ASSISTANT


def _call_ids(message: AIMessage) -> Iterator[str]:
    """Ids of the tool calls that a message makes, valid or not, each once."""
    parsed = [call.get("id") or "" for call in (*message.tool_calls, *message.invalid_tool_calls)]
    yield from parsed
    outputs = message.additional_kwargs.get("tool_outputs")
    for content in (message.content, outputs):
        for call_id in calls_in(content) if isinstance(content, list) else ():
            if call_id not in parsed and (call_id or not parsed):
                yield call_id
    legacy = message.additional_kwargs.get("function_call")
    if isinstance(legacy, Mapping) and not parsed:
        yield _function(legacy.get("name"))


def _answers(message: BaseMessage) -> tuple[str, ...]:
    """Ids of the calls that a message answers."""
    if isinstance(message, ToolMessage):
        return (message.tool_call_id,) if message.tool_call_id else ()
    if isinstance(message, FunctionMessage):
        return (_function(message.name),)
    return tuple(answers_in(message.content)) if isinstance(message.content, list) else ()


def _function(name: object) -> str:
    """Stands for the id, which calls of older interfaces do not have."""
    return f"function {name}"


def _text(message: BaseMessage) -> str:
    """What is matched with the query: the text, and the tool calls."""
    # What `text` gives is a text of a class of its own, which costs as much as all else here.
    said = message.content if isinstance(message.content, str) else str(message.text)
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return said
    parts = [said, *(f"{call['name']} {call['args']}" for call in message.tool_calls)]
    return "\n".join(part for part in parts if part)
