"""What one call works with once its query is scored, and how its result is put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.budget.complexity import ComplexityEstimate
from mba_integrations.core.budget.plan import BudgetPlan, borrowed_tokens, whole_tokens
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import TIERS, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import TierAllocation
from mba_integrations.core.selection.outcome import REASONS, Selection
from mba_integrations.core.selection.selector import Selector
from mba_integrations.core.selection.shortening import Shortened, shorten
from mba_integrations.core.times import seconds_of
from mba_integrations.core.turns.cache_reuse import PromptReuse
from mba_integrations.core.turns.following import following
from mba_integrations.core.turns.previous import PreviousPrompt, Standing
from mba_integrations.core.value.valuation import Signals, packing_worth

_NAMED = 3


@dataclass(frozen=True, slots=True)
class AllocationStep:
    """One call with everything that is known before items are chosen.

    `followed` is the previous prompt, if it can be followed; `standing` is what of it is among the
    candidates.
    """

    query: str
    config: WorkspaceConfig
    snapshot: PoolSnapshot
    estimate: ComplexityEstimate
    plan: BudgetPlan
    signals: Signals
    counting: tuple[TokenCounter, CachedCounter]
    layout: PromptLayout
    present: datetime
    followed: PreviousPrompt | None
    standing: Standing

    def choose(self) -> Shortened:
        """Select, and bring in passages of long items where the whole cannot come in."""
        selector = self._selector()
        selection = selector.select()
        return shorten(selector, selection, self.query, min_tokens=self.config.passage_min_tokens)

    def _selector(self) -> Selector:
        counter, remembered = self.counting
        # A pool keeps counts in its columns; a list may be handed in anew, with the same texts.
        of_lines = remembered if self.snapshot.lazy else counter
        selector = Selector(
            snapshot=self.snapshot,
            plan=self.plan,
            layout=self.layout,
            counter=counter,
            tokens=self.snapshot.token_column(self.layout, of_lines),
            worth=packing_worth(self.signals.score, self.config),
            score=self.signals.score,
            min_score=self.config.min_score,
            duplicate_threshold=self.config.duplicate_threshold,
        )
        return following(selector, self.standing, stability=self.config.stability)

    def notes(self, selection: Selection) -> list[str]:
        """What the caller should know of this call."""
        notes = []
        if selection.repaired:
            notes.append(
                f"{selection.repaired:,} items were taken out because the counted prompt was over "
                "the budget: this counter does not add up over lines."
            )
        if not self.counting[0].exact:
            notes.append(
                f"Counts are estimates: {self.counting[0].id} is not the tokenizer of "
                f"{self.config.counting.model!r}."
            )
        present = seconds_of(self.present)
        if self.snapshot.latest_created_seconds > present:
            created = self.snapshot.columns.created_seconds
            future = np.flatnonzero(created > present)
            latest = self.snapshot.items[int(future[np.argmax(created[future])])]
            notes.append(
                f"{len(future):,} items have a created_at after now and count as new; the latest "
                f"is {latest.id!r} with {latest.created_at}."
            )
        return notes

    def result(self, chosen: Shortened, notes: tuple[str, ...], milliseconds: float) -> Allocation:
        """The selection as an allocation."""
        selection = chosen.selection
        return Allocation(
            workspace_id=self.config.workspace_id,
            query=self.query,
            complexity_estimate=self.estimate,
            budget_tokens=self.plan.total_tokens,
            used_tokens=selection.tokens.used,
            prompt_text=selection.prompt.written.text,
            tiers=self._tiers(selection),
            value=selection.value,
            upper_bound=selection.upper_bound,
            proven_optimal=selection.proven_optimal,
            counter_id=self.counting[0].id,
            exact=self.counting[0].exact,
            message_tokens=selection.tokens.messages,
            notes=notes,
            duration_ms=milliseconds,
            prompt_format=self.config.rendering.format,
            _messages=selection.prompt.written.messages,
            _snapshot=self.snapshot,
            _signals=self.signals,
            _tokens=chosen.selector.tokens,
            _rows=selection.prompt.rows,
            _reasons=REASONS,
            _reason=selection.reason,
            _min_score=self.config.min_score,
            _selector=chosen.selector,
            _opens=selection.prompt.opens,
            _changing=frozenset(chosen.selector.after.changing),
            _reuse=PromptReuse(
                text=selection.prompt.written.text,
                used_tokens=selection.tokens.used,
                steady_characters=selection.prompt.steady_characters,
                followed=self.followed,
                counter=self.counting[0],
                prices=self.config.caching,
            ),
            _passages={row: item.content for row, item in chosen.passages.items()},
        )

    def _tiers(self, selection: Selection) -> dict[MemoryTier, TierAllocation]:
        shares = whole_tokens(self.plan.tier_tokens)
        used = [int(tokens) for tokens in selection.tier_used_tokens]
        borrowed = borrowed_tokens(shares, used)
        tiers = self.snapshot.columns.tier
        counts = self.snapshot.tier_counts
        chosen = np.bincount(tiers[selection.prompt.rows], minlength=len(TIERS))
        return {
            tier: TierAllocation(
                share_tokens=shares[code],
                borrowed_tokens=borrowed[code],
                used_tokens=used[code],
                selected_count=int(chosen[code]),
                omitted_count=counts[code] - int(chosen[code]),
            )
            for code, tier in enumerate(TIERS)
        }


def prompt_to_follow(
    previous: Allocation | PreviousPrompt | None, *, workspace_id: str, layout: PromptLayout
) -> tuple[PreviousPrompt | None, tuple[str, ...]]:
    """The previous prompt, if this one can follow it, and a note if it cannot.

    Raises:
        InputError: If *previous* is something else.
    """
    if isinstance(previous, Allocation):
        previous = previous.as_previous
    if previous is None:
        return None, ()
    if not isinstance(previous, PreviousPrompt):
        raise InputError(f"previous must be an Allocation or None, got {type(previous).__name__}.")
    if previous.workspace_id != workspace_id:
        return None, (
            f"previous is an allocation of workspace {previous.workspace_id!r}, not "
            f"{workspace_id!r}; it is ignored.",
        )
    if previous.layout_id != layout.id:
        return None, ("previous was written by another layout; it is ignored.",)
    return previous, ()


def standing_notes(previous: PreviousPrompt | None, standing: Standing) -> Iterator[str]:
    """What the caller should know of what is left of the previous prompt."""
    if previous is not None and previous.items and not standing.kept and not standing.changed:
        yield "previous has no item that is a candidate now; it is ignored."
    if standing.changed:
        named = ", ".join(repr(item) for item in standing.changed[:_NAMED])
        more = (
            f" and {len(standing.changed) - _NAMED} more" if len(standing.changed) > _NAMED else ""
        )
        yield f"{named}{more}: text or tier is another than in previous, so it counts as new."
