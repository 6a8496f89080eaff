"""Cut a file into pieces that make sense alone.

Markdown is cut at its headings, code at its definitions (`code`), anything else not at all. A piece
longer than `max_chars` is cut further (`cutting`): at blank lines, then at lines, then between
words. A Markdown table is cut at its rows (`tables`), since a row is often what a question is
about. The parts of a section repeat its heading, those of a table its header, those of a long class
its first line, as long as that is at most half of a piece.

    # Words                     # Words             # Words
    | word | meaning |          | word | meaning |  | word | meaning |
    | ---- | ------- |    ->    | ---- | ------- |  | ---- | ------- |
    | pin  | kept    |          | pin  | kept    |  | tier | origin  |
    | tier | origin  |

Nothing is lost but blank lines around pieces. Linear in the length of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from mba_integrations.core.arguments import checked_text, checked_whole
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.code.blocks import BLOCK_SUFFIXES
from mba_integrations.ingest.code.parts import block_parts
from mba_integrations.ingest.code.python import PYTHON_SUFFIXES, python_parts
from mba_integrations.ingest.cutting import bounded, may_repeat, repeating, trimmed
from mba_integrations.ingest.formats.kinds import MARKDOWN_SUFFIXES
from mba_integrations.ingest.tables import cut_tables, has_table

MAX_CHARS = 2000
"""About 500 tokens of English or code: several pieces fit a tier of a small workspace."""

_ROWS_CHARS = 150
"""One long row of a table, or two short ones.

Of the 65 words of this project's glossary, "What is a ...?" brings the row that defines it for 57
in the demo; for 43 with 300 characters, for 20 with whole tables.
"""

_HEADING = re.compile(r"#{1,6}\s+\S")
# A fence, or a heading: the two lines of Markdown that decide where it is cut. It begins with the
# line end before, which is found in a fifth of the time that the start of a line is.
_MARKS = re.compile(r"\n(?:[^\S\n]{0,3}(`{3,}|~{3,})|#{1,6}[^\S\n]+\S)")


def chunks(text: str, *, path: str, max_chars: int = MAX_CHARS) -> list[str]:
    """Pieces of a file, in order; none is blank or longer than *max_chars*.

    Args:
        text: The whole file.
        path: Its name; the suffix decides how it is cut.
        max_chars: Longest piece, >= 1. A word is cut only if it is longer than half of that.

    Raises:
        InputError: If an argument is unusable.

    >>> chunks("# A\\n\\none\\n\\n# B\\n\\ntwo\\n", path="notes.md")
    ['# A\\n\\none', '# B\\n\\ntwo']
    """
    checked_text("text", text)
    max_chars = checked_whole("max_chars", max_chars, at_least=1)
    suffix = _suffix(path)
    whole = with_line_feeds(text)
    parts: Iterator[str]
    if suffix in MARKDOWN_SUFFIXES:
        parts = (piece for part in _sections(whole) for piece in _section(part, max_chars))
    elif suffix in PYTHON_SUFFIXES:
        parts = python_parts(whole, max_chars)
    elif suffix in BLOCK_SUFFIXES:
        parts = block_parts(whole, max_chars)
    else:
        parts = iter([whole])
    pieces = (piece for part in parts for piece in bounded(part, max_chars))
    return [piece for piece in (trimmed(piece) for piece in pieces) if piece]


def with_line_feeds(text: str) -> str:
    """The text as it is cut, with one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _suffix(path: object) -> str:
    if not isinstance(path, (str, PurePath)):
        raise InputError(f"path must be the name of a file, got {type(path).__name__}.")
    return PurePath(path).suffix.lower()


def heading_places(text: str) -> Iterator[int]:
    """Where headings begin; a heading in a fenced block is none.

    >>> list(heading_places("# A\\n```\\n# no\\n```\\n## B"))
    [0, 17]
    """
    fence = ""
    for found in _MARKS.finditer(f"\n{text}"):
        mark = found[1]
        if mark is None:
            if not fence:
                yield found.start()
        elif not fence:
            fence = mark
        elif mark.startswith(fence):
            fence = ""


def _sections(text: str) -> Iterator[str]:
    """Parts that begin with a heading."""
    start = 0
    for place in heading_places(text):
        part = text[start:place]
        if part and not part.isspace():
            yield part[:-1]
            start = place
    yield text[start:]


def _section(text: str, max_chars: int) -> Iterator[str]:
    """A section whole; one that is too long in parts that repeat its heading."""
    heading, _, body = text.strip("\n").partition("\n")
    head = f"{heading}\n\n"
    if not _HEADING.match(heading) or not may_repeat(head, max_chars) or not body.strip():
        head, body = "", text
    if len(text) <= max_chars and not has_table(text):
        yield text
    else:
        parts = cut_tables(trimmed(body), max_chars - len(head), rows_chars=_ROWS_CHARS)
        yield from repeating(head, parts, max_chars)
