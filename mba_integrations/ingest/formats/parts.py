"""The text of a file in parts: pages, slides, sheets, cells, or all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mba_integrations.ingest.formats.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a file that is cut for itself.

    Attributes:
        text: Markdown, or plain text.
        place: Where it stood: `page`, `slide`, `sheet`, `cell`, `headings`.
        is_markdown: Whether headings and tables of *text* are such.
        counts: What its lines are, "lines" or "rows"; empty if they are nothing in the file.
        numbers: The number in the file of each line of *text*; its own if there are none.
    """

    text: str
    place: dict[str, Any] = field(default_factory=dict)
    is_markdown: bool = True
    counts: str = ""
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """What a file says.

    Attributes:
        kind: Its format, by its content.
        title: What it calls itself.
        parts: In the order of the file.
    """

    kind: Kind
    title: str | None = None
    parts: tuple[Part, ...] = ()
