"""Messages of a chat completions request as turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.services.gateway.wire.turns import (
    NotUnderstoodError,
    Raw,
    Turn,
    checked_content,
    id_of,
    is_text_only,
    raw_of,
    said,
    words_of,
)


def chat_turns(messages: Sequence[object]) -> list[Turn]:
    """A turn for each message.

    Raises:
        NotUnderstoodError: If one has a shape that is not known.
    """
    return [_turn(raw_of(one, "a message"), place) for place, one in enumerate(messages)]


def _turn(raw: Raw, place: int) -> Turn:
    name = raw.get("role")
    role = role_named(name) if isinstance(name, str) else None
    if role is None:
        raise NotUnderstoodError("a message has no role that is known")
    content = checked_content(raw.get("content"), "a message")
    calls = list(_calls(raw)) if role is Role.ASSISTANT else []
    is_result = role is Role.RESULT
    return Turn(
        role=role,
        raw=(raw,),
        start=place,
        end=place + 1,
        text=said(words_of(content), *(line for _, line in calls)),
        call_ids=tuple(call_id for call_id, _ in calls),
        answers=_answers(raw) if is_result else (),
        result_key="content" if is_result and is_text_only(raw.get("content")) else None,
    )


def _calls(raw: Raw) -> Iterator[tuple[str, str]]:
    """Id and text of each call."""
    calls = raw.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise NotUnderstoodError("tool_calls is no list")
    for one in calls or ():
        call = raw_of(one, "a tool call")
        yield id_of(call.get("id")), _line(call.get("function") or call.get("custom"))
    legacy = raw.get("function_call")
    if isinstance(legacy, Mapping) and not calls:
        yield _function(legacy), _line(legacy)


def _line(function: object) -> str:
    if not isinstance(function, Mapping):
        return ""
    parts = (function.get(name) for name in ("name", "arguments", "input"))
    return " ".join(part for part in parts if isinstance(part, str))


def _answers(raw: Raw) -> tuple[str, ...]:
    if raw.get("role") == "function":
        return (_function(raw),)
    return (id_of(raw.get("tool_call_id")),)


def _function(raw: Raw) -> str:
    """Stands for the id, which calls of the older interface do not have."""
    return f"function {raw.get('name')}"
