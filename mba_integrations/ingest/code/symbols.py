"""Which definition a line range of a code file belongs to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mba_integrations.ingest.code.blocks import BLOCK_SUFFIXES, Definition, nested_definitions
from mba_integrations.ingest.code.python import (
    PYTHON_SUFFIXES,
    first_line,
    parsed,
    with_comments,
)


class Symbols:
    """The definitions of one file.

    >>> Symbols("class A:\\n    def f(self):\\n        pass\\n", ".py").at(2, 3)
    'A.f'
    """

    def __init__(self, text: str, suffix: str) -> None:
        self._found: list[Definition] = []
        self._innermost: list[int] = []
        if suffix not in PYTHON_SUFFIXES | BLOCK_SUFFIXES:
            return
        lines = text.split("\n")
        self._found = list(_definitions(text, lines, suffix))
        self._innermost = [-1] * len(lines)
        for place, one in enumerate(self._found):  # those within come later
            self._innermost[one.start : one.end] = [place] * (one.end - one.start)

    def at(self, first: int, last: int) -> str:
        """Name of the innermost definition that has all lines from *first* to *last*, else empty.

        Lines count from 1.
        """
        place = self._innermost[first - 1] if self._found else -1
        while place >= 0:
            one = self._found[place]
            if one.start < first and last <= one.end:
                return one.name
            place -= 1
        return ""


def _definitions(text: str, lines: list[str], suffix: str) -> Iterator[Definition]:
    if suffix in PYTHON_SUFFIXES:
        module = parsed(text)
        if module is not None:
            yield from _of_python(lines, module.body, "")
    elif suffix in BLOCK_SUFFIXES:
        yield from nested_definitions(lines)


def _of_python(lines: list[str], body: list[ast.stmt], outer: str) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{outer}.{node.name}" if outer else node.name
            start = with_comments(lines, first_line(node) - 1, 0)
            end = node.end_lineno or node.lineno
            yield Definition(start=start, head=node.lineno - 1, end=end, name=name)
            yield from _of_python(lines, node.body, name)
