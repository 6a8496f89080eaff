"""Cut a file into pieces that make sense alone.

Markdown is cut at its headings, Python at its docstring and top-level definitions, anything else
not at all. A piece longer than `max_chars` is cut further: at blank lines, then at lines, then
anywhere; the parts of a long section repeat its heading, those of a long class its first line.

Nothing is lost but blank lines around pieces. Linear in the length of the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath

MAX_CHARS = 2000
"""About 500 tokens of English or code: several pieces fit a tier of a small workspace."""

_HEADING = re.compile(r"#{1,6}\s+\S")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_MARKDOWN = frozenset({".md", ".markdown", ".mdx"})


def chunks(text: str, *, path: str, max_chars: int = MAX_CHARS) -> list[str]:
    """Pieces of a file, in order; none is blank or longer than *max_chars*.

    Args:
        text: The whole file.
        path: Its name; the suffix decides how it is cut.
        max_chars: Longest piece, >= 1.

    >>> chunks("# A\\n\\none\\n\\n# B\\n\\ntwo\\n", path="notes.md")
    ['# A\\n\\none', '# B\\n\\ntwo']
    """
    suffix = PurePath(path).suffix.lower()
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    parts: Iterator[str]
    if suffix in _MARKDOWN:
        parts = (piece for part in _sections(whole) for piece in _section(part, max_chars))
    elif suffix in (".py", ".pyi"):
        parts = _definitions(whole, max_chars)
    else:
        parts = iter([whole])
    pieces = (piece for part in parts for piece in _bounded(part, max_chars))
    return [piece for piece in (_trimmed(piece) for piece in pieces) if piece]


def _trimmed(piece: str) -> str:
    """Without blank lines around; the indentation of the first line stays."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", piece).rstrip()


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
    room = max_chars - len(heading) - 2
    if len(text) <= max_chars or not _HEADING.match(heading) or room < 1 or not body.strip():
        yield text
    else:
        yield from _repeating(f"{heading}\n\n", _bounded(_trimmed(body), room), max_chars)


def _repeating(head: str, parts: Iterable[str], max_chars: int) -> Iterator[str]:
    """Each part after *head*, where both are within *max_chars*."""
    for part in parts:
        yield head + part if part.strip() and len(head) + len(part) <= max_chars else part


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
    parts = _packed(_cut_at(lines, node.body, max_chars - len(head), offset), max_chars, "\n")
    yield next(parts)
    yield from _repeating(head, parts, max_chars)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _with_comments(lines: list[str], start: int, done: int) -> int:
    while start > done and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _bounded(text: str, max_chars: int) -> Iterator[str]:
    """Cut at blank lines, then at lines, then anywhere, into pieces of at most *max_chars*."""
    if len(text) <= max_chars:
        yield text
        return
    cuts: tuple[tuple[Callable[[str], Iterable[str]], str], ...] = (
        (_paragraphs, "\n\n"),
        (lambda part: part.split("\n"), "\n"),
        (lambda part: _slices(part, max_chars), ""),
    )
    for cut, joint in cuts:
        parts = list(cut(text))
        if len(parts) > 1:
            for piece in _packed(parts, max_chars, joint):
                yield from _bounded(piece, max_chars)
            return


def _paragraphs(text: str) -> Iterator[str]:
    held: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            held.append(line)
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _slices(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


def _packed(parts: Iterable[str], max_chars: int, joint: str) -> Iterator[str]:
    """Join neighbours as long as they stay within *max_chars*."""
    held: list[str] = []
    length = 0
    for part in parts:
        grown = length + len(part) + (len(joint) if held else 0)
        if held and grown > max_chars:
            yield joint.join(held)
            held, grown = [], len(part)
        held.append(part)
        length = grown
    if held:
        yield joint.join(held)
