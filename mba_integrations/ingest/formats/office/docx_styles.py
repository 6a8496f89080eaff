"""Which paragraphs of a Word file are headings or list items, by themselves or by their style.

Styles build on one another; a circle of them is followed for a while and then left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mba_integrations.ingest.formats.office.package import attribute, child

_LONGEST_CHAIN = 20


class Styles:
    """The paragraph styles of one file."""

    def __init__(self, root: Any) -> None:
        named = ((attribute(style, "styleId"), style) for style in (() if root is None else root))
        self._styles = dict(named)

    def heading_level(self, properties: Any) -> int:
        """Level of a heading from 1; 0 for other paragraphs."""
        return _outline_level(properties) or self._first(
            properties, lambda style: _outline_level(child(style, "pPr")) or _named_level(style)
        )

    def is_listed(self, properties: Any) -> bool:
        """Whether a paragraph is an item of a list."""
        return child(properties, "numPr") is not None or bool(
            self._first(properties, lambda style: child(style, "pPr", "numPr") is not None)
        )

    def _first(self, properties: Any, asked: Callable[[Any], int]) -> int:
        """What the paragraph's style says, or the nearest one that it builds on."""
        named = child(properties, "pStyle")
        for _ in range(_LONGEST_CHAIN):
            style = None if named is None else self._styles.get(attribute(named, "val"))
            if style is None:
                return 0
            if found := asked(style):
                return found
            named = child(style, "basedOn")
        return 0


NO_STYLES = Styles(None)


def _named_level(style: Any) -> int:
    """Word keeps the English names of its own styles in the file, whatever language it shows."""
    name = child(style, "name")
    called = "" if name is None else attribute(name, "val").lower()
    if called == "title":
        return 1
    number = called.removeprefix("heading ")
    return int(number) if called != number and number in list("123456789") else 0


def _outline_level(properties: Any) -> int:
    """Word writes 0 for the outermost, and 9 for text that is no heading."""
    found = child(properties, "outlineLvl")
    level = "" if found is None else attribute(found, "val")
    return int(level) + 1 if level in list("012345678") else 0
