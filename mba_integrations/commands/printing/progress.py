"""A progress bar on standard error for long work, only where a person looks at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.printing.output import remarks
from mba_integrations.commands.printing.visible import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_LONG_WORK = 200
"""Shorter work is over before a bar could be read."""
_WORK_CHARS = 40


def tracked(things: Sequence[Any], work: str) -> Iterable[Any]:
    """Go through *things*; a bar shows how far it is if they are many."""
    console = remarks()
    if len(things) < _LONG_WORK or not console.is_terminal:
        return things
    return _shown(things, one_line(work, max_chars=_WORK_CHARS), console)


@contextmanager
def progress_of(work: str) -> Iterator[Callable[[int, int], None]]:
    """Gives what is told how much is done, and of how much; a bar shows it where a person looks."""
    console = remarks()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    with _bar(console) as progress:
        task = progress.add_task(one_line(work, max_chars=_WORK_CHARS), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _shown(things: Sequence[Any], work: str, console: Console) -> Iterator[Any]:
    with _bar(console) as progress:
        yield from progress.track(things, description=work)


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    # The default text of a bar is markup, which a folder called `[/x]` would break.
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), TimeRemainingColumn(), console=console, transient=True)
