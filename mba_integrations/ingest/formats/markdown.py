"""Blocks of Markdown made of texts that are none.

What looks like a heading or a fence in somebody's paragraph gets a backslash, so the blocks that
are cut later are those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LOOKS_LIKE_A_BLOCK = re.compile(r"^(\s{0,3})(?=#{1,6}\s|```|~~~)", re.MULTILINE)
_DEEPEST = 6


def heading(level: int, text: str) -> str:
    """A heading on one line; empty if there is no text.

    >>> heading(2, "Set\\nup")
    '## Set up'
    """
    line = " ".join(text.split())
    return f"{'#' * max(1, min(level, _DEEPEST))} {line}" if line else ""


def paragraph(text: str) -> str:
    """Text without blank lines in it.

    >>> paragraph("# not a heading")
    '\\\\# not a heading'
    """
    lines = (line.rstrip() for line in text.strip().split("\n"))
    return _LOOKS_LIKE_A_BLOCK.sub(r"\1\\", "\n".join(line for line in lines if line))


def fenced(text: str) -> str:
    """Text as it is, between fences longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.strip(chr(10))}\n{fence}" if text.strip() else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a table, the first row as its header; without cells, empty.

    >>> print(table([["word", "meaning"], ["pin", "kept | always"], ["tier"]]))
    | word | meaning |
    | --- | --- |
    | pin | kept \\| always |
    | tier |  |
    """
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = [_row(row, width) for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def joined(blocks: Iterable[str]) -> str:
    """Blocks that are not empty, a blank line between each two."""
    return "\n\n".join(block for block in blocks if block)


def _row(cells: Sequence[str], width: int) -> str:
    written = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return "| " + " | ".join([*written, *[""] * (width - len(written))]) + " |"
