"""Chat messages that every provider takes, from chosen items in any combination.

1. After system messages the first message is the user's.
2. User and assistant take turns: what one says twice in a row is one message.
3. A call of tools is sent with all its results, in the order of the calls' message, each with its
   id. A call that lacks a result is what the assistant says, and a result that lacks its call is
   what the user says, as in chats without tools.

What an assistant says before any user has asked cannot be sent: it is left to a section. A section
that stands behind the first message of the user is said by the user, since some providers take
system messages at the beginning only.

Five items, of which the second call was never answered:

    user       Where is Kate?       user       Where is Kate?
    assistant  calls find(Kate)     assistant  calls c1
    tool       answers c1: Oslo     tool       c1: Oslo
    assistant  calls map(Oslo)      assistant  calls map(Oslo) / She is in Oslo.
    assistant  She is in Oslo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mba_integrations.core.dialogue.exchanges import Round, exchanges_of
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.dialogue.spoken import Spoken, ToolCall

_BETWEEN = "\n\n"
"""Between what one says twice in a row."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that is said.

    Attributes:
        said: Who says it, with calls and answers.
        text: The text.
        text_beside_calls: The text where its calls are sent as such.
    """

    said: Spoken
    text: str
    text_beside_calls: str


@dataclass(slots=True)
class Chat:
    """Messages in the making; `messages` are the result."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_asked(self) -> bool:
        """Whether there is a message of the user."""
        return any(one["role"] == Role.USER for one in self.messages)

    def tell(self, text: str) -> None:
        """Add what stands for the application: a system message as long as no user has asked."""
        if self.has_asked:
            self._say(Role.USER, text)
        else:
            self.messages.append({"role": Role.SYSTEM.value, "content": text})

    def add(self, sayings: Sequence[Saying]) -> None:
        """Add what is said, of which the first is a user's unless one has asked before."""
        rounds = {one.call: one for one in _rounds(sayings)}
        place = 0
        while place < len(sayings):
            saying = sayings[place]
            if place in rounds:
                self._call(sayings, rounds[place])
                place = rounds[place].results[-1]
            else:
                is_answer = saying.said.role is Role.ASSISTANT
                self._say(Role.ASSISTANT if is_answer else Role.USER, saying.text)
            place += 1

    def _say(self, role: Role, text: str) -> None:
        last = self.messages[-1] if self.messages else {}
        if last.get("role") == role and "tool_calls" not in last:
            last["content"] += _BETWEEN + text
        else:
            self.messages.append({"role": role.value, "content": text})

    def _call(self, sayings: Sequence[Saying], one: Round) -> None:
        said, text = sayings[one.call].said, sayings[one.call].text_beside_calls
        if text or not self._may_go_on():
            self._say(Role.ASSISTANT, text)
        self.messages[-1]["tool_calls"] = [_as_sent(call) for call in said.calls]
        ids = _answered_ids(said.call_ids, [sayings[place].said for place in one.results])
        for call_id, place in zip(ids, one.results, strict=True):
            self.messages.append(
                {"role": Role.RESULT.value, "tool_call_id": call_id, "content": sayings[place].text}
            )

    def _may_go_on(self) -> bool:
        """Whether the last message is the assistant's and calls nothing yet."""
        last = self.messages[-1]
        return last["role"] == Role.ASSISTANT and "tool_calls" not in last


def before_question(said: Sequence[Spoken]) -> int:
    """How many sayings stand before the first that is a user's.

    >>> before_question([Spoken(Role.ASSISTANT), Spoken(Role.USER), Spoken(Role.ASSISTANT)])
    1
    """
    asks = (place for place, one in enumerate(said) if one.role is Role.USER)
    return next(asks, len(said))


def _rounds(sayings: Sequence[Saying]) -> Iterator[Round]:
    """Rounds that can be sent: nothing stands within them."""
    for exchange in exchanges_of([saying.said for saying in sayings]):
        for one in exchange.rounds:
            if one.results[-1] - one.call == len(one.results):
                yield one


def _answered_ids(call_ids: Sequence[str], results: Sequence[Spoken]) -> list[str]:
    """Id of the call that each result answers; one that names none answers the next that is left.

    >>> _answered_ids(["a", "b", "c"], [Spoken(Role.RESULT), Spoken(Role.RESULT, answers=("a",)),
    ...     Spoken(Role.RESULT)])
    ['b', 'a', 'c']
    """
    named = {one for result in results for one in result.answers}
    left = iter([one for one in call_ids if one not in named])
    return [result.answers[0] if result.answers else next(left) for result in results]


def _as_sent(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
