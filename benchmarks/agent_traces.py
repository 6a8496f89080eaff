"""What of an agent's session comes in: which tool results, at a few budgets, by the whole call.

    python -m benchmarks.agent_traces --data ../shared/data

swe-agent-sessions: an agent reads files and edits them until an issue is solved; evidence are the
steps in which it saw the lines that the right change touches. Every step is an item of working
memory with its role, in one conversation; the query is the issue. So what is measured is one call
of the public API with the default workspace, beside the newest steps that fit.

Labels come from the last change, so they stand near the end, where newest first is strong: the
second table has only the questions with evidence outside the last four steps.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.evidence import machine
from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryPool
from mba_integrations.core.counting.tiktoken_counters import counter_for_model

SET = "swe-agent-sessions"
BUDGETS = (1024, 2048, 4096, 8192)
LAST_STEPS = 4
ROLES = {"tool_output": "tool", "task": "user"}
"""Roles by the kind of a step; other steps are said by their speaker."""


@dataclass(frozen=True, slots=True)
class Session:
    """The steps of a session, and for each question groups of steps of which one is enough."""

    items: tuple[MemoryItem, ...]
    questions: tuple[tuple[str, tuple[frozenset[str], ...]], ...]


def sessions(folder: Path, *, spoken: bool = False) -> Iterator[Session]:
    """The sessions that have questions.

    Args:
        folder: Where the set is.
        spoken: Whether the role is who speaks, so that tools are users as in the session itself.
    """
    with gzip.open(folder / f"{SET}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["queries"]:
                yield session_of(record, spoken=spoken)


def session_of(record: Mapping[str, Any], *, spoken: bool) -> Session:
    """One session."""
    items = tuple(
        MemoryItem(
            one["id"],
            one["text"],
            "working",
            source=record["pool_id"],
            position=place,
            metadata={"role": _role(one["meta"], spoken=spoken)},
        )
        for place, one in enumerate(record["items"])
        if one["text"].strip()
    )
    questions = tuple(
        (query["text"], tuple(frozenset(group) for group in query["evidence_groups"]))
        for query in record["queries"]
        if query["evidence_groups"]
    )
    return Session(items, questions)


def _role(meta: Mapping[str, Any], *, spoken: bool) -> str:
    speaker = str(meta["speaker"])
    return speaker if spoken else ROLES.get(meta["kind"], speaker)


def found(groups: Sequence[frozenset[str]], chosen: frozenset[str]) -> float:
    """Share of the groups of which a step is chosen."""
    return sum(not group.isdisjoint(chosen) for group in groups) / len(groups)


def newest_that_fit(session: Session, tokens: Mapping[str, int], budget: int) -> frozenset[str]:
    """The newest steps, back to the first that does not fit."""
    chosen: list[str] = []
    for item in reversed(session.items):
        budget -= tokens[item.id]
        if budget < 0:
            break
        chosen.append(item.id)
    return frozenset(chosen)


def recalls(session: Session, budgets: Sequence[int]) -> Iterator[tuple[bool, str, int, float]]:
    """Whether evidence stands earlier, method, budget and share of the groups, of each question."""
    allocator, pool = MemoryBudgetAllocator(), MemoryPool.from_items(session.items)
    counter = counter_for_model("gpt-4o")
    counts = counter.count_batch([f"- {item.content}\n" for item in session.items])
    tokens = dict(zip((item.id for item in session.items), counts, strict=True))
    last = frozenset(item.id for item in session.items[-LAST_STEPS:])
    for query, groups in session.questions:
        earlier = any(group.isdisjoint(last) for group in groups)
        for budget in budgets:
            ours = allocator.allocate_memory_budget(query, pool, budget_tokens=budget)
            newest = newest_that_fit(session, tokens, budget)
            yield earlier, "library", budget, found(groups, frozenset(ours.selected_ids))
            yield earlier, "newest first", budget, found(groups, newest)


def print_table(rows: Sequence[tuple[bool, str, int, float]], budgets: Sequence[int]) -> None:
    """Mean recall in percent of each method."""
    print("\n| method | " + " | ".join(map(str, budgets)) + " |")
    print("| --- |" + " --- |" * len(budgets))
    for method in dict.fromkeys(row[1] for row in rows):
        cells = []
        for budget in budgets:
            values = [value for _, name, at, value in rows if (name, at) == (method, budget)]
            cells.append(f"{100 * sum(values) / len(values):.1f}")
        print(f"| {method} | " + " | ".join(cells) + " |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="What of an agent's session comes in.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the set")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--spoken", action="store_true", help="tools speak as users")
    options = parser.parse_args(arguments)
    print(machine(), "| python -m benchmarks.agent_traces", *(arguments or sys.argv[1:]))
    rows = [
        row
        for session in sessions(options.data, spoken=options.spoken)
        for row in recalls(session, options.budgets)
    ]
    print_table(rows, options.budgets)
    earlier = [row for row in rows if row[0]]
    if earlier:
        print(f"\nEvidence outside the last {LAST_STEPS} steps:")
        print_table(earlier, options.budgets)


if __name__ == "__main__":
    main()
