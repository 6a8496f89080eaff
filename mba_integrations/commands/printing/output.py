"""Where the commands write: results to standard output, everything else to standard error.

Texts of memories are never read as markup. Characters that the terminal's encoding lacks are
escaped. Colour is rich's decision, which respects NO_COLOR and pipes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console

_WIDTH_WITHOUT_TERMINAL = 140


def results() -> Console:
    """Console of standard output, as it is at this moment."""
    return _console(stderr=False)


def remarks() -> Console:
    """Console of standard error, as it is at this moment."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


def write_text(text: str) -> None:
    """Write *text* to standard output as it is."""
    _write(sys.stdout, text)


def write_json(value: Any) -> None:
    """Write *value* to standard output as JSON."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    # A lone surrogate is written as \udXXX, which is JSON's own escape.
    _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=not utf8) + "\n")


def remark(kind: str, text: str) -> None:
    """One line on standard error, such as `mba: note: ...`."""
    _write(sys.stderr, f"mba: {kind}: {text}\n")


def note_all(notes: Iterable[str]) -> None:
    """A line on standard error for each note."""
    for note in notes:
        remark("note", note)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
