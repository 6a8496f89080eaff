"""Memory items from chat messages in OpenAI's format.

A message of the conversation is a working-memory item; system and developer messages are pinned
project memory, since they hold for the whole conversation. A call of tools and its results are
one group, with the calls and their ids in the metadata. The last message of the user is pinned
unless asked otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_iterable, checked_text, shown
from mba_integrations.core.dialogue.calls import callers
from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.core.dialogue.spoken import ToolCall
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.json_records import json_records
from mba_integrations.ingest.reading import Ingested, decoded, name_of, parsed_time, read_bytes

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def read_messages(
    path: str | Path, *, name: str | None = None, pin_last_user: bool = True
) -> Ingested:
    """The messages of a file: a JSON array, an object that has one under `messages`, JSON lines.

    Args:
        path: A file, or `-` for standard input.
        name: What the conversation is called, the `source` of the items; the path by default.
        pin_last_user: Whether the last message of the user must be in the prompt.

    Raises:
        InputError: If the file cannot be read or is not such JSON; naming the message.
    """
    name = name_of(path) if name is None else name
    messages = _messages_of(read_bytes(path), name)
    return items_from_messages(messages, source=name, pin_last_user=pin_last_user)


def _messages_of(data: bytes, name: str) -> list[Any]:
    try:
        parsed = json.loads(decoded(data, name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        return _messages_of_lines(data, name)
    if isinstance(parsed, dict) and "role" in parsed:
        return [parsed]
    messages = parsed.get("messages") if isinstance(parsed, dict) else parsed
    if not isinstance(messages, list):
        raise InputError(
            f"{name}: must be an array of messages, an object with 'messages', or one message a "
            "line."
        )
    return messages


def _messages_of_lines(data: bytes, name: str) -> list[Any]:
    """One message a line; what is neither that nor JSON as a whole is refused."""
    records = list(json_records(data))
    for record in records:
        if record.problem is not None:
            raise InputError(f"{name}:{record.line}: {record.problem}")
    return [record.value for record in records]


def items_from_messages(
    messages: Sequence[Any], *, source: str, pin_last_user: bool = True
) -> Ingested:
    """Items of *messages*, with the place in the list as `position`.

    Args:
        messages: Mappings with `role` and `content`; times under `created_at` or `timestamp`.
        source: Name of the conversation; ids are `source#position`.
        pin_last_user: Whether the last message of the user must be in the prompt.

    Raises:
        InputError: If a message is not such a mapping, naming its place; or *messages* is no
            sequence.

    >>> talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    >>> [(item.id, item.pinned) for item in items_from_messages(talk, source="chat").items]
    [('chat#0', True), ('chat#1', False)]
    """
    checked_iterable("messages", messages, "a sequence of messages")
    checked_text("source", source)
    read = [
        _checked(message, f"{source}: message {place}", place)
        for place, message in enumerate(messages)
    ]
    last_user = max((one.place for one in read if one.role is Role.USER and one.text), default=None)
    pinned = last_user if pin_last_user else None
    groups = callers(read)
    items = tuple(_item(one, source, groups, pinned) for one in read if one.text)
    return Ingested(items=items, notes=tuple(_notes(read, source)))


def last_user_text(items: Sequence[MemoryItem]) -> str | None:
    """Text of the last message of the user; None if there is none."""
    texts = (item.content for item in reversed(items) if item.metadata.get("role") == "user")
    return next(texts, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    place: int
    role_name: str
    text: str
    other_parts: int
    calls: tuple[ToolCall, ...]
    answers: tuple[str, ...]
    time: datetime | None
    speaker: str | None

    @property
    def call_ids(self) -> tuple[str, ...]:
        return tuple(call.id for call in self.calls)

    @property
    def role(self) -> Role:
        return role_named(self.role_name) or Role.USER


def _checked(message: Any, where: str, place: int) -> _Message:
    if not isinstance(message, Mapping):
        raise InputError(f"{where} must be an object with role and content.")
    role_name = message.get("role")
    if not isinstance(role_name, str) or role_name not in ROLES:
        known = ", ".join(ROLES)
        raise InputError(f"{where}: role must be one of {known}, got {shown(role_name)}.")
    text, other_parts = _text(message.get("content"), where)
    calls = list(_calls(message, where))
    lines = [call.line if call.name else "calls a tool" for call in calls]
    written = "\n".join([text, *lines] if text else lines)
    name = message.get("name")
    answered = message.get("tool_call_id") if role_name == "tool" else None
    if role_name == "function":
        answered = f"function_{_named(name)}"
    return _Message(
        place=place,
        role_name=role_name,
        text=written,
        other_parts=other_parts,
        calls=tuple(calls),
        answers=(answered,) if isinstance(answered, str) else (),
        time=_time(message, where),
        speaker=name if isinstance(name, str) else None,
    )


def _text(content: Any, where: str) -> tuple[str, int]:
    """Joined text parts, and how many parts are no text."""
    if content is None:
        return "", 0
    if isinstance(content, str):
        return content, 0
    if not isinstance(content, list):
        raise InputError(f"{where}: content must be a text or a list of parts.")
    parts = [part if isinstance(part, str) else _part_text(part, where) for part in content]
    texts = [part for part in parts if part is not None]
    return "\n".join(text for text in texts if text), len(parts) - len(texts)


def _part_text(part: Any, where: str) -> str | None:
    if not isinstance(part, Mapping):
        raise InputError(f"{where}: a part of content must be an object with 'type'.")
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else None


def _calls(message: Mapping[str, Any], where: str) -> Iterator[ToolCall]:
    """The calls that a message makes; the name is empty where nobody gave one."""
    calls = message.get("tool_calls")
    calls = () if calls is None else calls
    if not isinstance(calls, list | tuple) or not all(isinstance(call, Mapping) for call in calls):
        raise InputError(f"{where}: tool_calls must be a list of objects.")
    for call in calls:
        called = call.get("function")
        called = called if isinstance(called, Mapping) else call.get("custom")
        yield _call(_named(call.get("id")), called, where)
    legacy = message.get("function_call")
    if isinstance(legacy, Mapping):
        yield _call(f"function_{_named(legacy.get('name'))}", legacy, where)


def _call(call_id: str, function: Any, where: str) -> ToolCall:
    if not isinstance(function, Mapping):
        return ToolCall(call_id, "", "")
    arguments = function.get("arguments", function.get("input", ""))
    try:
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: the arguments of a call are not JSON: {error}.") from None
    return ToolCall(call_id, _named(function.get("name")), written)


def _named(value: object) -> str:
    """A name or an id as text, also where somebody gave a number."""
    return value if isinstance(value, str) else shown(value)


def _time(message: Mapping[str, Any], where: str) -> datetime | None:
    for key in ("created_at", "timestamp"):
        if message.get(key) is not None:
            try:
                return parsed_time(message[key])
            except ValueError as error:
                got = shown(message[key])
                raise InputError(f"{where}: {key} is not a time: {error}, got {got}.") from None
    return None


def _item(one: _Message, source: str, groups: dict[int, int], pinned: int | None) -> MemoryItem:
    is_system = one.role is Role.SYSTEM
    speaker = {"speaker": one.speaker} if one.speaker else {}
    return MemoryItem(
        f"{source}#{one.place}",
        one.text,
        MemoryTier.PROJECT if is_system else MemoryTier.WORKING,
        created_at=one.time,
        source=source,
        position=float(one.place),
        group=f"{source}#{groups[one.place]}" if one.place in groups else None,
        pinned=is_system or one.place == pinned,
        metadata={"role": one.role_name, **speaker, **_tools(one)},
    )


def _tools(one: _Message) -> dict[str, Any]:
    """Calls and answers, as `core.dialogue.spoken` reads them."""
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments}
        for call in one.calls
        if call.name
    ]
    answered = {"tool_call_id": one.answers[0]} if one.answers else {}
    return {"tool_calls": calls, **answered} if calls else answered


def _notes(read: Sequence[_Message], source: str) -> Iterator[str]:
    empty = sum(not one.text for one in read)
    if empty:
        yield f"{source}: {empty:,} messages without text are left out."
    others = sum(one.other_parts for one in read)
    if others:
        yield f"{source}: {others:,} parts that are no text (images, audio, files) are left out."
