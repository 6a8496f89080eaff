"""Text and code of a Jupyter notebook, cell by cell. What the code printed is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mba_integrations.ingest.formats.encoding import text_of
from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import (
    RefusalReason,
    UnreadableError,
    broken,
    check_count,
)


def read_notebook(data: bytes, limits: Limits) -> FileText:
    """The cells that have text; Markdown is cut at its headings, the rest is not Markdown.

    Raises:
        UnreadableError: If it is no notebook, or has too many cells or no text.
    """
    try:
        whole = json.loads(text_of(data))
    except (ValueError, RecursionError) as error:
        raise broken("notebook", error) from None
    cells = list(_cells(whole))
    check_count(len(cells), limits.pages, "cells")
    parts = []
    for number, cell in enumerate(cells, start=1):
        text = _source(cell)
        if text.strip():
            is_markdown = cell.get("cell_type") in ("markdown", "heading")
            parts.append(Part(text=text, place={"cell": number}, is_markdown=is_markdown))
    check_count(sum(len(part.text) for part in parts), limits.chars, "characters of text")
    if not parts:
        raise UnreadableError(RefusalReason.NO_TEXT, "without text")
    return FileText(kind=Kind.NOTEBOOK, parts=tuple(parts))


def _cells(whole: Any) -> Iterator[dict[str, Any]]:
    """The cells; those of format 3 are in worksheets."""
    if not isinstance(whole, dict):
        raise broken("notebook", "not an object")
    sheets = whole.get("worksheets")
    holders = sheets if isinstance(sheets, list) and "cells" not in whole else [whole]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        if not isinstance(cells, list):
            raise broken("notebook", "no list of cells")
        yield from (cell for cell in cells if isinstance(cell, dict))


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
