"""Which lines of a text its pieces are from.

Cutting loses nothing but blanks, and puts nothing in but whole lines above a piece: a heading, the
header of a table, the first line of a class. So the letters of the pieces without those lines are
the letters of the text, in order, and counting them tells the lines.

    text      # A | one | two              letters  #Aonetwo
    pieces    "# A\\n\\none"  "# A\\n\\ntwo"     #Aone  two, once the first line is left out

Linear in the length of the text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

_MOST_REPEATED = 8
"""Lines that stand above a piece for a second time: a heading, and the two lines of a header."""


def line_ranges(text: str, pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each piece, counted from 1, without lines that it repeats.

    Args:
        text: The whole; line ends are as in the pieces.
        pieces: What `chunks` made of it.

    >>> list(line_ranges("# A\\n\\none\\n\\ntwo", ["# A\\n\\none", "# A\\n\\ntwo"]))
    [(1, 3), (5, 5)]
    """
    lines = ["".join(line.split()) for line in text.split("\n")]
    letters = "".join(lines)
    ends = list(accumulate(map(len, lines)))
    start = 0
    for piece in pieces:
        own = _own(piece, letters, start)
        end = start + len(own)
        yield bisect_right(ends, start) + 1, bisect_left(ends, end) + 1
        start = end


def _own(piece: str, letters: str, start: int) -> str:
    """The letters of a piece that are the next ones of the text."""
    whole = "".join(piece.split())
    if letters.startswith(whole, start):
        return whole
    rest = piece
    for _ in range(_MOST_REPEATED):
        _, found, rest = rest.partition("\n")
        own = "".join(rest.split())
        if found and own and letters.startswith(own, start):
            return own
    return whole
