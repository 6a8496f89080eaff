"""Dates in the lines of items that cannot be read rightly without.

A date is written as the line template `[{date}] {text}` writes it: by the item that is shown in
place of the one handed in, so that its line is counted as it stands. Where the workspace has a
template of its own, or a layout, nothing is added. Pinned and grouped items and the conversation
stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.selection.problem import SelectionProblem


def with_dates(problem: SelectionProblem, rows: Iterable[int]) -> SelectionProblem:
    """The problem in which the items at some rows have their date before their text."""
    shown = {row: dated(problem.snapshot.items[row]) for row in rows if _may(problem, row)}
    return problem.showing(shown) if shown else problem


def dated(item: MemoryItem) -> MemoryItem:
    """The item with its date before its text, if it has one."""
    if item.created_at is None:
        return item
    return replace(item, content=f"[{item.created_at.date().isoformat()}] {item.content.lstrip()}")


def is_dated(shown: str, item: MemoryItem) -> bool:
    """Whether a text that is shown is the whole item with its date."""
    return item.created_at is not None and shown == dated(item).content


def _may(problem: SelectionProblem, row: int) -> bool:
    item = problem.snapshot.items[row]
    layout = problem.layout
    return (
        isinstance(layout, Renderer)
        and layout.settings.template_of(item.tier) == "{text}"
        and item.tier is not MemoryTier.WORKING
        and item.created_at is not None
        and item.group is None
        and not item.pinned
    )
