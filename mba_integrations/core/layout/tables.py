"""Rows of one table under one head.

Documents are cut at the rows of their tables, and each part repeats what stands above the rows, so
that it can be read alone. Side by side they are one table again:

>>> head = "| of | is |\\n| --- | --- |\\n"
>>> table_head(head + "| entry | 4 |") == table_head(head + "| map | 2 |") == head
True

Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Lines without a bar, one with bars, and one of dashes between bars.
_HEAD = re.compile(
    r"(?:[^|\n]*\n)*+[^|\n]*\|[^\n]*+\n"
    r"[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?[ \t]*\n"
)


def table_head(text: str) -> str:
    """What stands above the rows of a table that ends with the text; empty where none does.

    >>> table_head("| a |\\n| - |\\n| 1 |\\nThe end."), table_head("a | b")
    ('', '')
    """
    head = _HEAD.match(text) if "-|" in text or "- |" in text else None
    if head is None:
        return ""
    rows = text[head.end() :].rstrip("\n").split("\n")
    return head.group() if all("|" in row for row in rows) else ""


def side_by_side(rows: Iterable[int], table_of: Sequence[object]) -> list[int]:
    """Rows in which those of one table follow the first of them.

    Args:
        rows: Rows of items, in order.
        table_of: The table of each of these, alike for items of one table; None for none.

    >>> side_by_side([4, 5, 6, 7], ["fees", None, "hours", "fees"])
    [4, 7, 5, 6]
    """
    places: dict[object, int] = {}
    keys = [
        place if table is None else places.setdefault(table, place)
        for place, table in enumerate(table_of)
    ]
    return [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]
