"""Elements of a request's array as they are sent: the client's text, with shorter results in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mba_integrations.services.gateway.rewriting.shortening import Kept
from mba_integrations.services.gateway.wire.document import array_of, document_of, written
from mba_integrations.services.gateway.wire.reading import LISTED, Read
from mba_integrations.services.gateway.wire.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element of the array.

    Attributes:
        place: Where it stands in the client's; None for one that is not the client's.
        text: As JSON.
        value: The same as a value; None where the text has to be read for it.
        tokens: What it costs.
        turns: Places of the turns that it is.
    """

    place: int | None
    text: str
    value: object | None
    tokens: int
    turns: tuple[int, ...] = ()


def elements_of(read: Read, kept: Kept, tokens: Sequence[int]) -> list[Element]:
    """The elements of what is kept, in the order in which they are sent.

    Args:
        read: The request.
        kept: Which turns are sent.
        tokens: Of each turn, as it is sent.
    """
    found: list[Element] = []
    for _, group in groupby(kept.places, key=lambda place: read.turns[place].start):
        places = tuple(group)
        found += _elements(read, kept, places, sum(tokens[place] for place in places))
    return found


def _elements(read: Read, kept: Kept, places: tuple[int, ...], tokens: int) -> Iterator[Element]:
    """Those of the turns that begin at one place."""
    turn = read.turns[places[0]]
    span = range(turn.start, turn.end)
    for number, place in enumerate(span):
        text = _text(read, place)
        whole = text
        if turn.block is not None:
            text = _with_blocks(text, read, kept, places)
        elif places[0] in kept.texts:
            text = _with_result(text, turn, kept.texts[places[0]])
        value = turn.raw[number] if text is whole else None
        last = number == len(span) - 1
        yield Element(
            place=place, text=text, value=value, tokens=tokens if last else 0, turns=places
        )


def _text(read: Read, place: int) -> str:
    name = LISTED[read.api]
    if name in read.document.elements:
        return read.document.element(name, place)
    said = read.document.slice(read.document.members[name])
    return f'{{"role":"user","content":{said}}}'


def _with_result(text: str, turn: Turn, shorter: str) -> str:
    return document_of(text).with_members({turn.result_key or "content": written(shorter)})


def _with_blocks(text: str, read: Read, kept: Kept, places: Sequence[int]) -> str:
    """A message of results with the blocks that are kept, shorter where they have to be."""
    message = document_of(text)
    blocks = [
        _with_result(block, turn, kept.texts[place]) if place in kept.texts else block
        for place in places
        for turn in [read.turns[place]]
        for block in [message.element("content", turn.block or 0)]
    ]
    if len(blocks) == len(message.elements["content"]) and not kept.texts.keys() & set(places):
        return text
    return message.with_members({"content": array_of(blocks)})
