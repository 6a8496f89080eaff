"""Traffic of a workspace whose settings are wrong on purpose, as records to replay.

A question asks for one old fact, and says three of its words. Newer chatter says two of them. So
relevance finds the fact, and freshness with a half-life of a day the chatter. Nothing is a
document, and most of the budget is for documents.

    python -m benchmarks.tuning_traffic

tunes this workspace three times: as it is; beginning with the shipped settings, so that the search
finds them or others by itself; and with turns that follow each other in sessions of ten, where what
a prompt shares with the one before it is cheaper.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.learning.gate.comparison import Side, side_of
from mba_integrations.learning.replay.records import Decided, Feedback, ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.learning.tuning.space import shipped
from mba_integrations.learning.tuning.tune import tune

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_PEOPLE = ("Kate", "Ben", "Mina", "Otto", "Lena")
_THINGS = ("bicycle", "kitchen", "garden", "piano", "camera", "ferry")
_ANSWERS = ("copper", "velvet", "maple", "granite", "amber")
WRONG: Mapping[str, Any] = {
    "scoring_method": "weighted_sum",
    "relevance_weight": 0.2,
    "importance_weight": 0.1,
    "freshness_weight": 0.7,
    "half_life_days": 1.0,
    "working_memory_pct": 0.0,
    "project_memory_pct": 0.0,
    "long_term_memory_pct": 0.4,
    "rag_memory_pct": 0.6,
    "borrowing": False,
}


def wrong_config() -> WorkspaceConfig:
    """The settings that are wrong on purpose."""
    return WorkspaceConfig(workspace_id="kate").with_changes(**WRONG)


def memories(now: datetime = NOW) -> tuple[MemoryItem, ...]:
    """30 facts that are a year old, and as much chatter of these days."""
    facts = [
        MemoryItem(
            f"fact-{who}-{what}".lower(),
            f"{who} bought a {_ANSWERS[(place + number) % len(_ANSWERS)]} {what} for the house.",
            MemoryTier.LONG_TERM,
            created_at=now - timedelta(days=365 + number),
        )
        for number, who in enumerate(_PEOPLE)
        for place, what in enumerate(_THINGS)
    ]
    chatter = [
        MemoryItem(
            f"chatter-{number}",
            f"{_PEOPLE[number % 5]} saw a {_THINGS[number % 6]} in the street on walk {number}.",
            MemoryTier.LONG_TERM,
            created_at=now - timedelta(hours=number),
        )
        for number in range(30)
    ]
    return (*facts, *chatter)


def traffic(count: int, *, seed: int = 0, per_session: int = 10) -> list[ReplayRecord]:
    """As many questions with the fact that each needs, ten to a session; a tenth has no label."""
    lots = random.Random(seed)
    candidates = memories()
    settings = wrong_config().model_dump(mode="json")
    found = []
    for number in range(count):
        who, what = lots.choice(_PEOPLE), lots.choice(_THINGS)
        needed = f"fact-{who}-{what}".lower()
        said = Feedback(memory_id=needed, useful=True, origin="overlap", weight=0.5)
        found.append(
            ReplayRecord(
                allocation_id=f"a{number:05}",
                workspace_id="kate",
                at=NOW + timedelta(minutes=number),
                settings=settings,
                decided=Decided(tokens={}, used_tokens=0, counter_id="none"),
                budget_tokens=250,
                budget_given=True,
                session_id=f"s{number // per_session}",
                query=f"What is the {what} made of that {who} bought?",
                candidates=candidates,
                feedback=(said,) if lots.random() < 0.9 else (),
            )
        )
    return found


def with_shuffled_labels(records: list[ReplayRecord], seed: int) -> list[ReplayRecord]:
    """Each label on a memory that is drawn from all candidates."""
    lots = random.Random(seed)
    return [
        replace(
            one,
            feedback=tuple(
                replace(said, memory_id=lots.choice(one.candidates).id) for said in one.feedback
            ),
        )
        for one in records
    ]


def following(records: list[ReplayRecord], *, per_session: int = 10) -> list[ReplayRecord]:
    """The records with turns that follow the one before them in their session."""
    before = PreviousPrompt(workspace_id="kate", layout_id="", text="", items=()).to_dict()
    return [
        one if place % per_session == 0 else replace(one, previous=before)
        for place, one in enumerate(records)
    ]


def _side(name: str, side: Side) -> None:
    print(
        f"{name}: evidence {side.evidence:.0%}, {side.evidence_per_1000_tokens:.2f} for each "
        f"1,000 tokens, tokens {side.mean_used_tokens:.1f}, cost {side.mean_cost:.1f}, "
        f"stability {side.stability}",
        flush=True,
    )


def _tuned(name: str, records: list[ReplayRecord], config: WorkspaceConfig, trials: int) -> None:
    found = tune(records, config, trials=trials)
    print(f"{name}: {found.verdict.answer.value}; {' '.join(found.verdict.reasons)}")
    print(f"  {found.changes}")
    if found.verdict.comparison is not None:
        _side("  before", found.verdict.comparison.before)
        _side("  after", found.verdict.comparison.after)


def main() -> None:
    """Tune and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recalls", type=int, default=300)
    parser.add_argument("--trials", type=int, default=8)
    given = parser.parse_args()
    records, wrong = traffic(given.recalls), wrong_config()
    turns = following(records)
    for name, config in (
        ("wrong on purpose", wrong),
        ("shipped", shipped(wrong)),
        ("shipped, stability 0", shipped(wrong).with_changes(stability=0.0)),
    ):
        _side(f"sessions of ten, {name}", side_of(Bench().outcomes(turns[:60], config)))
    _tuned("wrong on purpose", records, wrong, given.trials)
    _tuned("begins with shipped", records, WorkspaceConfig(workspace_id="kate"), given.trials)
    _tuned("wrong on purpose, sessions of ten", turns, wrong, given.trials)


if __name__ == "__main__":
    main()
