"""`Turn`: what a request says at one place, as `conversation` needs it, with the client's objects.

A turn is what may be sent or left out as one: mostly a message. Two cases differ. Of the items of a
responses request, those that the assistant made in a row are one turn, since a provider refuses a
call without the reasoning that stands before it. Of an Anthropic message that holds nothing but
results of tools, each result is a turn, since each may be shortened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.dialogue.roles import Role

Raw = Mapping[str, Any]
"""A JSON object of the client."""
_TEXTS = ("text", "input_text", "output_text")


class NotUnderstoodError(ValueError):
    """A request has a shape that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turn:
    """What a request says at one place.

    Attributes:
        role: Who says it.
        raw: The client's objects.
        start: Place of the first of them in the request's array.
        end: Place after the last one.
        block: Place of the one content block that the turn is; None for whole objects.
        text: What it says: words, names and arguments of calls, what a tool gave.
        call_ids: Ids of the calls that it makes.
        answers: Ids of the calls that it answers.
        result_key: Name of the member of a result that has its text; None where there is none to
            shorten.
    """

    role: Role
    raw: tuple[Raw, ...]
    start: int
    end: int
    block: int | None = None
    text: str = ""
    call_ids: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    result_key: str | None = None


def raw_of(value: object, what: str) -> Raw:
    """A JSON object.

    Raises:
        NotUnderstoodError: If it is none.
    """
    if not isinstance(value, Mapping):
        raise NotUnderstoodError(f"{what} is no object")
    return value


def checked_content(content: object, what: str) -> str | Sequence[Raw]:
    """The content of a message: a text, or blocks with a type.

    Raises:
        NotUnderstoodError: If it is neither.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        raise NotUnderstoodError(f"the content of {what} is neither text nor a list")
    for block in content:
        if not isinstance(raw_of(block, f"a block of {what}").get("type"), str):
            raise NotUnderstoodError(f"a block of {what} has no type")
    return content


def words_of(content: object) -> str:
    """The words in a content, without what is no text."""
    return content if isinstance(content, str) else "\n".join(_words(content))


def _words(blocks: object) -> Iterator[str]:
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") in _TEXTS:
            text = block.get("text")
            if isinstance(text, str):
                yield text


def is_text_only(content: object) -> bool:
    """Whether a content says nothing but text, so that a shorter one can stand for it."""
    if isinstance(content, list):
        return all(isinstance(one, Mapping) and one.get("type") in _TEXTS for one in content)
    return isinstance(content, str)


def id_of(value: object) -> str:
    """An id; empty where it is none."""
    return value if isinstance(value, str) else ""


def said(*parts: object) -> str:
    """The parts that are texts and not empty, one a line."""
    return "\n".join(part for part in parts if isinstance(part, str) and part)
