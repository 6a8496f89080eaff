"""Cut Python at its docstring and definitions, a class that is too long at its methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mba_integrations.ingest.cutting import may_repeat, packed, repeating

PYTHON_SUFFIXES = frozenset({".py", ".pyi"})


def python_parts(text: str, max_chars: int) -> Iterator[str]:
    """The docstring, top-level functions and classes each, and what stands between them."""
    module = parsed(text)
    if module is None:
        yield text
        return
    lines = text.split("\n")
    start = 0
    if ast.get_docstring(module, clean=False) is not None:
        start = module.body[0].end_lineno or 0
        yield "\n".join(lines[:start])
    yield from _cut_at(lines[start:], module.body, max_chars, start)


def parsed(text: str) -> ast.Module | None:
    """The module; None if it is none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Line of the first decorator, else of the definition; from 1."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def with_comments(lines: list[str], start: int, done: int) -> int:
    """Where the comments above line *start* begin, not before *done*."""
    while start > done and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _cut_at(
    lines: list[str], body: list[ast.stmt], max_chars: int, offset: int = 0
) -> Iterator[str]:
    """Cut *lines*, the first of which is line `offset + 1` of the file, at the definitions."""
    done = 0
    for node in body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        start = with_comments(lines, first_line(node) - 1 - offset, done)
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
