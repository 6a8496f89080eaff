"""`Document`: a JSON object with the places of its members in the text.

A rewritten request is put together from slices of the client's own text, so that whatever is not
exchanged reaches the provider as the client wrote it: the order of keys, escapes, `1.0`, integers
of any size, lone surrogates. To decode and encode it anew would keep none of these for sure.

    {"model": "m", "messages": [{"role": "user", "content": "\\u00e9"}], "top_p": 1.0}
              ^--^             ^--------------------------------------^           ^-^   members
                                ^------------------------------------^                  elements

Each value is decoded once. Costs little more than decoding the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Span = tuple[int, int]
"""Where a value begins in the text, and where it has ended."""

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


class NotJsonError(ValueError):
    """The text is no JSON object, or one whose meaning depends on who reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON object.

    Attributes:
        text: As it was written.
        value: What it says.
        members: Where each member's value stands.
        elements: Where each element stands of members that are arrays.
    """

    text: str
    value: Mapping[str, Any]
    members: Mapping[str, Span] = field(repr=False)
    elements: Mapping[str, Sequence[Span]] = field(repr=False)

    def slice(self, span: Span) -> str:
        """The text of a place."""
        return self.text[span[0] : span[1]]

    def element(self, name: str, place: int) -> str:
        """The text of an element."""
        return self.slice(self.elements[name][place])

    def with_members(self, changed: Mapping[str, str]) -> str:
        """The text with other values for some members; new ones stand at the end.

        >>> document = document_of(b'{"a": 1.0, "b": [1,2]}')
        >>> document.with_members({"b": "[2]", "c": "3"})
        '{"a": 1.0, "b": [2],"c":3}'
        """
        edits = [(self.members[name], text) for name, text in changed.items() if name in self.value]
        added = [f"{written(name)}:{changed[name]}" for name in changed if name not in self.value]
        end = self.text.rindex("}")
        if added:
            edits.append(((end, end), ",".join(["", *added] if self.value else added)))
        return _edited(self.text, edits)


def written(value: object) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def array_of(elements: Iterable[str]) -> str:
    """An array of values that are written already."""
    return f"[{','.join(elements)}]"


def document_of(body: bytes | str) -> Document:
    """The object that a body holds.

    Raises:
        NotJsonError: If it holds none, or a name twice.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        return _Parser(text).document()
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"no JSON: {type(error).__name__}") from None


class _Parser:
    """Reads the first two levels of a text by itself, so that it knows where values stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Document:
        value: dict[str, Any] = {}
        members: dict[str, Span] = {}
        elements: dict[str, list[Span]] = {}
        self._take("{")
        while not self._ends("}", first=not value):
            name = self._value()[0]
            if not isinstance(name, str) or name in value:
                raise NotJsonError("a name that is no text, or stands there twice")
            self._take(":")
            start = self._skip()
            if self._text.startswith("[", start):
                value[name], elements[name] = self._array()
            else:
                value[name], _ = self._value()
            members[name] = (start, self._at)
        if self._skip() != len(self._text):
            raise NotJsonError("something follows the object")
        return Document(text=self._text, value=value, members=members, elements=elements)

    def _array(self) -> tuple[list[Any], list[Span]]:
        values: list[Any] = []
        spans: list[Span] = []
        self._take("[")
        while not self._ends("]", first=not values):
            value, span = self._value()
            values.append(value)
            spans.append(span)
        return values, spans

    def _value(self) -> tuple[Any, Span]:
        start = self._skip()
        value, self._at = _decode(self._text, start)
        return value, (start, self._at)

    def _skip(self) -> int:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _take(self, mark: str) -> None:
        if not self._text.startswith(mark, self._skip()):
            raise NotJsonError(f"no {mark} at {self._at:,}")
        self._at += 1

    def _ends(self, mark: str, *, first: bool) -> bool:
        """Whether the object or array ends here; else what stands before its next part is taken."""
        if self._text.startswith(mark, self._skip()):
            self._at += 1
            return True
        if not first:
            self._take(",")
        return False


def _edited(text: str, edits: Iterable[tuple[Span, str]]) -> str:
    parts: list[str] = []
    done = 0
    for (start, end), new in sorted(edits):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])
