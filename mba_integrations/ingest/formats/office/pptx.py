"""Text of a presentation, slide by slide: its title, texts, tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.markdown import heading, joined, paragraph, table
from mba_integrations.ingest.formats.office.package import Package, attribute, child, local
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError, check_count

_TITLES = ("title", "ctrTitle")
# Alternatives repeat a shape for old programs.
_PASSED_OVER = frozenset({"Fallback", "txStyles"})


def read_pptx(package: Package, main: str, root: Any, limits: Limits) -> FileText:
    """The slides in the order they are shown, hidden ones too.

    Raises:
        UnreadableError: If there are too many, or no text.
    """
    relations = package.relations(main)
    listed = child(root, "sldIdLst")
    # `id` is a number of its own, the other one that ends in `id` is the relation's.
    ids = [_relation_id(one) for one in (() if listed is None else listed)]
    check_count(len(ids), limits.pages, "slides")
    parts = []
    chars = 0
    for number, slide in enumerate((relations.get(one, ("", ""))[1] for one in ids), start=1):
        text = joined(_slide(package, slide))
        chars += len(text)
        check_count(chars, limits.chars, "characters of text")
        if text:
            parts.append(Part(text=text, place={"slide": number}))
    if not parts:
        raise UnreadableError(RefusalReason.NO_TEXT, "without text", detail=f"{len(ids):,} slides")
    return FileText(kind=Kind.PPTX, title=package.title(), parts=tuple(parts))


def _relation_id(element: Any) -> str:
    return next((value for key, value in element.items() if key.endswith("}id")), "")


def _slide(package: Package, name: str) -> Iterator[str]:
    root = package.xml(name)
    shapes = [] if root is None else list(_shapes(root))
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    yield from (heading(1, " ".join(_lines(shape))) for shape in titles)
    yield from (_block(shape) for shape in shapes if shape not in titles)
    for kind, part in package.relations(name).values():
        notes = package.xml(part) if kind == "notesSlide" else None
        for shape in () if notes is None else _shapes(notes):
            if _placeholder(shape) == "body":
                yield _block(shape)


def _shapes(element: Any) -> Iterator[Any]:
    """Shapes with text and tables, in the order they are drawn."""
    for one in element:
        name = local(one.tag)
        if name in ("sp", "tbl"):
            yield one
        elif name not in _PASSED_OVER:
            yield from _shapes(one)


def _placeholder(shape: Any) -> str:
    found = child(shape, "nvSpPr", "nvPr", "ph")
    return "" if found is None else attribute(found, "type")


def _block(shape: Any) -> str:
    if local(shape.tag) != "tbl":
        return paragraph("\n".join(_lines(shape)))
    rows = (row for row in shape if local(row.tag) == "tr")
    return table(
        [[" ".join(_lines(cell)) for cell in row if local(cell.tag) == "tc"] for row in rows]
    )


def _lines(element: Any) -> Iterator[str]:
    """The paragraphs of a shape or a cell."""
    for one in element.iter():
        if local(one.tag) == "p":
            yield "".join(_text(run) for run in one.iter())


def _text(run: Any) -> str:
    name = local(run.tag)
    return (run.text or "") if name == "t" else " " if name in ("br", "tab") else ""
