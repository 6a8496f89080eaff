"""Cut code with blocks at its definitions, one that is too long at those within it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mba_integrations.ingest.code.blocks import DEEPEST, Definition, definitions_in
from mba_integrations.ingest.cutting import may_repeat, packed, repeating


def block_parts(text: str, max_chars: int) -> Iterator[str]:
    """Definitions each, and what stands between them.

    >>> list(block_parts("import a\\nfn f() {\\n  1\\n}\\nfn g() {\\n  2\\n}", 100))
    ['import a', 'fn f() {\\n  1\\n}', 'fn g() {\\n  2\\n}', '']
    """
    lines = text.split("\n")
    return _cut(lines, 0, len(lines), max_chars, DEEPEST)


def _cut(lines: Sequence[str], start: int, end: int, max_chars: int, depth: int) -> Iterator[str]:
    done = start
    for one in definitions_in(lines, start, end):
        if one.start > done:
            yield "\n".join(lines[done : one.start])
        yield from _definition(lines, one, max_chars, depth)
        done = one.end
    yield "\n".join(lines[done:end])


def _definition(lines: Sequence[str], one: Definition, max_chars: int, depth: int) -> Iterator[str]:
    """A definition whole; one that is too long in parts that repeat the line that names it."""
    text = "\n".join(lines[one.start : one.end])
    if len(text) <= max_chars or depth == 1:
        yield text
        return
    head = lines[one.head].rstrip() + "\n"
    if not may_repeat(head, max_chars):
        head = ""
    room = max_chars - len(head)
    named = "\n".join(lines[one.start : one.head + 1])
    within = _cut(lines, one.head + 1, one.end, room, depth - 1)
    parts = packed((named, *within), room, "\n")
    yield next(parts)
    yield from repeating(head, parts, max_chars)
