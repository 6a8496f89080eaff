"""Definitions in code of any language whose blocks are indented, found without a grammar.

A block begins at a line that is indented no further than any around it, and goes on until the next
such line that neither closes nor opens a brace. It is a definition if it has a body and its first
line names something; comments and attributes right above it belong to it.

    // Adds.                 definition, lines 1-4, "add"
    int add(int a, int b)
    {
        return a + b; }
    int limit = 3;           no definition: no body

Costs one pass over the lines for each level of nesting, at most `DEEPEST`. Code that is not
indented by its blocks has fewer definitions, and is cut at blank lines then; nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

BLOCK_SUFFIXES = frozenset(
    {".c", ".cc", ".cpp", ".cs", ".dart", ".ex", ".exs", ".go", ".gradle", ".graphql", ".h"}
    | {".hpp", ".java", ".jl", ".js", ".jsx", ".kt", ".kts", ".lua", ".m", ".mjs", ".nim"}
    | {".php", ".proto", ".ps1", ".pyx", ".r", ".rb", ".rs", ".scala", ".swift", ".tf", ".ts"}
    | {".tsx", ".zig", ".sh", ".bash", ".zsh", ".css", ".scss", ".less"}
)
DEEPEST = 4
"""Namespace, class, method, and a function within; what is nested deeper is cut by length."""
_NAMED_WITHIN = 300
"""Characters of a line in which a name is looked for."""

_GOES_ON = re.compile(
    r"[\]})>{]|\*/|(?:end|else|elif|elsif|elseif|done|fi|esac|then|do|begin|rescue|ensure|except"
    r"|catch|finally|where|with)\b"
)
_ABOVE = re.compile(r"//|/\*|\*|#|--|@|\[|;;|\"\"\"|%|template\b")
_TYPE = re.compile(
    r"\b(?:class|struct|enum|interface|trait|module|namespace|object|protocol|extension|record"
    r"|union|message|service|type|actor|defmodule|resource|mod)\s+\"?([A-Za-z_][\w.:]*)"
)
_IMPL = re.compile(r"\bimpl\b(?:<[^>]*>)?\s+(?:[\w:<>, ]+\sfor\s+)?([A-Za-z_]\w*)")
_FUNCTION = re.compile(
    r"\b(?:func|fn|def|defp|function|fun|sub|proc|macro|task)\b\s*(?:\([^)]*\)\s*)?\*?\s*"
    r"([A-Za-z_$][\w$.:?!]*)"
)
_ASSIGNED = re.compile(r"\b(?:const|let|var|val|local)\s+([A-Za-z_$][\w$]*)\s*[=:]")
_CALLED = re.compile(r"([A-Za-z_$~][\w$~]*(?:::[\w~]+)*)\s*\(")
_NO_NAMES = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "elif", "match", "sizeof"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Lines of a definition, counted from 0; `end` is the line after it.

    Attributes:
        start: First line, comments above it included.
        head: The line that names it.
        end: Line after its last.
        name: What it is called.
    """

    start: int
    head: int
    end: int
    name: str


def definitions_in(lines: Sequence[str], start: int, end: int) -> Iterator[Definition]:
    """Outermost definitions among the lines from *start* up to *end*, in order.

    >>> [one.name for one in definitions_in(["fn a() {", "  1", "}", "let b = 2;"], 0, 4)]
    ['a']
    """
    starts = [*_block_starts(lines, start, end), end]
    above = starts[0]
    for place, after in pairwise(starts):
        if not _ABOVE.match(lines[place].lstrip()):
            last = _last_line(lines, place, after)
            name = _name_of(lines[place])
            if last > place and name:
                yield Definition(start=above, head=place, end=last + 1, name=name)
            above = after
        elif not (lines[after - 1].strip() or after == end):
            above = after


def nested_definitions(lines: Sequence[str], depth: int = DEEPEST) -> Iterator[Definition]:
    """All definitions, each before those in it, under names such as `A.f`."""
    yield from _nested(lines, 0, len(lines), "", depth)


def _nested(
    lines: Sequence[str], start: int, end: int, outer: str, depth: int
) -> Iterator[Definition]:
    for one in definitions_in(lines, start, end):
        name = f"{outer}.{one.name}" if outer else one.name
        yield Definition(start=one.start, head=one.head, end=one.end, name=name)
        if depth > 1:
            yield from _nested(lines, one.head + 1, one.end, name, depth - 1)


def _block_starts(lines: Sequence[str], start: int, end: int) -> list[int]:
    """Lines that begin a block: the least indented ones that go on with none."""
    indents = {
        place: len(line) - len(bare)
        for place in range(start, end)
        if (bare := (line := lines[place].expandtabs(4)).lstrip()) and not _GOES_ON.match(bare)
    }
    least = min(indents.values(), default=0)
    return [place for place, indent in indents.items() if indent == least]


def _last_line(lines: Sequence[str], place: int, after: int) -> int:
    while after - 1 > place and not lines[after - 1].strip():
        after -= 1
    return after - 1


def _name_of(line: str) -> str:
    head = line[:_NAMED_WITHIN]
    found = [match for pattern in (_TYPE, _IMPL, _FUNCTION) if (match := pattern.search(head))]
    if found:
        return min(found, key=lambda match: match.start())[1].rstrip(":.")
    assigned = _ASSIGNED.search(head)
    if assigned:
        return assigned[1]
    called = (match[1] for match in _CALLED.finditer(head))
    return next((name for name in called if name not in _NO_NAMES), "")
