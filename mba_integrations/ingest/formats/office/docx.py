"""Text of a Word file as Markdown: headings, lists, tables, footnotes.

Text of content controls, text boxes and inserted changes counts, that of deleted changes does not;
headers, footers and comments are left out. Pages are known to Word only, when it lays the text out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.markdown import heading, joined, paragraph, table
from mba_integrations.ingest.formats.office.docx_styles import NO_STYLES, Styles
from mba_integrations.ingest.formats.office.package import Package, child, local
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError, check_count

_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# Alternatives repeat a text box for old programs.
_PASSED_OVER = frozenset({"Fallback", "del", "moveFrom", "instrText", "pPr", "rPr", "sectPr"})


def read_docx(package: Package, main: str, root: Any, limits: Limits) -> FileText:
    """The body, then the notes at its foot and end.

    Raises:
        UnreadableError: If it has no text, or too much.
    """
    related = dict(package.relations(main).values())
    styles = Styles(package.xml(related.get("styles", "")))
    blocks = list(_blocks(child(root, "body"), styles))
    for kind in ("footnotes", "endnotes"):
        notes = package.xml(related.get(kind, ""))
        for note in () if notes is None else notes:
            blocks.extend(_blocks(note, styles))
    text = joined(blocks)
    check_count(len(text), limits.chars, "characters of text")
    if not text:
        raise UnreadableError(RefusalReason.NO_TEXT, "without text")
    return FileText(kind=Kind.DOCX, title=package.title(), parts=(Part(text=text),))


def _blocks(container: Any, styles: Styles) -> Iterator[str]:
    """Paragraphs and tables of a container, and of what wraps some of them."""
    for one in () if container is None else container:
        name = local(one.tag)
        if name == "p":
            yield _paragraph(one, styles)
        elif name == "tbl":
            yield _table(one, styles)
        elif name not in _PASSED_OVER:
            yield from _blocks(one, styles)


def _paragraph(element: Any, styles: Styles) -> str:
    text = "".join(_texts(element))
    properties = child(element, "pPr")
    level = styles.heading_level(properties)
    if level:
        return heading(level, text)
    return (
        f"- {paragraph(text)}" if text.strip() and styles.is_listed(properties) else paragraph(text)
    )


def _texts(element: Any) -> Iterator[str]:
    for one in element:
        name = local(one.tag)
        if name == "t":
            yield one.text or ""
        elif name in _SIGNS:
            yield _SIGNS[name]
        elif name not in _PASSED_OVER:
            if name == "p":  # of a text box
                yield "\n"
            yield from _texts(one)


def _table(element: Any, styles: Styles) -> str:
    """Rows of cells; a table of one cell is a frame around text."""
    rows = [list(_within(row, "tc")) for row in _within(element, "tr")]
    if len(rows) == 1 and len(rows[0]) == 1:
        return joined(_blocks(rows[0][0], styles))
    return table([["\n".join(_blocks(cell, NO_STYLES)) for cell in row] for row in rows])


def _within(element: Any, name: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, also those inside content controls."""
    for one in element:
        if local(one.tag) == name:
            yield one
        elif local(one.tag) in ("sdt", "sdtContent", "customXml", "ins"):
            yield from _within(one, name)
