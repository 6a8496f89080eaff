"""Draw what the stability benchmark measured: reusable prefix and cost by method and budget."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

Figures = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
"""By set, budget, method and measure."""


def draw(figures: Figures, folder: Path) -> None:
    """Write one PNG for each set.

    Args:
        figures: What was measured.
        folder: Where to. Needs matplotlib.
    """
    for name, budgets in figures.items():
        _bars(name, budgets, folder / f"stability-{name}.png")


def _bars(name: str, budgets: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    figure = import_module("matplotlib.figure").Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    methods = list(next(iter(budgets.values())))
    width = 0.8 / len(methods)
    for place, method in enumerate(methods):
        at = [number + (place - len(methods) / 2) * width for number in range(len(budgets))]
        prefix = [rows[method]["prefix"] for rows in budgets.values()]
        ratio = [rows[method]["free_ratio"] for rows in budgets.values()]
        axes[0].bar(at, prefix, width, label=method, align="edge")
        axes[1].bar(at, ratio, width, align="edge")
    titles = ("share of tokens in the reusable prefix", "cost of a turn, of choosing anew")
    for one, title in zip(axes, titles, strict=True):
        one.set_xticks(range(len(budgets)), [f"{int(budget):,}" for budget in budgets])
        one.set_xlabel(f"{name}: budget in tokens")
        one.set_title(title, fontsize="medium")
        one.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=len(methods), fontsize="x-small")
    figure.savefig(path, dpi=110)
