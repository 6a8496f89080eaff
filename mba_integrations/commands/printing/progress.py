"""A progress bar on standard error for long work, only where a person looks at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.progress import track

from mba_integrations.commands.printing.output import remarks

_LONG_WORK = 200
"""Shorter work is over before a bar could be read."""


def tracked(things: Sequence[Any], work: str) -> Iterable[Any]:
    """Go through *things*; a bar shows how far it is if they are many."""
    console = remarks()
    if len(things) < _LONG_WORK or not console.is_terminal:
        return things
    return track(things, description=work, console=console, transient=True)
