"""An allocation from numbers: the allocator's own call, from where it reads no texts any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from mba_integrations.core.budget.complexity import ComplexityEstimate
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.calls.call import Call, Equipment
from mba_integrations.core.calls.counters import WorkspaceCounters
from mba_integrations.core.calls.present import utc_now
from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import QueryComplexity
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.prepared import PreparedPools
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.selection.dating import with_dates
from mba_integrations.core.selection.passages.shortening import Shortened, with_passages
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import select
from mba_integrations.core.selection.telling import select_with_talk
from mba_integrations.core.turns.following import follow
from mba_integrations.core.turns.previous import Carried, PreviousPrompt
from mba_integrations.core.value.freshness import freshness_of
from mba_integrations.core.value.grounds.grounds import Grounds
from mba_integrations.core.value.mem0_score import mem0_score
from mba_integrations.core.value.need.trace import Trace
from mba_integrations.core.value.question import unmatched_question
from mba_integrations.core.value.valuation import Evaluation, Signals
from mba_integrations.learning.replay.numbers.bare import (
    LineCounter,
    lines_of,
    more_lines,
    passage_name,
)
from mba_integrations.learning.replay.prepared import Candidates, Prepared
from mba_integrations.learning.replay.records import ReplayRecord

Made = TypeVar("Made", bound=Call)


def call_of(
    kind: type[Made],
    record: ReplayRecord,
    config: WorkspaceConfig,
    pool: MemoryPool,
    counter: TokenCounter | None,
    previous: PreviousPrompt | None,
    **more: Any,
) -> Made:
    """The call that a record is decided by under settings."""
    given = record.budget_given
    return kind(
        equipment=Equipment(
            counters=WorkspaceCounters(counter),
            prepared=PreparedPools(),
            embedder=None,
            reranking=None,
            clock=utc_now,
        ),
        config=config,
        config_notes=(),
        query=record.query or "",
        memories=pool,
        budget_tokens=record.budget_tokens if given else None,
        reserved_tokens=None if given else record.reserved_tokens,
        query_embedding=record.query_embedding,
        now=record.at,
        previous=previous,
        layout=None,
        **more,
    )


class ByNumbers:
    """Chooses for records of numbers; what is made of candidates serves those that share them."""

    def __init__(self) -> None:
        self._grounds = Prepared(_Grounds)

    def chosen(self, record: ReplayRecord, config: WorkspaceConfig) -> Allocation:
        """The choice for a record under settings that its numbers decide.

        Raises:
            BudgetError: If the pins, or a prompt without items, do not fit.
        """
        numbers: Mapping[str, Any] = record.numbers or {}
        grounds = self._grounds.of(record.candidates)
        grounds.stand_for(numbers, Renderer(config.rendering))
        lines = {**grounds.lines, **more_lines(grounds.layout, record.candidates, numbers["more"])}
        counter = LineCounter(**numbers["counter"], lines=lines)
        previous = None if record.previous is None else PreviousPrompt.from_dict(record.previous)
        pool = grounds.pool
        return call_of(_NumbersCall, record, config, pool, counter, previous, numbers=numbers).run()


class _Grounds:
    """What stand-ins are chosen from: a pool, and the lines of which it has counted the tokens."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._of: tuple[Any, ...] = ()

    def stand_for(self, numbers: Mapping[str, Any], layout: Renderer) -> None:
        """Have the stand-ins stand for the texts of a record, and be written by a layout."""
        of = (layout, numbers["tokens"], numbers["openings"], numbers["counter"])
        if of != self._of:
            self._of, self.layout = of, layout
            self.pool = MemoryPool.from_items(self._candidates)
            self.lines = lines_of(layout, self._candidates, numbers["tokens"], numbers["openings"])


@dataclass(frozen=True, kw_only=True)
class _NumbersCall(Call):
    """A call whose items have numbers for texts."""

    numbers: Mapping[str, Any]

    def _complexity(self, snapshot: PoolSnapshot) -> ComplexityEstimate:
        known = self.numbers["complexity"]
        return ComplexityEstimate(
            complexity=QueryComplexity(known["complexity"]), points=known["points"]
        )

    def _evaluation(
        self, snapshot: PoolSnapshot, present: datetime, of_reranker: list[str]
    ) -> Evaluation:
        known = self.numbers
        freshness = freshness_of(snapshot, self.config, now=present)
        relevance = np.asarray(known["relevance"], dtype=np.float64)
        useful = self.config.scoring_method is ScoringMethod.USEFULNESS
        score = (
            np.asarray(known["score"], dtype=np.float64)
            if useful
            else mem0_score(relevance, snapshot, freshness, self.config)
        )
        grounds = Grounds(topic="")
        if useful:
            grounds = Grounds(
                topic="", matched=score, dates=tuple(known["dates"]), newest=known["newest"]
            )
        return Evaluation(
            signals=Signals(
                relevance=relevance,
                importance=snapshot.columns.importance,
                freshness=freshness,
                score=score,
            ),
            asked=unmatched_question("", None, now=present),
            doubt=known["doubt"] if useful else 0.0,
            may_be_unread=known["may_be_unread"] and useful,
            grounds=grounds,
            trace=_trace(known["trace"]) if useful else None,
        )

    def _problem(
        self, snapshot: PoolSnapshot, plan: BudgetPlan, evaluation: Evaluation
    ) -> SelectionProblem:
        problem = Call._problem(self, snapshot, plan, evaluation)
        pairs = {(int(one), int(other)): part for one, other, part in self.numbers["overlaps"]}
        return replace(problem, overlaps=pairs)

    def _choose(
        self, problem: SelectionProblem, carried: Carried, *, dates: Sequence[int]
    ) -> Shortened:
        followed = follow(problem, carried, "", stability=self.config.stability)
        new = [row for row in dates if row not in followed.continuation.beginning]
        problem = with_dates(followed.problem, new)
        problem, selection = select_with_talk(problem, followed.continuation)
        parts = {int(row): part for row, part in self.numbers["passages"].items()}
        kept = {**problem.shown}
        if parts:
            items = problem.snapshot.items
            shown = {row: replace(items[row], content=passage_name(row)) for row in parts}
            trial = with_passages(problem, shown, parts)
            found = select(trial, selection.continuation)
            if found.value > selection.value:
                problem, selection, kept = trial, found, {**kept, **shown}
        chosen = set(selection.prompt.rows.tolist())
        return Shortened(
            problem, selection, {row: item for row, item in kept.items() if row in chosen}
        )


def _trace(known: Mapping[str, Any] | None) -> Trace | None:
    if known is None:
        return None
    rows = np.asarray(known["rows"], dtype=np.int64)
    return Trace(
        rows=rows,
        probability=np.zeros(len(rows)),
        usual_tokens=known["usual_tokens"],
        asked=(),
    )
