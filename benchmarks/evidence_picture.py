"""Draw evidence against tokens, beside other ways to choose, from figures of `benchmarks.evidence`.

    python -m benchmarks.evidence --data DIRECTORY --out evidence.json
    python -m benchmarks.evidence_picture evidence.json docs/images/evidence.png

Needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

SETS = {
    "realtalk": "chats of weeks between two people",
    "2wikimultihopqa-merged": "questions of several steps to documents",
}
OURS = "usefulness, tokens"
PEERS = {
    "mem0 scoring": "mem0's scoring",
    "RRF": "BM25 and embedding, RRF",
    "BM25": "BM25",
    "embedding top-k": "embedding top-k",
    "newest first": "newest first",
}
SHOWN = (256, 512, 1024, 2048, 4096)


def draw(figures: Mapping[str, Any], path: Path) -> None:
    """Write a PNG with a panel for each of `SETS`.

    Args:
        figures: What `benchmarks.evidence --out` writes.
        path: The file.
    """
    made = import_module("matplotlib.figure").Figure(figsize=(9, 3.8), layout="constrained")
    panels = made.subplots(1, len(SETS), sharey=True)
    for axes, (name, title) in zip(panels, SETS.items(), strict=True):
        methods = figures["sets"][name]["methods"]
        for method, label in PEERS.items():
            if method in methods:
                axes.plot(figures["budgets"], methods[method]["recall"], "--", lw=1.2, label=label)
        axes.plot(
            figures["budgets"], methods[OURS]["recall"], color="black", lw=2.5, label="this library"
        )
        axes.set_xscale("log", base=2)
        axes.set_xticks(SHOWN, [f"{budget:,}" for budget in SHOWN])
        axes.set(xlabel="tokens", title=title, ylim=(0, 100))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("evidence in the prompt, %")
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles[::-1], labels[::-1], loc="outside right center", fontsize="small")
    made.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Draw evidence against tokens.")
    parser.add_argument("figures", type=Path, help="the JSON file of benchmarks.evidence --out")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    options = parser.parse_args(arguments)
    draw(json.loads(options.figures.read_text(encoding="utf-8")), options.picture)


if __name__ == "__main__":
    main()
