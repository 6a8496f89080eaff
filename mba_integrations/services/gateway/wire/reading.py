"""`read`: what a request says, or why it is not understood.

>>> found = read("chat", b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}')
>>> found.query, found.model, found.stream
('hi', 'm', False)
>>> read("chat", b'{"messages": "hi"}')
Unread(reason='messages is no list')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mba_integrations.conversation.asked import searched_for
from mba_integrations.core.dialogue.exchanges import begins_exchange
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.services.gateway.wire.anthropic_messages import message_turns
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.chat import chat_turns
from mba_integrations.services.gateway.wire.document import Document, NotJsonError, document_of
from mba_integrations.services.gateway.wire.response_items import ELSEWHERE, response_turns
from mba_integrations.services.gateway.wire.turns import (
    NotUnderstoodError,
    Turn,
    checked_content,
    words_of,
)

LISTED: dict[Api, str] = {"chat": "messages", "responses": "input", "messages": "messages"}
"""Name of the array of messages."""
_SYSTEM: dict[Api, str | None] = {"chat": None, "responses": "instructions", "messages": "system"}
_MOST_OUTPUT = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A request that is not understood; it goes through as it is.

    Attributes:
        reason: What is not understood; it quotes nothing of the request.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a request says.

    Attributes:
        api: Its protocol.
        document: The request.
        turns: The conversation, with the places of its parts in the request.
        system: The text that stands before the conversation, of a member of its own or of the
            messages that it begins with.
        model: The model that is asked; empty where none is.
        stream: Whether the reply is a stream.
        max_output_tokens: The most that may come back; None where the request does not say.
        history_elsewhere: Whether the provider has a part of the conversation that does not stand
            here.
    """

    api: Api
    document: Document
    turns: tuple[Turn, ...]
    system: str
    model: str
    stream: bool
    max_output_tokens: int | None
    history_elsewhere: bool

    @property
    def value(self) -> Mapping[str, Any]:
        """The request as JSON."""
        return self.document.value

    @property
    def question(self) -> int | None:
        """Place among the turns of the last one in which a user says something; None without."""
        users = [place for place, turn in enumerate(self.turns) if turn.role is Role.USER]
        asked = [place for place in users if begins_exchange(self.turns[place])]
        return max(asked or users, default=None)

    @property
    def query(self) -> str:
        """What the user said last; empty where no user says anything."""
        return "" if self.question is None else self.turns[self.question].text

    @property
    def first_user(self) -> str:
        """What the user said first; empty where no user says anything."""
        return next((turn.text for turn in self.turns if turn.role is Role.USER), "")

    @property
    def searched(self) -> str:
        """The query, with the exchange that it hangs on."""
        before = self.turns[: self.question] if self.question is not None else ()
        return searched_for(self.query, ((one.role, one.text) for one in reversed(before)))

    @property
    def system_member(self) -> str | None:
        """Name of the member that has the system text; None where that is a message."""
        return _SYSTEM[self.api]


def read(api: Api, body: bytes | str) -> Read | Unread:
    """What a request says.

    Args:
        api: Its protocol.
        body: The whole request.
    """
    try:
        return _read(api, document_of(body))
    except (NotJsonError, NotUnderstoodError) as error:
        return Unread(reason=str(error))


def _read(api: Api, document: Document) -> Read:
    value = document.value
    turns = _turns(api, value.get(LISTED[api]))
    model = value.get("model", "")
    if not isinstance(model, str):
        raise NotUnderstoodError("model is no text")
    return Read(
        api=api,
        document=document,
        turns=tuple(turns),
        system=_system(api, value, turns),
        model=model,
        stream=value.get("stream") is True,
        max_output_tokens=_most_output(value),
        history_elsewhere=_is_elsewhere(api, value, turns),
    )


def _turns(api: Api, listed: object) -> list[Turn]:
    if api == "responses" and (listed is None or isinstance(listed, str)):
        raw = ({"role": "user", "content": listed},)
        words = Turn(role=Role.USER, raw=raw, start=0, end=1, text=listed or "")
        return [words] if listed else []
    if not isinstance(listed, list):
        raise NotUnderstoodError(f"{LISTED[api]} is no list")
    if api == "responses":
        return response_turns(listed)
    return chat_turns(listed) if api == "chat" else message_turns(listed)


def _system(api: Api, value: Mapping[str, Any], turns: Sequence[Turn]) -> str:
    name = _SYSTEM[api]
    own = checked_content(value.get(name), name) if name else ""
    if api == "responses" and not isinstance(own, str):
        raise NotUnderstoodError("instructions is no text")
    texts = [words_of(own)]
    for turn in turns:
        if turn.role is not Role.SYSTEM:
            break
        texts.append(turn.text)
    return "\n".join(text for text in texts if text)


def _most_output(value: Mapping[str, Any]) -> int | None:
    found = (value.get(name) for name in _MOST_OUTPUT)
    return next((one for one in found if type(one) is int and one >= 0), None)


def _is_elsewhere(api: Api, value: Mapping[str, Any], turns: Sequence[Turn]) -> bool:
    if api == "messages":
        return any(_is_compacted(turn) for turn in turns)
    if api == "chat":
        return False
    named = any(value.get(name) is not None for name in ("previous_response_id", "conversation"))
    return named or any(one.get("type") in ELSEWHERE for turn in turns for one in turn.raw)


def _is_compacted(turn: Turn) -> bool:
    """Whether a block stands for all that came before it."""
    content = turn.raw[0].get("content")
    return isinstance(content, list) and any(one.get("type") == "compaction" for one in content)
