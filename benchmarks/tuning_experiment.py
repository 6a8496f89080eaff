"""An experiment on a set made into traffic: `python -m benchmarks.tuning_experiment --data DIR`.

The questions of all chats of realtalk, as in `tuning_round`: five to a session, 1,024 tokens, and
answers made of the labels with noise. The workspace begins with a guess, the weighted sum of
relevance, importance and freshness with a half-life of 30 days; half of the sessions are decided
under the shipped settings instead, until so many recalls have feedback. Feedback comes only of
answers that cite something. The questions after those are decided under both settings and counted
by all labels of the set. The allocator is asked itself, without a service: each chat is a list of
candidates of its own.

The runs A/A have the same settings in both arms. They cost no recall: sessions are drawn from those
that had the usual settings, and dealt out by other experiments' ids.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evidence import machine
from benchmarks.evidence_data import records as pools_of
from benchmarks.tuning_round import (
    BEGINNINGS,
    BUDGET,
    NOW,
    Question,
    cited_of,
    later_line,
    memories_of,
    questions_of,
)
from mba_integrations import MemoryBudgetAllocator, MemoryPool, PreviousPrompt
from mba_integrations.core.config.learned.experiment import ExperimentSettings
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.gate.arms import ArmsVerdict, Sent, judge_arms
from mba_integrations.learning.gate.bootstrap import Interval
from mba_integrations.learning.gate.comparison import compare
from mba_integrations.learning.gate.outcomes import Outcome
from mba_integrations.learning.gate.verdict import Answer

SET, GUESS = "realtalk", BEGINNINGS["guess"]
ROUNDS = 1_000
"""Of the bootstrap of a run A/A."""


class Desk:
    """Answers the questions of chats, each after the prompt before it in its session.

    Args:
        pools: The memories of the chats.
    """

    def __init__(self, pools: Mapping[str, MemoryPool]) -> None:
        self._pools = pools
        self._allocator = MemoryBudgetAllocator()
        self._before: dict[str, PreviousPrompt] = {}

    def asked(
        self, number: int, one: Question, config: WorkspaceConfig
    ) -> tuple[Allocation, PreviousPrompt | None]:
        """What a question gets under settings, and the prompt before it."""
        self._allocator.register_workspace(config)
        previous, at = self._before.get(one.session), NOW + timedelta(minutes=number)
        found = self._allocator.allocate_memory_budget(
            *(one.text, self._pools[one.chat], config.workspace_id, BUDGET, None, at, previous)
        )
        self._before[one.session] = found.as_previous
        return found, previous


def shipped_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings as the package ships them."""
    shipped = WorkspaceConfig(workspace_id="w").model_dump(mode="json")
    return {name: shipped[name] for name in settings}


def tried(
    questions: Sequence[Question], desk: Desk, config: WorkspaceConfig, *, recalls: int, seed: int
) -> tuple[list[Sent], list[Sent]]:
    """What both arms saw until so many recalls had feedback; the usual arm first."""
    lots, judged = random.Random(seed), 0
    arms: tuple[list[Sent], list[Sent]] = ([], [])
    for number, one in enumerate(questions):
        dealt = config.dealt(one.session)
        sent = _sent(one, *desk.asked(number, one, dealt), lots)
        arms[dealt != config.usual].append(sent)
        judged += sent.is_judged
        if judged == recalls:
            break
    return arms


def _sent(
    one: Question, found: Allocation, previous: PreviousPrompt | None, lots: random.Random
) -> Sent:
    cited = cited_of(found.selected_ids, one, lots)
    return Sent(
        session=one.session,
        used_tokens=found.used_tokens,
        budget_tokens=found.budget_tokens,
        cost=found.estimated_cost(previous),
        stable_prefix_tokens=None if previous is None else found.stable_prefix_tokens,
        useful=float(len(cited)),
        positives=len(cited),
        is_judged=bool(cited),
    )


def later(
    questions: Sequence[Question], pools: Mapping[str, MemoryPool], config: WorkspaceConfig
) -> list[Outcome]:
    """What later questions come to under settings, by all labels of the set."""
    desk = Desk(pools)
    return [
        _outcome(number, one, *desk.asked(number, one, config))
        for number, one in enumerate(questions)
    ]


def _outcome(
    number: int, one: Question, found: Allocation, previous: PreviousPrompt | None
) -> Outcome:
    return Outcome(
        allocation_id=f"a{number:05}",
        workspace_id="w",
        session_id=one.session,
        at=NOW + timedelta(minutes=number),
        needed=len(one.needed),
        kept=len(one.needed & set(found.selected_ids)),
        positives=len(one.needed),
        used_tokens=found.used_tokens,
        budget_tokens=found.budget_tokens,
        cost=found.estimated_cost(previous),
        stable_prefix_tokens=None if previous is None else found.stable_prefix_tokens,
    )


def measured(folder: Path, *, recalls: int, runs: int, seed: int, stability: float) -> None:
    """Do an experiment and runs A/A, and print what came of them."""
    chats = list(pools_of(folder, SET))
    pools = {one["pool_id"]: MemoryPool.from_items(memories_of(one)) for one in chats}
    questions = questions_of(chats, most=None)
    usual = WorkspaceConfig(workspace_id="w", logging={"enabled": False}, **GUESS)
    changes = {**shipped_of(GUESS), "stability": stability}
    experiment = ExperimentSettings(id=f"experiment-{seed:06}", changes=changes)
    dealing = usual.with_changes(experiment=experiment)
    arms = tried(questions, Desk(pools), dealing, recalls=recalls, seed=seed)
    print(f"{SET}, {len(questions)} questions, {dict(GUESS)} beside {changes}", flush=True)
    _say(judge_arms(*arms, seed=seed))
    _say_same(arms[0], runs=runs, recalls=recalls)
    rest = questions[sum(map(len, arms)) :]
    changed = usual.with_changes(**changes)
    found = compare(*(later(rest, pools, config) for config in (usual, changed)))
    print(f"the {len(rest)} questions after it, before and after: {later_line(found)}")


def _say(verdict: ArmsVerdict) -> None:
    print(f"  {verdict.answer}: {' '.join(verdict.reasons)}")
    shown = verdict.to_dict()["arms"]
    for arm in ("usual", "changed"):
        figures = (
            f"{name} {value:,.4g}" for name, value in shown[arm].items() if value is not None
        )
        print(f"  {arm}: {', '.join(figures)}")
    for name in ("gain", "useful_rise", "cost_rise", "stability_change"):
        if shown[name] is not None:
            one = Interval(**shown[name])
            print(f"  {name}: {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})", flush=True)


def _say_same(seen: Sequence[Sent], *, runs: int, recalls: int) -> None:
    """Deal sessions with the same settings out to two arms, and print how often a gain is found."""
    sessions = _sessions(seen)
    proposed, above = [], 0
    for seed in range(runs):
        experiment = ExperimentSettings(id=f"same-{seed}", changes={"stability": 0.7001})
        arms: tuple[list[Sent], list[Sent]] = ([], [])
        for one in _drawn(sessions, seed, recalls):
            arms[experiment.is_changed(one.session)].append(one)
        verdict = judge_arms(*arms, seed=seed, rounds=ROUNDS)
        above += verdict.arms.gain is not None and verdict.arms.gain.low > 0.0
        proposed += [seed] if verdict.answer is Answer.PROPOSAL else []
    print(f"the same settings in both arms, {runs} runs of {recalls} recalls with feedback:")
    print(f"  {len(proposed)} proposals, seeds {proposed}; in {above} the interval is above 0")


def _sessions(seen: Sequence[Sent]) -> list[list[Sent]]:
    name = attrgetter("session")
    return [list(of_one) for _, of_one in groupby(sorted(seen, key=name), key=name)]


def _drawn(sessions: Sequence[Sequence[Sent]], seed: int, recalls: int) -> Iterator[Sent]:
    """Sessions drawn anew, each under a name of its own, until enough recalls have feedback."""
    lots, judged, number = np.random.default_rng(seed), 0, 0
    while judged < recalls:
        session = sessions[int(lots.integers(len(sessions)))]
        yield from (replace(one, session=f"drawn-{number}") for one in session)
        judged, number = judged + sum(one.is_judged for one in session), number + 1


def main() -> None:
    """Print machine, command and figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--recalls", type=int, default=300, help="with feedback, of both arms")
    parser.add_argument("--runs", type=int, default=100, help="with the same settings in both arms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stability", type=float, default=0.7, help="of the changed settings")
    given = parser.parse_args()
    print(f"machine: {machine()}")
    print(f"command: {shlex.join(['python', *sys.argv])}", flush=True)
    began = time.process_time()
    measured(
        given.data,
        recalls=given.recalls,
        runs=given.runs,
        seed=given.seed,
        stability=given.stability,
    )
    print(f"processor: {time.process_time() - began:,.0f} s")


if __name__ == "__main__":
    main()
