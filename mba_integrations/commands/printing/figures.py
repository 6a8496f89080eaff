"""Figures of prompts under several settings, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from mba_integrations.commands.printing.tables import titled_table

_FIGURES = (
    ("needed for each 1,000 tokens", "evidence_per_1000_tokens", ",.3f"),
    ("tokens of a prompt", "mean_used_tokens", ",.0f"),
    ("cost of a prompt", "mean_cost", ",.1f"),
    ("of the budget used", "utilisation", ".1%"),
    ("shared with the prompt before", "stability", ".1%"),
)
"""What is told, as a `Side` calls it, and how it is written."""


def figures_table(title: str, names: Iterable[str]) -> Table:
    """A table without rows: what is told, and a column for each of the settings."""
    table = titled_table(title)
    table.add_column("what")
    for name in names:
        table.add_column(name, justify="right")
    return table


def add_figures(table: Table, sides: Iterable[Mapping[str, Any]]) -> None:
    """Rows of the figures of a `Side` of each of the settings, but the share of what is needed."""
    listed = list(sides)
    for what, name, form in _FIGURES:
        table.add_row(what, *(figure(one[name], form) for one in listed))


def figure(value: float | None, form: str) -> str:
    """A figure as *form* writes it; nothing where there is none."""
    return "" if value is None else format(value, form)
