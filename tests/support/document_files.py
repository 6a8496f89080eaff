"""Small files of each format, and hostile ones, as bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import docx
import openpyxl
import pptx

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def pdf(pages: Sequence[str], *, bookmarks: Sequence[tuple[str, int]] = (), extra: str = "",
        circle: bool = False) -> bytes:  # fmt: skip
    """A PDF with a line of text on each page; *extra* goes into its trailer.

    With *circle*, the tree of pages leads back to itself, and so do the bookmarks.
    """
    first = 4
    kids = " ".join(f"{first + 2 * place} 0 R" for place in range(len(pages)))
    kids += " 2 0 R" if circle else ""
    marks = first + 2 * len(pages)
    outlines = f"/Outlines {marks} 0 R" if bookmarks else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {outlines} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} {'/Parent 2 0 R' if circle else ''} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET" if text else ""
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Resources "
            f"<< /Font << /F1 3 0 R >> >> /Contents {first + 2 * place + 1} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects += _bookmarks(bookmarks, marks, first, circle)
    return _pdf_of(objects, extra)


def _bookmarks(
    bookmarks: Sequence[tuple[str, int]], root: int, first: int, circle: bool
) -> list[str]:
    if not bookmarks:
        return []
    found = [f"<< /First {root + 1} 0 R /Last {root + len(bookmarks)} 0 R >>"]
    for place, (title, page) in enumerate(bookmarks, start=1):
        after = root + place + 1 if place < len(bookmarks) else (root + 1 if circle else 0)
        following = f"/Next {after} 0 R" if after else ""
        found.append(
            f"<< /Title ({title}) /Parent {root} 0 R {following} "
            f"/Dest [{first + 2 * page} 0 R /Fit] >>"
        )
    return found


def _pdf_of(objects: Sequence[str], extra: str) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode()
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {extra} >>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password."""
    key = "<" + "ab" * 32 + ">"
    lock = f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O {key} /U {key} >>"
    return pdf(["secret"], extra=f"{lock} /ID [<{'01' * 16}> <{'01' * 16}>]")


def word() -> bytes:
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


def word_of(body: str, **parts: str | bytes) -> bytes:
    """A Word file with that XML as its body, and further parts by name."""
    document = f"<w:document {_W}><w:body>{body}</w:body></w:document>"
    return package({"word/document.xml": document, **parts}, "word/document.xml")


def package(parts: Mapping[str, str | bytes], main: str) -> bytes:
    """A zip whose main part is the one of that name."""
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="{main}"/>'
    relations = f'<Relationships xmlns="{_RELATIONS}">{relation}</Relationships>'
    return zipped({"_rels/.rels": relations, **parts})


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of texts and bytes by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


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


def notebook(*cells: tuple[str, str]) -> bytes:
    """Cells as their kind and text."""
    made = [{"cell_type": kind, "source": text.splitlines(keepends=True)} for kind, text in cells]
    return json.dumps({"cells": made, "nbformat": 4}).encode()


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
