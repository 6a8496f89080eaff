"""Cut Markdown so that each part of a long table has the table's header.

A table begins at a row of dashes under a row with a bar, and ends at the first line without a bar.
A row alone says little: "| tier | origin |" is a definition only under "| word | meaning |".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mba_integrations.ingest.cutting import bounded, may_repeat, packed, repeating

# Cells of dashes between bars; each character belongs to one part of the pattern, so it is linear.
_DASHES = re.compile(r"[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?[ \t]*")


def cut_tables(text: str, max_chars: int, *, rows_chars: int) -> Iterator[str]:
    """Pieces of at most *max_chars* characters, a table in parts of rows under its header.

    Args:
        text: Markdown.
        max_chars: Longest piece.
        rows_chars: Longest part of a table without its header; a longer row is a part alone.

    >>> list(cut_tables("|a|b|\\n|-|-|\\n|1|2|\\n|3|4|", 24, rows_chars=5))
    ['|a|b|\\n|-|-|\\n|1|2|', '|a|b|\\n|-|-|\\n|3|4|']
    """
    before: list[str] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        end = _table_end(lines, place)
        if end is None:
            before.append(lines[place])
            place += 1
            continue
        if before:
            yield from bounded("\n".join(before), max_chars)
            before = []
        yield from _cut_table(lines[place:end], max_chars, rows_chars)
        place = end
    if before:
        yield from bounded("\n".join(before), max_chars)


def _table_end(lines: list[str], place: int) -> int | None:
    """The line after the table whose header is line *place*; None if there is none."""
    if place + 1 >= len(lines) or "|" not in lines[place]:
        return None
    if not _DASHES.fullmatch(lines[place + 1]):
        return None
    end = place + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    return end


def has_table(text: str) -> bool:
    """Whether a table begins somewhere in *text*."""
    if "|" not in text:
        return False
    lines = text.split("\n")
    return any(_table_end(lines, place) is not None for place in range(len(lines)))


def _cut_table(rows: list[str], max_chars: int, rows_chars: int) -> Iterator[str]:
    head = "\n".join(rows[:2]) + "\n"
    if not may_repeat(head, max_chars) or len(rows) == 2:
        yield from bounded("\n".join(rows), max_chars)
        return
    room = max_chars - len(head)
    parts = packed(rows[2:], min(room, rows_chars), "\n")
    pieces = (piece for part in parts for piece in bounded(part, room))
    yield from repeating(head, pieces, max_chars)
