"""`Call`: one call from its arguments to its result.

`Call.run` is the order of the steps; each opens the room that does it: the budget of the query, the
pool's columns, the value of each item, the previous prompt that is followed, the selection, and the
result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arguments import checked_iterable
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.budget.complexity import ComplexityEstimate, estimate_complexity
from mba_integrations.core.budget.plan import (
    BudgetPlan,
    borrowed_tokens,
    plan_budget,
    whole_tokens,
)
from mba_integrations.core.calls.counters import WorkspaceCounters
from mba_integrations.core.calls.notes import (
    carried_notes,
    counter_notes,
    future_notes,
    ignored_notes,
    repair_notes,
    vector_notes,
)
from mba_integrations.core.calls.reranking import Reranking
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import TIERS, MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.prepared import PreparedPools
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.result.allocation import Allocation, previous_prompt
from mba_integrations.core.result.candidates import TierAllocation
from mba_integrations.core.result.decision import Decision
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.selection.dating import with_dates
from mba_integrations.core.selection.passages.shortening import Shortened, shorten
from mba_integrations.core.selection.problem import SelectionProblem, selection_problem
from mba_integrations.core.selection.select import Selection
from mba_integrations.core.selection.telling import select_with_talk
from mba_integrations.core.times import present_of
from mba_integrations.core.turns.cache_reuse import PromptReuse
from mba_integrations.core.turns.following import follow
from mba_integrations.core.turns.previous import (
    NOTHING_CARRIED,
    Carried,
    PreviousPrompt,
    carried_over,
)
from mba_integrations.core.value.valuation import (
    Evaluation,
    evaluate,
    packing_worth,
    price_of_token,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What an allocator lends to each call.

    Attributes:
        counters: The counters of workspaces.
        prepared: Snapshots of lists that were handed in before.
        embedder: Makes vectors of texts; None for none.
        reranking: Looks again at the best candidates; None for nothing.
        clock: The present, with a zone.
        token_embedder: Makes vectors of the tokens of texts; None for none.
    """

    counters: WorkspaceCounters
    prepared: PreparedPools
    embedder: Embedder | None
    reranking: Reranking | None
    clock: Callable[[], datetime]
    token_embedder: CachedTokenEmbedder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The arguments of one call, as `MemoryBudgetAllocator.allocate_memory_budget` takes them.

    Attributes:
        equipment: What the allocator lends.
        config: Settings of the workspace.
        config_notes: What the caller should know of the settings.
    """

    equipment: Equipment
    config: WorkspaceConfig
    config_notes: Sequence[str]
    query: str
    memories: Sequence[MemoryItem] | MemoryPool
    budget_tokens: int | None
    reserved_tokens: int | None
    query_embedding: Sequence[float] | FloatArray | None
    now: datetime | None
    previous: Allocation | PreviousPrompt | None
    layout: PromptLayout | None

    def run(self) -> Allocation:
        """From the arguments to the result; errors are those of the allocator's call."""
        started = time.perf_counter()
        snapshot = self._snapshot()
        estimate = self._complexity(snapshot)
        plan = plan_budget(
            self.config,
            estimate.complexity,
            budget_tokens=self.budget_tokens,
            reserved_tokens=self.reserved_tokens,
        )
        naive = snapshot.columns.naive_times
        present = present_of(self.now, self.equipment.clock, snapshot.items, naive=naive)
        of_reranker: list[str] = []
        evaluation = self._evaluation(snapshot, present, of_reranker)
        before = previous_prompt(self.previous)
        problem = self._problem(snapshot, plan, evaluation)
        ignored = self._ignored(before, problem.layout)
        followed = None if ignored else before
        carried = NOTHING_CARRIED if followed is None else carried_over(followed, snapshot)
        chosen = self._choose(problem, carried, dates=evaluation.grounds.dates)
        notes = (
            *repair_notes(chosen.selection.repaired),
            *counter_notes(problem.counter, self.config.counting.model),
            *future_notes(snapshot, present),
            *vector_notes(snapshot, evaluation.asked),
            *of_reranker,
            *self.config_notes,
            *ignored,
            *(carried_notes(followed, carried) if followed is not None else ()),
        )
        milliseconds = (time.perf_counter() - started) * 1000.0
        return self._result(estimate, evaluation, chosen, followed, notes, milliseconds)

    def _snapshot(self) -> PoolSnapshot:
        """The candidates as columns."""
        memories = self.memories
        if isinstance(memories, MemoryPool):
            return memories.snapshot()
        wanted = "a sequence of MemoryItem or a MemoryPool"
        checked_iterable("available_memories", memories, wanted)
        capacity = self.config.performance.prepared_pools
        return self.equipment.prepared.snapshot(tuple(memories), capacity=capacity)

    def _complexity(self, snapshot: PoolSnapshot) -> ComplexityEstimate:
        return estimate_complexity(
            self.query,
            settings=self.config.complexity,
            conversation_turns=snapshot.tier_counts[MemoryTier.WORKING.code],
            candidate_count=len(snapshot),
        )

    def _evaluation(
        self, snapshot: PoolSnapshot, present: datetime, of_reranker: list[str]
    ) -> Evaluation:
        """What the items are worth; *of_reranker* takes what there is to note of the reranker."""
        reranking = self.equipment.reranking
        return evaluate(
            self.query,
            snapshot,
            self.config,
            query_embedding=self.query_embedding,
            embedder=self.equipment.embedder,
            token_embedder=self.equipment.token_embedder,
            now=present,
            look=None if reranking is None else reranking.asked(of_reranker),
        )

    def _problem(
        self, snapshot: PoolSnapshot, plan: BudgetPlan, evaluation: Evaluation
    ) -> SelectionProblem:
        counter, remembering = self.equipment.counters.of(self.config)
        layout = Renderer(self.config.rendering) if self.layout is None else self.layout
        # A pool keeps counts in its columns; a list may be handed in anew, with the same texts.
        of_lines: TokenCounter = remembering if snapshot.lazy else counter
        tokens = snapshot.token_column(layout, of_lines)
        whole = _are_whole_documents(snapshot, tokens, plan.total_tokens)
        return selection_problem(
            snapshot,
            plan=plan,
            layout=layout,
            counter=counter,
            tokens=tokens,
            worth=packing_worth(evaluation, self.config),
            score=evaluation.signals.score,
            min_score=self.config.min_score,
            token_price=price_of_token(evaluation, self.config, free=whole),
            spares=evaluation.may_be_unread,
            duplicate_threshold=self.config.duplicate_threshold,
            recent_share=self.config.recent_share if evaluation.recent_counts else 0.0,
        )

    def _ignored(self, before: PreviousPrompt | None, layout: PromptLayout) -> tuple[str, ...]:
        """Why the previous prompt is not followed; nothing if it is, or if there is none."""
        if before is None:
            return ()
        workspace_id = self.config.workspace_id
        return tuple(ignored_notes(before, workspace_id=workspace_id, layout_id=layout.id))

    def _choose(
        self, problem: SelectionProblem, carried: Carried, *, dates: Sequence[int]
    ) -> Shortened:
        """Select, and bring in passages of long items where the whole cannot come in."""
        followed = follow(problem, carried, self.query, stability=self.config.stability)
        # What stays of the previous prompt stays as it was written.
        new = [row for row in dates if row not in followed.continuation.beginning]
        problem = with_dates(followed.problem, new)
        problem, selection = select_with_talk(problem, followed.continuation)
        min_tokens = self.config.passage_min_tokens
        return shorten(problem, selection, self.query, min_tokens=min_tokens)

    def _result(
        self,
        estimate: ComplexityEstimate,
        evaluation: Evaluation,
        chosen: Shortened,
        followed: PreviousPrompt | None,
        notes: tuple[str, ...],
        milliseconds: float,
    ) -> Allocation:
        selection, problem = chosen.selection, chosen.problem
        written = selection.prompt.written
        return Allocation(
            workspace_id=self.config.workspace_id,
            query=self.query,
            complexity_estimate=estimate,
            budget_tokens=problem.plan.total_tokens,
            used_tokens=selection.tokens.used,
            prompt_text=written.text,
            tiers=tier_allocations(problem, selection),
            value=selection.value,
            upper_bound=selection.upper_bound,
            proven_optimal=selection.proven_optimal,
            counter_id=problem.counter.id,
            exact=problem.counter.exact,
            message_tokens=selection.tokens.messages,
            notes=notes,
            duration_ms=milliseconds,
            prompt_format=self.config.rendering.format,
            _messages=written.messages,
            reuse=PromptReuse(
                text=written.text,
                used_tokens=selection.tokens.used,
                steady_characters=selection.prompt.steady_characters,
                first_line=_first_line(chosen),
                followed=followed,
                counter=problem.counter,
                prices=self.config.caching,
            ),
            decided=_decision(chosen, evaluation),
        )


def _first_line(chosen: Shortened) -> str:
    """How the text of the first item in the prompt begins."""
    rows = chosen.selection.prompt.rows
    if not rows.size:
        return ""
    row = int(rows[0])
    item = chosen.passages.get(row, chosen.problem.snapshot.items[row])
    return item.content.lstrip().partition("\n")[0].rstrip()


def _decision(chosen: Shortened, evaluation: Evaluation) -> Decision:
    selection = chosen.selection
    return Decision(
        problem=chosen.problem,
        signals=evaluation.signals,
        grounds=evaluation.grounds,
        rows=selection.prompt.rows,
        opens=selection.prompt.opens,
        reasons=selection.reason,
        continuation=selection.continuation,
        passages={row: item.content for row, item in chosen.passages.items()},
    )


def tier_allocations(
    problem: SelectionProblem, selection: Selection
) -> dict[MemoryTier, TierAllocation]:
    """Tokens and items of each tier."""
    shares = whole_tokens(problem.plan.tier_tokens)
    used = [int(tokens) for tokens in selection.tier_used_tokens]
    borrowed = borrowed_tokens(shares, used)
    snapshot = problem.snapshot
    tiers = snapshot.columns.tier[selection.prompt.rows]
    chosen = np.bincount(tiers, minlength=len(TIERS)).tolist()
    return {
        tier: TierAllocation(
            share_tokens=shares[tier.code],
            borrowed_tokens=borrowed[tier.code],
            used_tokens=used[tier.code],
            selected_count=chosen[tier.code],
            omitted_count=snapshot.tier_counts[tier.code] - chosen[tier.code],
        )
        for tier in TIERS
    }


def _are_whole_documents(snapshot: PoolSnapshot, tokens: TokenColumn, budget_tokens: int) -> bool:
    """Whether there is nothing to choose from but documents, and all of them fit."""
    documents = TIERS.index(MemoryTier.RAG)
    if not len(snapshot) or (snapshot.columns.tier != documents).any():
        return False
    return tokens.fit(budget_tokens - int(tokens.opening[documents]))
