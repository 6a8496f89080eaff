"""Files as the libraries of each format write them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import docx
import openpyxl
import pptx


def handbook() -> bytes:
    """Headings, a list, a table."""
    document = docx.Document()
    document.core_properties.title = "Handbook"
    document.add_heading("Setup", 1)
    document.add_paragraph("Install it.")
    document.add_heading("Linux", 2)
    document.add_paragraph("apt", style="List Bullet")
    table = document.add_table(2, 2)
    for place, text in enumerate(["word", "meaning", "pin", "kept"]):
        table.cell(place // 2, place % 2).text = text
    return _saved(document)


def slides() -> bytes:
    """Two slides: a title, two lines and notes; a table."""
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Plan"
    first.placeholders[1].text = "Write it.\nShip it."
    first.notes_slide.notes_text_frame.text = "Smile."
    second = presentation.slides.add_slide(presentation.slide_layouts[6])
    inch = 914_400
    table = second.shapes.add_table(2, 2, inch, inch, inch, inch).table
    for place, text in enumerate(["day", "sum", "Monday", "3"]):
        table.cell(place // 2, place % 2).text = text
    return _saved(presentation)


def workbook(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    """Rows by the names of sheets."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return _saved(book)


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
