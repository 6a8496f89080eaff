"""Cut a file into pieces that make sense alone.

Markdown is cut at its headings, Python at its docstring and top-level definitions, anything else
not at all. A piece longer than `max_chars` is cut further (`cutting`): at blank lines, then at
lines, then between words. A Markdown table is cut at its rows (`tables`), since a row is often what
a question is about. The parts of a section repeat its heading, those of a table its header, those
of a long class its first line, as long as that is at most half of a piece.

    # Words                     # Words             # Words
    | word | meaning |          | word | meaning |  | word | meaning |
    | ---- | ------- |    ->    | ---- | ------- |  | ---- | ------- |
    | pin  | kept    |          | pin  | kept    |  | tier | origin  |
    | tier | origin  |

Nothing is lost but blank lines around pieces. Linear in the length of the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

from mba_integrations.core.arguments import checked_text, checked_whole
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.cutting import bounded, may_repeat, packed, repeating, trimmed
from mba_integrations.ingest.tables import cut_tables, has_table

MAX_CHARS = 2000
"""About 500 tokens of English or code: several pieces fit a tier of a small workspace."""

_ROWS_CHARS = 150
"""One long row of a table, or two short ones.

Of the 65 words of this project's glossary, "What is a ...?" brings the row that defines it for 57
in the demo; for 43 with 300 characters, for 20 with whole tables.
"""

_HEADING = re.compile(r"#{1,6}\s+\S")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_MARKDOWN = frozenset({".md", ".markdown", ".mdx"})


def chunks(text: str, *, path: str, max_chars: int = MAX_CHARS) -> list[str]:
    """Pieces of a file, in order; none is blank or longer than *max_chars*.

    Args:
        text: The whole file.
        path: Its name; the suffix decides how it is cut.
        max_chars: Longest piece, >= 1. A word is cut only if it is longer than half of that.

    Raises:
        InputError: If an argument is unusable.

    >>> chunks("# A\\n\\none\\n\\n# B\\n\\ntwo\\n", path="notes.md")
    ['# A\\n\\none', '# B\\n\\ntwo']
    """
    checked_text("text", text)
    max_chars = checked_whole("max_chars", max_chars, at_least=1)
    suffix = _suffix(path)
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    parts: Iterator[str]
    if suffix in _MARKDOWN:
        parts = (piece for part in _sections(whole) for piece in _section(part, max_chars))
    elif suffix in (".py", ".pyi"):
        parts = _definitions(whole, max_chars)
    else:
        parts = iter([whole])
    pieces = (piece for part in parts for piece in bounded(part, max_chars))
    return [piece for piece in (trimmed(piece) for piece in pieces) if piece]


def _suffix(path: object) -> str:
    if not isinstance(path, (str, PurePath)):
        raise InputError(f"path must be the name of a file, got {type(path).__name__}.")
    return PurePath(path).suffix.lower()


def _sections(text: str) -> Iterator[str]:
    """Parts that begin with a heading; a heading in a fenced block is none."""
    part: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and _HEADING.match(line) and any(kept.strip() for kept in part):
            yield "\n".join(part)
            part = []
        part.append(line)
    yield "\n".join(part)


def _section(text: str, max_chars: int) -> Iterator[str]:
    """A section whole; one that is too long in parts that repeat its heading."""
    heading, _, body = text.strip("\n").partition("\n")
    head = f"{heading}\n\n"
    if not _HEADING.match(heading) or not may_repeat(head, max_chars) or not body.strip():
        head, body = "", text
    if len(text) <= max_chars and not has_table(text):
        yield text
    else:
        parts = cut_tables(trimmed(body), max_chars - len(head), rows_chars=_ROWS_CHARS)
        yield from repeating(head, parts, max_chars)


def _definitions(text: str, max_chars: int) -> Iterator[str]:
    """The docstring, top-level functions and classes each, and what stands between them."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield text
        return
    lines = text.split("\n")
    start = 0
    if ast.get_docstring(module, clean=False) is not None:
        start = module.body[0].end_lineno or 0
        yield "\n".join(lines[:start])
    yield from _cut_at(lines[start:], module.body, max_chars, start)


def _cut_at(
    lines: list[str], body: list[ast.stmt], max_chars: int, offset: int = 0
) -> Iterator[str]:
    """Cut *lines*, the first of which is line `offset + 1` of the file, at the definitions."""
    done = 0
    for node in body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        start = _with_comments(lines, _first_line(node) - 1 - offset, done)
        end = (node.end_lineno or node.lineno) - offset
        if start < done:
            continue
        yield "\n".join(lines[done:start])
        yield from _definition(lines[start:end], node, max_chars, offset + start)
        done = end
    yield "\n".join(lines[done:])


def _definition(lines: list[str], node: ast.stmt, max_chars: int, offset: int) -> Iterator[str]:
    """A definition whole; a class that is too long is cut at its methods."""
    text = "\n".join(lines)
    if not isinstance(node, ast.ClassDef) or len(text) <= max_chars:
        yield text
        return
    head = lines[node.lineno - 1 - offset].rstrip() + "\n"
    if not may_repeat(head, max_chars):
        head = ""
    parts = packed(_cut_at(lines, node.body, max_chars - len(head), offset), max_chars, "\n")
    yield next(parts)
    yield from repeating(head, parts, max_chars)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _with_comments(lines: list[str], start: int, done: int) -> int:
    while start > done and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start
