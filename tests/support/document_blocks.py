"""Fenced blocks of a page, with their languages and lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, its code, and the line that the code starts on."""

    language: str
    code: str
    line: int


def blocks_of(text: str) -> Iterator[Block]:
    for found in BLOCK.finditer(text):
        indent = found["indent"]
        code = "".join(line.removeprefix(indent) for line in found["code"].splitlines(True))
        line = text.count("\n", 0, found.start("code")) + 1
        yield Block(language=found["language"].strip(), code=code, line=line)
