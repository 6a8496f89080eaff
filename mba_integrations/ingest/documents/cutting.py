"""Cut the parts of a file into chunks that know where they stood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mba_integrations.ingest.chunking import chunks, with_line_feeds
from mba_integrations.ingest.code.symbols import Symbols
from mba_integrations.ingest.documents.headings import Headings
from mba_integrations.ingest.documents.model import Chunk
from mba_integrations.ingest.documents.placing import line_ranges
from mba_integrations.ingest.formats.kinds import Kind, suffix_of
from mba_integrations.ingest.formats.parts import FileText, Part


def chunks_of(found: FileText, path: str, max_chars: int) -> Iterator[Chunk]:
    """The chunks of all parts, in order; none is blank or longer than *max_chars*."""
    for part in found.parts:
        yield from _of_part(part, _cut_as(part, found.kind, path), max_chars)


def _of_part(part: Part, name: str, max_chars: int) -> Iterator[Chunk]:
    text = with_line_feeds(part.text)
    pieces = chunks(text, path=name, max_chars=max_chars)
    headings = Headings(text) if part.is_markdown else None
    symbols = None if part.is_markdown else Symbols(text, suffix_of(name))
    for piece, (first, last) in zip(pieces, line_ranges(text, pieces), strict=True):
        place: dict[str, Any] = {**part.place, **_counted(part, first, last)}
        if headings is not None and (above := headings.above(first)):
            place["headings"] = above
        if symbols is not None and (symbol := symbols.at(first, last)):
            place["symbol"] = symbol
        yield Chunk(text=piece, place=place)


def _counted(part: Part, first: int, last: int) -> dict[str, Any]:
    """First and last line or row of a piece, as the file counts them."""
    if not part.counts:
        return {}
    numbers = part.numbers
    return {part.counts: [numbers[first - 1], numbers[last - 1]] if numbers else [first, last]}


def _cut_as(part: Part, kind: Kind, path: str) -> str:
    """A name whose suffix has the part cut as what it is."""
    if part.is_markdown:
        return "part.md"
    if kind is Kind.NOTEBOOK:
        return "part.py"
    return path if kind is Kind.CODE else "part.txt"
