"""Who says an item, and which tool calls it makes or answers, as its metadata tells.

`role` names who speaks. `tool_calls` of an assistant's item lists its calls, in the form of OpenAI,
Anthropic or LangChain; `tool_call_id` of a tool's item names the call that it answers. Metadata
holds anything: a list in which one call lacks an id or a name is no list of calls.

>>> asked = {"role": "assistant", "tool_calls": [{"id": "c1", "name": "look", "args": {"at": 2}}]}
>>> spoken(asked).calls
(ToolCall(id='c1', name='look', arguments='{"at": 2}'),)
>>> spoken({"role": "tool", "tool_call_id": "c1"}).answers
('c1',)
>>> spoken({"speaker": "Kate"}) is None
True
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.core.model import name_in

_ASKERS = frozenset({"customer", "caller", "client"})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool; `arguments` are JSON, or whatever text stands for them."""

    id: str
    name: str
    arguments: str

    @property
    def line(self) -> str:
        """The call as a line of text.

        >>> ToolCall("c1", "look", '{"at": 2}').line
        'calls look({"at": 2})'
        """
        return f"calls {self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is read of an item; a `Said`.

    Attributes:
        role: Who says it. Who asks for help is a user; who has any other name answers.
        calls: The calls that it makes.
        answers: Ids of the calls that it answers, one at most.
        is_chat_role: Whether providers know the role by its name.
    """

    role: Role
    calls: tuple[ToolCall, ...] = ()
    answers: tuple[str, ...] = ()
    is_chat_role: bool = True

    @property
    def call_ids(self) -> tuple[str, ...]:
        """Ids of the calls that it makes."""
        return tuple(call.id for call in self.calls)


_OF_ROLE = {role: Spoken(role) for role in Role}
_ASKS = Spoken(Role.USER, is_chat_role=False)
_REPLIES = Spoken(Role.ASSISTANT, is_chat_role=False)


def spoken(metadata: Mapping[str, Any]) -> Spoken | None:
    """What metadata says of who speaks; None where it names no role."""
    name = name_in(metadata, "role")
    if name is None:
        return None
    role = role_named(name)
    if role is Role.ASSISTANT and "tool_calls" in metadata:
        return Spoken(role, calls=_calls(metadata["tool_calls"]))
    if role is Role.RESULT and (answered := name_in(metadata, "tool_call_id")) is not None:
        return Spoken(role, answers=(answered,))
    if role is not None:
        return _OF_ROLE[role]
    return _ASKS if name.lower() in _ASKERS else _REPLIES


def _calls(given: object) -> tuple[ToolCall, ...]:
    """The calls of a list; none if one of them cannot be read, or two share an id."""
    calls = list(map(_call, given)) if isinstance(given, list | tuple) else []
    read = tuple(call for call in calls if call is not None)
    distinct = {call.id for call in read}
    return read if len(distinct) == len(calls) else ()


def _call(given: object) -> ToolCall | None:
    if not isinstance(given, Mapping):
        return None
    function = given.get("function")
    called = function if isinstance(function, Mapping) else given
    call_id, name = name_in(given, "id"), name_in(called, "name")
    arguments = _arguments(called)
    if call_id is None or name is None or arguments is None:
        return None
    return ToolCall(call_id, name, arguments)


def _arguments(called: Mapping[str, Any]) -> str | None:
    """Arguments under any of their names as text; None where they are no JSON."""
    given: object = next(
        (called[key] for key in ("arguments", "args", "input") if key in called), {}
    )
    if isinstance(given, str):
        return given
    try:
        return json.dumps(given)
    except (TypeError, ValueError, RecursionError):
        return None
