"""Messages of an Anthropic request as turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mba_integrations.conversation.blocks import answered_id, answers_in, call_id, calls_in
from mba_integrations.core.dialogue.roles import Role, role_named
from mba_integrations.services.gateway.wire.document import written
from mba_integrations.services.gateway.wire.turns import (
    NotUnderstoodError,
    Raw,
    Turn,
    checked_content,
    is_text_only,
    raw_of,
    said,
    words_of,
)

_RESULT = "tool_result"


def message_turns(messages: Sequence[object]) -> list[Turn]:
    """A turn for each message, or for each result of a message of nothing else.

    Raises:
        NotUnderstoodError: If one has a shape that is not known.
    """
    return [
        turn
        for place, one in enumerate(messages)
        for turn in _turns(raw_of(one, "a message"), place)
    ]


def _turns(raw: Raw, place: int) -> Iterator[Turn]:
    name = raw.get("role")
    role = role_named(name) if isinstance(name, str) else None
    if role is None or role is Role.RESULT:
        raise NotUnderstoodError("a message has no role that is known")
    content = checked_content(raw.get("content"), "a message")
    if role is Role.USER and _is_results(content):
        yield from (_result(raw, place, at, raw_of(one, "")) for at, one in enumerate(content))
        return
    calls = [block for block in content if call_id(block) is not None]
    yield Turn(
        role=role,
        raw=(raw,),
        start=place,
        end=place + 1,
        text=said(words_of(content), *map(_line, calls), *_given(content)),
        call_ids=tuple(calls_in(content)) if role is Role.ASSISTANT else (),
        answers=tuple(answers_in(content)),
    )


def _is_results(content: str | Sequence[Raw]) -> bool:
    """Whether a content is results of tools and nothing else."""
    if isinstance(content, str) or not content:
        return False
    return all(block["type"] == _RESULT for block in content)


def _result(raw: Raw, place: int, at: int, block: Raw) -> Turn:
    given = block.get("content")
    return Turn(
        role=Role.RESULT,
        raw=(raw,),
        start=place,
        end=place + 1,
        block=at,
        text=words_of(given),
        answers=(answered_id(block) or "",),
        result_key="content" if is_text_only(given) else None,
    )


def _line(call: object) -> str:
    block = raw_of(call, "a call")
    return f"{block.get('name') or ''} {written(block.get('input') or {})}"


def _given(content: object) -> Iterator[str]:
    """What the results say that stand beside words."""
    for block in content if isinstance(content, list) else ():
        if block["type"] == _RESULT:
            yield words_of(block.get("content"))
