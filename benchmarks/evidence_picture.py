"""Draw evidence against tokens, beside other ways to choose, from the tables of docs/evidence.md.

    python -m benchmarks.evidence_picture docs/evidence.md docs/images/evidence.png

The tables are what `python -m benchmarks.evidence` prints. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

BUDGETS = (256, 512, 1024, 2048, 4096)
SETS = {
    "realtalk": "ten chats of weeks between two people",
    "beam-100k": "twenty long chats with an assistant",
}
OURS = "**usefulness, tokens**"
PEERS = {
    "mem0's scoring": "mem0's scoring",
    "RRF": "BM25 and embedding (RRF)",
    "BM25": "BM25",
    "embedding top-k": "embedding top-k",
    "newest first": "newest first",
}


def curves_of(page: str, name: str) -> dict[str, list[float]]:
    """Recall in percent at each of `BUDGETS` by selection, of the first table behind a set's name.

    Raises:
        ValueError: If a selection that is drawn has no row, or a row another number of figures.
    """
    table = page[page.index(f"\n{name}: ") :].split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    # The last column is another measure, and an interval stands behind some figures.
    found = {
        first: [float(re.split(r" \[", cell)[0]) for cell in rest[: len(BUDGETS)]]
        for first, *rest in rows[2:]
    }
    for one in (OURS, *PEERS):
        if len(found.get(one, ())) != len(BUDGETS):
            raise ValueError(f"{name} has no row {one!r} with {len(BUDGETS)} figures")
    return found


def draw(curves: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Write a PNG with a panel for each set.

    Args:
        curves: By set, recall in percent at each of `BUDGETS` by selection.
        path: The file.
    """
    figure = import_module("matplotlib.figure").Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, len(curves), sharey=True)
    for axes, (name, rows) in zip(panels, curves.items(), strict=True):
        for row, label in PEERS.items():
            axes.plot(BUDGETS, rows[row], "--", lw=1.2, label=label)
        axes.plot(BUDGETS, rows[OURS], color="black", lw=2.5, label="this library")
        axes.set_xscale("log", base=2)
        axes.set_xticks(BUDGETS, [f"{budget:,}" for budget in BUDGETS])
        axes.set(xlabel="tokens of the prompt", ylim=(0, 100))
        axes.set_title(SETS[name], fontsize="medium")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("evidence that is in it, %")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", fontsize="small")
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="docs/evidence.md")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    options = parser.parse_args(arguments)
    page = options.page.read_text(encoding="utf-8")
    draw({name: curves_of(page, name) for name in SETS}, options.picture)


if __name__ == "__main__":
    main()
