"""Where the commands write: results to standard output, everything else to standard error.

Nothing else in `commands` writes to a stream, so everything passes `visible`. The one exception is
a result that a program reads, not a person: a prompt in a pipe or a file is written byte for byte.

Texts of memories are never read as markup. Characters that the terminal's encoding lacks are
escaped. Colour is rich's decision, which respects NO_COLOR and pipes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mba_integrations.commands.printing.visible import in_one_line, json_escaped, visible

_WIDTH_WITHOUT_TERMINAL = 140


class SafeConsole(Console):
    """A console that prints no character of others that steers a terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments of *renderable*; those that rich itself means as controls stay as they are."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=visible(segment.text))

    def on_broken_pipe(self) -> None:
        """Let the command end as it does when any other of its writes meets a closed pipe."""
        raise BrokenPipeError


def results() -> Console:
    """Console of standard output, as it is at this moment."""
    return _console(stderr=False)


def remarks() -> Console:
    """Console of standard error, as it is at this moment."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


def write_text(text: str) -> None:
    """Write *text* to standard output: as it is, or made visible where a person looks."""
    _write(sys.stdout, visible(text) if _is_terminal(sys.stdout) else text)


def write_line(text: str) -> None:
    """Write one line to standard output."""
    _write(sys.stdout, in_one_line(text) + "\n")


def write_json(value: Any) -> None:
    """Write *value* to standard output as JSON."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    # A lone surrogate is written as \udXXX, which is JSON's own escape.
    written = json.dumps(value, indent=2, ensure_ascii=not utf8)
    _write(sys.stdout, json_escaped(written) + "\n")


def remark(kind: str, text: str) -> None:
    """A line on standard error, such as `mba: note: ...`; further lines of it are indented.

    So a line end in a name cannot begin a line that looks like another remark.
    """
    first, *more = visible(text).split("\n")
    lines = [f"mba: {kind}: {first}", *(f"  {line.strip()}" for line in more)]
    _write(sys.stderr, "\n".join(lines) + "\n")


def note_all(notes: Iterable[str]) -> None:
    """A line on standard error for each note."""
    for note in notes:
        remark("note", in_one_line(note))


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
