"""How often the words of an answer tell what it used.

    python -m benchmarks.feedback_overlap FOLDER

FOLDER has evidence sets as JSON lines (see `evidence_data`). The reference answer stands for a
model's, the evidence for what it used; prompts have 1,024 tokens.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.services.memory.feedback.judging import by_overlap

SETS = {"realtalk": 4, "beam-100k": 5, "musique-train-merged": 1, "qasper-goldpool": 60}
"""Pools that are read of each."""
_QUERIES = 40
_BUDGET = 1_024


def pools(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """The first pools of a set."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in islice(lines, count))


def judged(pool: dict[str, Any]) -> Iterator[tuple[bool | None, bool]]:
    """For each memory of a pool's prompts what its answer says, and whether it is evidence."""
    items = [MemoryItem(one["id"], one["text"], "long_term") for one in pool["items"]]
    allocator = MemoryBudgetAllocator()
    for query in pool["queries"][:_QUERIES]:
        if not query.get("answer") or not query["evidence"]:
            continue
        chosen = allocator.allocate_memory_budget(query["text"], items, budget_tokens=_BUDGET)
        texts = {one.item.id: one.item.content for one in chosen.selected}
        for one in by_overlap(texts, str(query["answer"]), query["text"]):
            yield one.useful, one.memory_id in query["evidence"]


def row(name: str, found: list[tuple[bool | None, bool]]) -> str:
    """A line of the table in docs/learning.md."""
    cells = [f"{len(found):,}", share([right for _, right in found])]
    for useful in (True, False):
        rights = [right for said, right in found if said is useful]
        cells.append(f"{share(rights)} of {len(rights):,}")
    return f"| {name} | " + " | ".join(cells) + " |"


def share(rights: list[bool]) -> str:
    """Percent that are evidence."""
    return f"{100 * sum(rights) / max(1, len(rights)):.1f} %"


if __name__ == "__main__":
    for name, count in SETS.items():
        path = Path(sys.argv[1]) / f"{name}.jsonl.gz"
        print(row(name, [one for pool in pools(path, count) for one in judged(pool)]), flush=True)
