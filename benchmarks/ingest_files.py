"""Small files of each format, and hostile ones, written by hand: no library for any is needed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def pdf(pages: Sequence[str], *, bookmarks: Sequence[tuple[str, int]] = (), extra: str = "",
        circle: bool = False) -> bytes:  # fmt: skip
    """A PDF with a line of text on each page; *extra* goes into its trailer.

    With *circle*, the tree of pages leads back to itself, and so do the bookmarks.
    """
    first = 4
    kids = " ".join(f"{first + 2 * place} 0 R" for place in range(len(pages)))
    kids, parent = (f"{kids} 2 0 R", "/Parent 2 0 R") if circle else (kids, "")
    marks = first + 2 * len(pages)
    outlines = f"/Outlines {marks} 0 R" if bookmarks else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {outlines} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} {parent} >>",
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


def word(*paragraphs: str, level: int = 1) -> bytes:
    """A Word file of paragraphs, the first as a heading."""
    style = f'<w:pPr><w:outlineLvl w:val="{level - 1}"/></w:pPr>'
    body = "".join(
        f"<w:p>{style if not place else ''}<w:r><w:t>{text}</w:t></w:r></w:p>"
        for place, text in enumerate(paragraphs)
    )
    return word_of(body)


def sheet(cells: Mapping[str, str]) -> bytes:
    """A workbook of one sheet with texts in cells such as A1, given by rows."""
    rows: dict[str, str] = {}
    for cell, text in cells.items():
        row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        written = f'<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>'
        rows[row] = rows.get(row, "") + written
    data = "".join(f'<row r="{row}">{inside}</row>' for row, inside in rows.items())
    book = '<sheets><sheet name="Sheet" sheetId="1" r:id="r1"/></sheets>'
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    parts = {
        "xl/workbook.xml": f'<workbook {_S} xmlns:r="{_OFFICE}">{book}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relation}'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet {_S}><sheetData>{data}</sheetData></worksheet>",
    }
    return package(parts, "xl/workbook.xml")


def entity_bomb() -> bytes:
    """A Word file whose XML has entities of entities, a thousand million letters in all."""
    names = "abcdefghij"
    inner = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    bomb = f'<!DOCTYPE d [<!ENTITY a "lol">{inner}]>'
    text = "<document><body><p><r><t>&j;</t></r></p></body></document>"
    return package({"word/document.xml": bomb + text}, "word/document.xml")


def zip_bomb(megabytes: int = 100) -> bytes:
    """A Word file with a part that unpacks to a thousand times its size."""
    return word_of("", **{"word/media.bin": b"0" * (megabytes * 1_000_000)})


def wide_sheet() -> bytes:
    """Two cells at opposite corners of the largest sheet, with 17 thousand million between."""
    return sheet({"A1": "a", "XFD1048576": "z"})


def notebook(*cells: tuple[str, str]) -> bytes:
    """Cells as their kind and text."""
    made = [{"cell_type": kind, "source": text.splitlines(keepends=True)} for kind, text in cells]
    return json.dumps({"cells": made, "nbformat": 4}).encode()
