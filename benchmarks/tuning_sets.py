"""Tuning on sets made into traffic, without a service: `python -m benchmarks.tuning_sets`.

As `tuning_round`, with records made by the allocator itself, each chat a list of candidates of its
own: the same questions, sessions, budgets, answers and later traffic. Nothing is stored or staged.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks.tuning_round import (
    BEGINNINGS,
    BUDGET,
    LEARNED_FROM,
    NOW,
    Question,
    chats_of,
    cited_of,
    labels_of,
    later_line,
    memories_of,
    questions_of,
    run,
)
from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryPool, PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.comparison import compare
from mba_integrations.learning.replay.records import Decided, Feedback, ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.learning.tuning.tune import tune


def asked(
    questions: Sequence[Question],
    chats: dict[str, tuple[MemoryItem, ...]],
    config: WorkspaceConfig,
    seed: int,
) -> Iterator[tuple[ReplayRecord, frozenset[str]]]:
    """A record of each question with what its answer cites, and what it needs."""
    lots, allocator = random.Random(seed), MemoryBudgetAllocator()
    allocator.register_workspace(config)
    pools = {name: MemoryPool.from_items(items) for name, items in chats.items()}
    before: dict[str, PreviousPrompt] = {}
    for number, one in enumerate(questions):
        at, previous = NOW + timedelta(minutes=number), before.get(one.session)
        found = allocator.allocate_memory_budget(
            *(one.text, pools[one.chat], config.workspace_id, BUDGET, None, at, previous)
        )
        before[one.session] = found.as_previous
        cited = cited_of(found.selected_ids, one, lots)
        said = [(memory_id, memory_id in cited) for memory_id in found.selected_ids if cited]
        record = ReplayRecord(
            allocation_id=f"a{number:05}",
            workspace_id=config.workspace_id,
            at=at,
            settings=config.model_dump(mode="json"),
            decided=Decided(
                tokens=dict.fromkeys(found.selected_ids),
                used_tokens=found.used_tokens,
                counter_id=found.counter_id,
            ),
            budget_tokens=BUDGET,
            budget_given=True,
            session_id=one.session,
            query=one.text,
            candidates=chats[one.chat],
            previous=None if previous is None else previous.to_dict(),
            feedback=tuple(
                Feedback(
                    memory_id=memory_id,
                    useful=useful,
                    origin="cited",
                    weight=1.0 if useful else 0.5,
                )
                for memory_id, useful in said
            ),
        )
        yield record, one.needed


def measured(folder: Path, name: str, beginning: str, *, trials: int, seed: int) -> None:
    """Tune on a set and print what came of it."""
    began = time.perf_counter()
    found = chats_of(folder, name)
    chats = {chat["pool_id"]: tuple(memories_of(chat)) for chat in found}
    config = WorkspaceConfig(workspace_id="w").with_changes(**BEGINNINGS[beginning])
    made = list(asked(questions_of(found), chats, config, seed))
    tuned = tune([one for one, _ in made[:LEARNED_FROM]], config, trials=trials, seed=seed)
    later = [replace(one, feedback=labels_of(needed)) for one, needed in made[LEARNED_FROM:]]
    bench = Bench()
    beside = compare(bench.outcomes(later, config), bench.outcomes(later, tuned.config))
    print(f"{name}, begins with {beginning}: {tuned.verdict.answer.value}")
    print(f"  {' '.join(tuned.verdict.reasons)}")
    print(f"  changes: {json.dumps(tuned.changes)}")
    print(f"  {len(later)} later: {later_line(beside)}; {time.perf_counter() - began:,.0f} s")
    sys.stdout.flush()


if __name__ == "__main__":
    run(__doc__, measured)
