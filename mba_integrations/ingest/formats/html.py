"""Text of an HTML page as Markdown: headings, paragraphs, lists, code, tables.

Scripts, styles, templates and menus (`nav`) are left out. The tree is walked without recursion, so
a page may be nested as deeply as it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mba_integrations.ingest.formats.encoding import text_of
from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.markdown import fenced, heading, joined, paragraph, table
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError, check_count

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_CHARSET_WITHIN = 4096
_PASSED_OVER = frozenset(
    {"head", "iframe", "nav", "noscript", "object", "script", "style", "svg", "template"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i"}
    | {"ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup"}
    | {"time", "tt", "u", "var", "wbr", "-text", "img", "input", "button"}
)
_TEXT = "-text"


def read_html(data: bytes, limits: Limits) -> FileText:
    """The page's text, without what no reader sees.

    Raises:
        UnreadableError: If it is binary, has no text, or too much.
    """
    from selectolax.lexbor import LexborHTMLParser

    named = _CHARSET.search(data[:_CHARSET_WITHIN])
    tree = LexborHTMLParser(text_of(data, hint=named[1].decode() if named else None))
    writer = _Writer()
    for node, is_end in _walked(tree.body):
        writer.leave(node) if is_end else writer.enter(node)
    writer.end()
    text = joined(writer.blocks)
    check_count(len(text), limits.chars, "characters of text")
    if not text:
        raise UnreadableError(RefusalReason.NO_TEXT, "without text")
    title = tree.css_first("head > title")
    called = "" if title is None else " ".join(title.text().split())
    return FileText(kind=Kind.HTML, title=called or None, parts=(Part(text=text),))


def _walked(root: Any) -> Iterator[tuple[Any, bool]]:
    """Each node where it begins, and each element where it ends as well."""
    node, depth = (None if root is None else root.child), 0
    while node is not None:
        inner = None
        if node.tag not in _PASSED_OVER:
            yield node, False
            inner = node.child
        if inner is not None:
            node, depth = inner, depth + 1
            continue
        if node.tag not in _PASSED_OVER:
            yield node, True
        while node.next is None and depth:
            node, depth = node.parent, depth - 1
            yield node, True
        node = node.next


class _Writer:
    """Makes blocks of what is met, in order."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self._words: list[str] = []
        self._level = 0
        self._listed = False
        self._raw = 0
        self._tables = 0
        self._rows: list[list[str]] = []

    def enter(self, node: Any) -> None:
        tag = node.tag
        if tag == _TEXT:
            text = node.text_content or ""
            self._words.append(text if self._raw else re.sub(r"\s+", " ", text))
        elif tag == "br":
            self._words.append("\n")
        elif tag == "table":
            self._enter_table()
        elif self._tables:
            self._enter_in_table(tag)
        elif tag not in _INLINE:
            self.end()
            self._level = _HEADINGS.get(tag, self._level)
            self._listed = tag == "li" or self._listed
            self._raw += tag == "pre"

    def leave(self, node: Any) -> None:
        tag = node.tag
        if tag == "table":
            self._leave_table()
        elif self._tables:
            if tag in ("td", "th") and self._tables == 1:
                self._end_cell()
        elif tag not in _INLINE and tag != "br":
            self.end()
            self._raw -= tag == "pre"
            self._level, self._listed = 0, False

    def end(self) -> None:
        """The block that is being written is whole."""
        text, self._words = "".join(self._words), []
        if not text.strip():
            return
        if self._raw:
            self.blocks.append(fenced(text))
        elif self._level:
            self.blocks.append(heading(self._level, text))
        else:
            lines = "\n".join(line.strip() for line in text.split("\n"))
            self.blocks.append(f"- {paragraph(lines)}" if self._listed else paragraph(lines))
        self._level, self._listed = 0, False

    def _enter_table(self) -> None:
        if not self._tables:
            self.end()
        self._tables += 1

    def _enter_in_table(self, tag: str) -> None:
        if tag == "tr" and self._tables == 1:
            self._rows.append([])
        elif tag in ("td", "th") and self._tables == 1:
            self._words = []
        elif tag not in _INLINE:
            self._words.append(" ")

    def _end_cell(self) -> None:
        text, self._words = "".join(self._words), []
        if self._rows:
            self._rows[-1].append(text.strip())

    def _leave_table(self) -> None:
        self._tables -= 1
        if self._tables:
            self._words.append(" ")
            return
        rows, self._rows, self._words = [row for row in self._rows if row], [], []
        if all(len(row) == 1 for row in rows):  # a frame, not a table
            self.blocks.extend(paragraph(row[0]) for row in rows)
        else:
            self.blocks.append(table(rows))
