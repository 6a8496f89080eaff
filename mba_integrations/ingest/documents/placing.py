"""Which lines of a text its pieces are from.

Cutting loses nothing but blanks, and puts nothing in but whole lines above a piece: a heading, the
header of a table, the first line of a class. So the words of the pieces without those lines are the
words of the text, in order.

    text      # A | one | two
    pieces    "# A\\n\\none"    lines 1-2
              "# A\\n\\ntwo"    line 3: "# A" does not come next, "two" does

Linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_MOST_REPEATED = 8
"""Lines that stand above a piece for a second time: a heading, and the two lines of a header."""
_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"\S+")


def line_ranges(text: str, pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each piece, counted from 1, without lines that it repeats.

    Args:
        text: The whole; line ends are as in the pieces.
        pieces: What `chunks` made of it.

    >>> list(line_ranges("# A\\n\\none\\n\\ntwo", ["# A\\n\\none", "# A\\n\\ntwo"]))
    [(1, 3), (5, 5)]
    """
    place, line = 0, 1
    for piece in pieces:
        start = _after_blanks(text, place)
        first = line + text.count("\n", place, start)
        place = _end(text, start, piece)
        line = first + text.count("\n", start, place)
        yield first, line


def _end(text: str, start: int, piece: str) -> int:
    """Where a piece ends whose own words begin at *start*."""
    rest = piece
    for _ in range(_MOST_REPEATED):
        end = _matched(text, start, rest)
        if end is not None:
            return end
        rest = rest.partition("\n")[2]
    return start


def _matched(text: str, start: int, own: str) -> int | None:
    """Where the words of *own* end, if they come next; as they are, else with other blanks."""
    bare = own.lstrip()
    if not bare:
        return None
    if text.startswith(bare, start):
        return start + len(bare)
    place = start
    for word in _WORD.finditer(bare):
        place = _after_blanks(text, place)
        if not text.startswith(word[0], place):
            return None
        place += len(word[0])
    return place


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place
