"""Draw how time grows with the number of items, from what the speed benchmark measured."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

_PEERS = ("LangChain", "LlamaIndex")


def draw(curves: Mapping[str, Mapping[int, float]], path: str) -> None:
    """Write a PNG of the curves with two sizes or more, both axes logarithmic.

    Args:
        curves: By name, CPU milliseconds by number of items.
        path: The file. Needs matplotlib.
    """
    figures = import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for name, times in curves.items():
        if len(times) > 1:
            style = "--" if name.startswith(_PEERS) else "-"
            axes.loglog(list(times), list(times.values()), style, marker="o", ms=3, label=name)
    axes.set_xlabel("items")
    axes.set_ylabel("CPU milliseconds")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=110)
