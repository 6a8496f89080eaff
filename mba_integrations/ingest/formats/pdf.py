"""Text of a PDF, page by page, with the bookmarks above each page as its headings.

PDFium repairs what is damaged and follows no reference twice. It runs nothing that a PDF holds:
pypdfium2 opens forms, and with them scripts, only when asked.
"""

from __future__ import annotations

from typing import Any

from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import (
    RefusalReason,
    UnreadableError,
    broken,
    check_count,
)

_DEEPEST_BOOKMARK = 6
_MOST_BOOKMARKS = 100_000
_HYPHEN = "\ufffe"
"""PDFium's sign for a hyphen at the end of a line, inside a word."""


def read_pdf(data: bytes, limits: Limits) -> FileText:
    """The text of each page that has one.

    Raises:
        UnreadableError: If it is encrypted, broken, has too many pages or no text at all.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise UnreadableError(RefusalReason.ENCRYPTED, "encrypted") from None
        raise broken("PDF", error) from None
    count = len(document)
    check_count(count, limits.pages, "pages")
    headings = _headings(document, count)
    parts = []
    chars = 0
    for number in range(count):
        text = _page_text(document, number)
        chars += len(text)
        check_count(chars, limits.chars, "characters of text")
        if text.strip():
            place = {"page": number + 1, **({"headings": headings[number]} if headings else {})}
            parts.append(Part(text=text, place=place, is_markdown=False))
    if not parts:
        raise UnreadableError(
            RefusalReason.NO_TEXT, "without text, such as scanned pages", detail=f"{count:,} pages"
        )
    title = str(document.get_metadata_value("Title") or "").strip()
    return FileText(kind=Kind.PDF, title=title or None, parts=tuple(parts))


def _page_text(document: Any, number: int) -> str:
    """Of a page that cannot be loaded, nothing: the others are still worth reading."""
    import pypdfium2

    try:
        page = document[number]
        text = str(page.get_textpage().get_text_bounded())
        page.close()
    except pypdfium2.PdfiumError:
        return ""
    return text.replace("\r\n", "\n").replace(f"{_HYPHEN}\n", "").replace(_HYPHEN, "")


def _headings(document: Any, count: int) -> list[list[str]]:
    """For each page the bookmarks that it stands under; empty without bookmarks."""
    starts: dict[int, list[str]] = {}
    path: list[str] = []
    for place, bookmark in enumerate(document.get_toc(max_depth=_DEEPEST_BOOKMARK)):
        if place >= _MOST_BOOKMARKS:
            break
        path = [*path[: bookmark.level], " ".join(bookmark.get_title().split())]
        target = bookmark.get_dest()
        page = None if target is None else target.get_index()
        if page is not None:
            # Of several on one page the first: its text begins under that one.
            starts.setdefault(page, path)
    if not starts:
        return []
    under: list[list[str]] = []
    for number in range(count):
        under.append(starts.get(number, under[-1] if under else []))
    return under
