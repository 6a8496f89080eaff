"""Items of a responses request as turns.

    user message | reasoning, function_call, function_call | output | output | message
          1      |                  2                      |   3    |   4    |    5

What an assistant made in a row is one turn; an output is one, and so is a message of anybody else.
An item of a type that is not known is the assistant's: nearly all are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mba_integrations.conversation.blocks import answered_id, call_id
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

ELSEWHERE = {"item_reference", "compaction", "compaction_summary"}
"""Types of items that stand for a part of the conversation which only the provider has."""


def response_turns(items: Sequence[object]) -> list[Turn]:
    """The turns of the items.

    Raises:
        NotUnderstoodError: If one has a shape that is not known.
    """
    found: list[Turn] = []
    made: list[Raw] = []
    for place, one in enumerate(items):
        raw = raw_of(one, "an item")
        role = _role(raw)
        if role is Role.ASSISTANT:
            made.append(raw)
            continue
        found += _made(made, place)
        made = []
        found.append(_other(raw, role, place))
    return [*found, *_made(made, len(items))]


def _role(raw: Raw) -> Role:
    kind = raw.get("type")
    if kind in (None, "message"):
        name = raw.get("role")
        role = role_named(name) if isinstance(name, str) else None
        if role is None or role is Role.RESULT:
            raise NotUnderstoodError("a message has no role that is known")
        return role
    if not isinstance(kind, str):
        raise NotUnderstoodError("an item has no type that is a text")
    is_answer = answered_id(raw) is not None or kind == "mcp_approval_response"
    return Role.RESULT if is_answer else Role.ASSISTANT


def _made(items: Sequence[Raw], end: int) -> Iterator[Turn]:
    """One turn of what the assistant made in a row; none of nothing."""
    if items:
        yield Turn(
            role=Role.ASSISTANT,
            raw=tuple(items),
            start=end - len(items),
            end=end,
            text=said(*map(_text, items)),
            call_ids=tuple(one for one in map(_call, items) if one is not None),
        )


def _other(raw: Raw, role: Role, place: int) -> Turn:
    result = role is Role.RESULT
    return Turn(
        role=role,
        raw=(raw,),
        start=place,
        end=place + 1,
        text=words_of(raw.get("output")) if result else _text(raw),
        answers=(_answered(raw),) if result else (),
        result_key="output" if result and is_text_only(raw.get("output")) else None,
    )


def _text(raw: Raw) -> str:
    if raw.get("type") in (None, "message"):
        return words_of(checked_content(raw.get("content"), "a message"))
    call = (raw.get(name) for name in ("name", "arguments", "input"))
    return " ".join(part for part in call if isinstance(part, str))


def _call(raw: Raw) -> str | None:
    if raw.get("type") == "mcp_approval_request":
        return id_of(raw.get("id"))
    return call_id(raw)


def _answered(raw: Raw) -> str:
    if raw.get("type") == "mcp_approval_response":
        return id_of(raw.get("approval_request_id"))
    return answered_id(raw) or ""
