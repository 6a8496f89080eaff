"""The headings that a line of Markdown stands under."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from mba_integrations.ingest.chunking import heading_places


class Headings:
    """Of one text.

    >>> Headings("# A\\n\\n## B\\ntext\\n# C").above(4)
    ['A', 'B']
    """

    def __init__(self, text: str) -> None:
        self._lines: list[int] = []
        self._paths: list[list[str]] = []
        for line, path in _paths(text):
            self._lines.append(line)
            self._paths.append(path)

    def above(self, line: int) -> list[str]:
        """From the outermost to that of *line*, which may be a heading itself."""
        place = bisect_right(self._lines, line)
        return self._paths[place - 1] if place else []

    def first(self) -> str | None:
        """The first heading; None if there is none."""
        return self._paths[0][-1] if self._paths else None


def _paths(text: str) -> Iterator[tuple[int, list[str]]]:
    open_: list[tuple[int, str]] = []
    number, counted = 1, 0
    for place in heading_places(text):
        number, counted = number + text.count("\n", counted, place), place
        end = text.find("\n", place)
        line = text[place:] if end < 0 else text[place:end]
        level = len(line) - len(line.lstrip("#"))
        open_ = [one for one in open_ if one[0] < level]
        open_.append((level, line[level:].strip().rstrip("#").rstrip()))
        yield number, [name for _, name in open_]
