"""A round of learning on sets made into traffic: `python -m benchmarks.tuning_round --data DIR`.

Each set is a workspace of a service on SQLite; its chats are people (`subject`). Questions come in
their order, five to a session, a session of each chat in turn, with a budget of 1,024 tokens. The
answer is made of the labels: evidence in the prompt is cited with probability 0.8, anything else
with 0.01. After 300 questions the workspace is tuned by the job, with the gate as it is. What is
proposed is applied, with a shadow of 20 recalls. The questions after those are the later traffic.

On the later traffic the settings that were found stand beside those before, whether they were
proposed or not, and by all labels of the set, not by what an answer cited: share of the evidence in
prompts, tokens of a prompt, evidence for each 1,000 tokens, with 95 % intervals over sessions.

A workspace begins with the shipped settings, or with a guess: the weighted sum of relevance,
importance and freshness with a half-life of 30 days.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.evidence import machine
from benchmarks.evidence_data import records as pools_of
from benchmarks.own_coefficients import CITED, STRAY
from mba_integrations import MemoryItem
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.comparison import Comparison, compare
from mba_integrations.learning.replay.records import Feedback, ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tuning.switching import LOOK_EVERY
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState

SETS = ("realtalk", "beam-100k")
BEGINNINGS: Mapping[str, Mapping[str, Any]] = {
    "shipped": {},
    "guess": {"scoring_method": "weighted_sum", "half_life_days": 30.0},
}
BUDGET = 1_024
TURNS = 5
LEARNED_FROM, MOST = 300, 400
SHADOW = 20
MOST_CHARACTERS = 100_000
"""Of a turn: one of `beam-100k` has more, which no service keeps."""
AT_ONCE = 500
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of a chat, in a session, with the memories that its answer needs."""

    chat: str
    session: str
    text: str
    needed: frozenset[str]


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def chats_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """The smallest chats that have the questions that are asked."""
    chats, count = [], 0
    for chat in sorted(pools_of(folder, name), key=lambda one: len(one["items"])):
        if count >= MOST:
            break
        chats.append(chat)
        count += sum(bool(one["evidence"]) for one in chat["queries"])
    return chats


def memories_of(chat: Mapping[str, Any]) -> list[MemoryItem]:
    """The turns of a chat."""
    return [
        MemoryItem(
            id_of(chat, one["id"]),
            one["text"][:MOST_CHARACTERS],
            "long_term",
            created_at=_time(one["created_at"]),
            source=chat["pool_id"],
            position=float(place),
        )
        for place, one in enumerate(chat["items"])
        if one["text"].strip()
    ]


def id_of(chat: Mapping[str, Any], item_id: str) -> str:
    """The id of a memory: ids are of one chat each."""
    return f"{chat['pool_id']}/{item_id}".replace("/", ".")


def _time(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written).replace(tzinfo=UTC)


def questions_of(chats: Sequence[Mapping[str, Any]], *, most: int | None = MOST) -> list[Question]:
    """Sessions of the chats in turn, so many questions or all."""
    waiting = [list(_sessions(chat)) for chat in chats]
    found: list[Question] = []
    while any(waiting):
        for sessions in waiting:
            if sessions:
                found += sessions.pop(0)
    return found[:most]


def _sessions(chat: Mapping[str, Any]) -> Iterator[list[Question]]:
    asked = [one for one in chat["queries"] if one["evidence"]]
    for start in range(0, len(asked), TURNS):
        yield [
            Question(
                chat=chat["pool_id"],
                session=f"{chat['pool_id']}.{start}".replace("/", "."),
                text=one["text"],
                needed=frozenset(id_of(chat, row) for row in _ids(one["evidence"])),
            )
            for one in asked[start : start + TURNS]
        ]


def _ids(evidence: Sequence[Any]) -> Iterator[str]:
    for group in evidence:
        yield from [group] if isinstance(group, str) else group


def cited_of(selected_ids: Iterable[str], asked: Question, lots: random.Random) -> list[str]:
    """What an answer to a prompt cites, with noise."""
    return [
        memory_id
        for memory_id in selected_ids
        if lots.random() < (CITED if memory_id in asked.needed else STRAY)
    ]


class Round:
    """One workspace from its first question to the later traffic.

    Args:
        service: Where it is.
        clock: Of the service.
        seed: Of the noise.
    """

    def __init__(self, service: MemoryService, clock: _Clock, seed: int) -> None:
        self._service, self._clock = service, clock
        self._lots = random.Random(seed)
        self._needed: dict[str, frozenset[str]] = {}

    def ask(self, questions: Sequence[Question]) -> None:
        """Ask, and tell what the answer cites."""
        for one in questions:
            self._clock.now += timedelta(minutes=1)
            reply = self._service.recall(
                "w", one.text, budget_tokens=BUDGET, session_id=one.session, subject=one.chat
            )
            self._needed[reply.allocation_id] = one.needed
            cited = cited_of(reply.allocation.selected_ids, one, self._lots)
            if cited:
                self._service.feedback("w", reply.allocation_id, cited=cited)

    def look(self) -> None:
        """Have the jobs done that are due at the next look."""
        self._clock.now += LOOK_EVERY + timedelta(seconds=1)
        self._service.equipment.trail.flush()
        self._service.jobs.run()

    def later(self, since: datetime) -> list[ReplayRecord]:
        """The recalls since then, with all labels of the set in place of feedback."""
        found = self._service.allocations.replay_records("w", since=since)
        return [replace(one, feedback=labels_of(self._needed[one.allocation_id])) for one in found]


def labels_of(needed: Iterable[str]) -> tuple[Feedback, ...]:
    """Feedback that knows all that an answer needs."""
    return tuple(Feedback(memory_id=one, useful=True, origin="cited", weight=1.0) for one in needed)


def measured(folder: Path, name: str, beginning: str, *, trials: int, seed: int) -> None:
    """Do a round and print what came of it."""
    began, clock = time.perf_counter(), _Clock()
    chats = chats_of(folder, name)
    questions = questions_of(chats)
    with (
        tempfile.TemporaryDirectory() as at,
        MemoryService.open(Path(at) / "m.db", background=False, clock=clock) as service,
    ):
        service.create_workspace("w", logging={"include_text": True}, **BEGINNINGS[beginning])
        for chat in chats:
            turns = memories_of(chat)
            for start in range(0, len(turns), AT_ONCE):
                service.remember("w", turns[start : start + AT_ONCE], subject=chat["pool_id"])
        before = service.workspaces.config("w")
        made = Round(service, clock, seed)
        made.ask(questions[:LEARNED_FROM])
        job = service.tuning.run("w", trials=trials, workers=0, seed=seed)
        service.jobs.run()
        found = service.tuning.get("w", job.job_id)
        since = clock()
        stages = _staged(service, made, found, questions[LEARNED_FROM:])
        after = before.with_changes(**found.changes)
        later = _beside(made.later(since), before, after)
    _say(name, beginning, found, stages, later, time.perf_counter() - began)


def _staged(
    service: MemoryService, made: Round, found: ProposalRow, questions: Sequence[Question]
) -> list[str]:
    """Ask the later questions; what is proposed is applied on the way. Gives its states."""
    if found.state is not ProposalState.PROPOSAL:
        made.ask(questions)
        return [found.state.value]
    states = [service.tuning.apply("w", found.proposal_id, shadow=SHADOW).state.value]
    made.ask(questions[:SHADOW])
    made.look()
    states.append(service.tuning.get("w", found.proposal_id).state.value)
    made.ask(questions[SHADOW:])
    made.look()
    states.append(service.tuning.get("w", found.proposal_id).state.value)
    return states


def _beside(
    records: Sequence[ReplayRecord], before: WorkspaceConfig, after: WorkspaceConfig
) -> Comparison:
    bench = Bench()
    return compare(bench.outcomes(records, before), bench.outcomes(records, after))


def _say(
    name: str,
    beginning: str,
    found: ProposalRow,
    stages: Sequence[str],
    later: Comparison,
    seconds: float,
) -> None:
    print(f"{name}, begins with {beginning}: {found.found['answer']}, {' > '.join(stages)}")
    print(f"  {' '.join(found.found['reasons'])}")
    print(f"  changes: {json.dumps(found.changes)}; skipped: {found.found['skipped']}")
    print(f"  later: {later_line(later)}; {seconds:,.0f} s", flush=True)


def later_line(later: Comparison) -> str:
    """The figures of the later traffic in a line."""
    then, now, points, gain = later.before, later.after, later.evidence_points, later.gain
    return (
        f"evidence {100 * then.evidence:.1f} to {100 * now.evidence:.1f} % "
        f"({points.value:+.1f} points, {points.low:+.1f} to {points.high:+.1f}); "
        f"tokens {then.mean_used_tokens:,.0f} to {now.mean_used_tokens:,.0f}; for each 1,000 "
        f"{then.evidence_per_1000_tokens:.3f} to {now.evidence_per_1000_tokens:.3f} "
        f"({gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f})"
    )


def run(doc: str | None, measure: Callable[..., None]) -> None:
    """Print machine, command and figures of each set and beginning.

    Args:
        doc: What the command is about, in its first line.
        measure: Takes the folder, a set and a beginning, and `trials` and `seed`.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--beginnings", nargs="*", default=list(BEGINNINGS))
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"machine: {machine()}")
    print(f"command: {shlex.join(['python', *sys.argv])}", flush=True)
    for name in given.sets:
        for beginning in given.beginnings:
            measure(given.data, name, beginning, trials=given.trials, seed=given.seed)


if __name__ == "__main__":
    run(__doc__, measured)
