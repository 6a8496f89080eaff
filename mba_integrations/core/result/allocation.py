"""`Allocation`: the result of one call, and what can be read from it.

The decisions are kept as arrays; `selected`, `omitted` and the tables are made when first asked
for, so a caller who only wants the prompt does not pay for 100,000 explanations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.budget.complexity import ComplexityEstimate
from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.result.candidates import Omitted, Selected, TierAllocation
from mba_integrations.core.selection.budget_curve import BudgetPoint, budget_curve, marginal_value
from mba_integrations.core.selection.selector import Selector
from mba_integrations.core.turns.cache_reuse import PromptReuse
from mba_integrations.core.turns.previous import PreviousItem, PreviousPrompt, digest_of
from mba_integrations.core.value.valuation import Signals

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Which memories are in the prompt, and why.

    Attributes:
        workspace_id: The workspace whose settings applied.
        query: The query.
        complexity_estimate: The query's complexity with the evidence for it.
        budget_tokens: Tokens that memory may use in this prompt.
        used_tokens: Tokens of `prompt_text` by the counter; never more than `budget_tokens`.
        prompt_text: The prompt.
        tiers: Tokens of each tier.
        value: Sum of the values of the selected items. With scoring method `usefulness` the
            expected number of needed items; with a Mem0 score the sum of score times tokens.
        upper_bound: No selection that respects the budgets is worth more. Proven where the counter
            adds up over lines.
        proven_optimal: Whether no selection is worth more.
        counter_id: Which counter counted.
        exact: Whether that counter is the model's own.
        message_tokens: Tokens of `to_messages()` in OpenAI's chat format, framing included. Within
            the budget only if the workspace's format is `messages`.
        notes: What the caller should know, such as times in the future.
        duration_ms: How long the call took.
    """

    workspace_id: str
    query: str
    complexity_estimate: ComplexityEstimate
    budget_tokens: int
    used_tokens: int
    prompt_text: str
    tiers: Mapping[MemoryTier, TierAllocation]
    value: float
    upper_bound: float
    proven_optimal: bool
    counter_id: str
    exact: bool
    message_tokens: int
    notes: tuple[str, ...] = ()
    duration_ms: float = field(default=0.0, compare=False)
    prompt_format: PromptFormat = PromptFormat.MARKDOWN
    _messages: tuple[dict[str, str], ...] = field(repr=False)
    _snapshot: PoolSnapshot = field(repr=False, compare=False)
    _signals: Signals = field(repr=False, compare=False)
    _tokens: TokenColumn = field(repr=False, compare=False)
    _rows: IntArray = field(repr=False, compare=False)
    _reasons: tuple[OmissionReason, ...] = field(repr=False, compare=False)
    _reason: IntArray = field(repr=False, compare=False)
    _min_score: float = field(repr=False, compare=False)
    _selector: Selector = field(repr=False, compare=False)
    _passages: Mapping[int, str] = field(repr=False, compare=False)
    _opens: BoolArray = field(repr=False, compare=False)
    _changing: frozenset[int] = field(repr=False, compare=False)
    _reuse: PromptReuse = field(repr=False, compare=False)

    @property
    def complexity(self) -> QueryComplexity:
        """How much the query asks for."""
        return self.complexity_estimate.complexity

    @property
    def gap(self) -> float:
        """How far the value may be from the optimum, as a part of `upper_bound`, in [0, 1]."""
        if self.upper_bound <= 0.0:
            return 0.0
        return max(0.0, (self.upper_bound - self.value) / self.upper_bound)

    @property
    def utilisation(self) -> float:
        """Used tokens as a part of the budget, in [0, 1]."""
        return self.used_tokens / self.budget_tokens

    @cached_property
    def selected(self) -> tuple[Selected, ...]:
        """The items in the prompt, in the order in which they stand in it."""
        pinned_groups = self._pinned_groups()
        return tuple(self._selected(int(row), pinned_groups) for row in self._rows)

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """Ids of the items in the prompt, in the order of `selected`, at less cost."""
        return tuple(self._snapshot.items[row].id for row in self._rows.tolist())

    @cached_property
    def omitted(self) -> tuple[Omitted, ...]:
        """The items that are not in the prompt, in input order."""
        out = np.ones(len(self._snapshot), dtype=bool)
        out[self._rows] = False
        return tuple(self._omitted(int(row)) for row in np.flatnonzero(out))

    def decision(self, item_id: str) -> Selected | Omitted:
        """What was decided on one item.

        Raises:
            InputError: If no item of that id was handed in.
        """
        row = self._snapshot.ids.get(item_id)
        if row is None:
            raise InputError(f"no item {item_id!r} was handed in.")
        if row in self._rows:
            return self._selected(row, self._pinned_groups())
        return self._omitted(row)

    def omission_counts(self) -> dict[OmissionReason, int]:
        """How many items are omitted for each reason; reasons without an item are left out."""
        chosen = self._reason[self._rows]
        counts = {
            reason: int(np.count_nonzero(self._reason == code) - np.count_nonzero(chosen == code))
            for code, reason in enumerate(self._reasons)
        }
        return {reason: count for reason, count in counts.items() if count}

    @cached_property
    def marginal_value(self) -> dict[MemoryTier, float]:
        """Value that the next 100 tokens would add in each tier, by its densest omitted item."""
        return marginal_value(self._selector, self._rows)

    def budget_curve(self, tokens: Iterable[int]) -> tuple[BudgetPoint, ...]:
        """What other budgets would buy: value, and which items come in or go.

        Args:
            tokens: Budgets, >= 1. The value never falls along the curve.

        Raises:
            InputError: If a budget is not a positive integer.
        """
        return budget_curve(self._selector, self._rows, tokens)

    @cached_property
    def as_previous(self) -> PreviousPrompt:
        """What the next turn needs of this one; it does not keep the candidates alive."""
        opens = zip(self._rows.tolist(), self._opens.tolist(), strict=True)
        return PreviousPrompt(
            workspace_id=self.workspace_id,
            layout_id=self._selector.layout.id,
            text=self.prompt_text,
            items=tuple(self._previous_item(row, opened) for row, opened in opens),
            breaks=self._reuse.breaks,
        )

    def _previous_item(self, row: int, opened: bool) -> PreviousItem:
        item = self._snapshot.items[row]
        return PreviousItem(
            id=item.id,
            tier=item.tier,
            digest=digest_of(item.content),
            passage=self._passages.get(row),
            opens=opened,
            changing=row in self._changing,
        )

    @property
    def stable_prefix_tokens(self) -> int:
        """Tokens at the beginning of the prompt that stand as in the previous one; 0 without one.

        What a provider's prompt cache can read. Whole lines only.
        """
        return self._reuse.stable_tokens

    @property
    def prefix_hash(self) -> str:
        """Stands for the text of those tokens, as 32 hexadecimal digits; empty if there are
        none."""
        return self._reuse.stable_hash

    def estimated_cost(self, previous: Allocation | PreviousPrompt | None = None) -> float:
        """What the prompt costs after *previous*, by the prices of the workspace's `caching`.

        What the two share at their beginnings is read from the cache and the rest is written to
        it, but for items whose text changes from turn to turn. Without a cache the cost is
        `used_tokens` times the price of an uncached token.

        Args:
            previous: The prompt before, or None for the first of a session.
        """
        before = previous.as_previous if isinstance(previous, Allocation) else previous
        return self._reuse.cost(before).cost

    def to_cache_blocks(self) -> list[dict[str, Any]]:
        """The prompt as text blocks that end where a provider may keep it.

        In the form of Anthropic's content blocks: `{"type": "text", "text": ...}`. Two of them
        carry `"cache_control": {"type": "ephemeral"}`: the end of what stands as in the previous
        prompt, and the end of all but items whose text changes from turn to turn. Joined, the
        texts are `prompt_text`.
        """
        return self._reuse.blocks()

    def to_messages(self) -> list[dict[str, str]]:
        """The prompt as chat messages with `role` and `content`; one system message unless the
        workspace's format is `messages`."""
        return [dict(message) for message in self._messages]

    def explain(self, *, max_rows: int | None = 50) -> str:
        """A table of what came in, what stayed out and why.

        Args:
            max_rows: At most so many rows for each of the two lists; None for all.
        """
        from mba_integrations.core.result.explanation import explain

        return explain(self, max_rows=max_rows)

    def to_dict(self, *, include_text: bool = True) -> dict[str, Any]:
        """JSON-ready, with `schema_version`.

        Args:
            include_text: Whether the query and the prompt are included.
        """
        text = {"query": self.query, "prompt_text": self.prompt_text} if include_text else {}
        return {
            "schema_version": SCHEMA_VERSION,
            "workspace_id": self.workspace_id,
            **text,
            "complexity": self.complexity.value,
            "complexity_points": self.complexity_estimate.points,
            "budget_tokens": self.budget_tokens,
            "used_tokens": self.used_tokens,
            "message_tokens": self.message_tokens,
            "utilisation": self.utilisation,
            "value": self.value,
            "upper_bound": self.upper_bound,
            "gap": self.gap,
            "proven_optimal": self.proven_optimal,
            "counter_id": self.counter_id,
            "exact": self.exact,
            "prompt_format": self.prompt_format.value,
            "stable_prefix_tokens": self.stable_prefix_tokens,
            "prefix_hash": self.prefix_hash,
            "tiers": {tier.value: usage.to_dict() for tier, usage in self.tiers.items()},
            "selected": [selected.to_dict() for selected in self.selected],
            "omitted": [omitted.to_dict() for omitted in self.omitted],
            "notes": list(self.notes),
            "duration_ms": self.duration_ms,
        }

    def _pinned_groups(self) -> frozenset[str]:
        columns = self._snapshot.columns
        rows = np.flatnonzero(columns.pinned & (columns.group >= 0))
        return frozenset(self._snapshot.items[row].group or "" for row in rows)

    def _known(self, row: int) -> dict[str, Any]:
        return {
            "item": self._snapshot.items[row],
            "tokens": self._tokens_of(row),
            "score": float(self._signals.score[row]),
            "relevance": float(self._signals.relevance[row]),
            "importance": float(self._signals.importance[row]),
            "freshness": float(self._signals.freshness[row]),
        }

    def _selected(self, row: int, pinned_groups: frozenset[str]) -> Selected:
        item = self._snapshot.items[row]
        return Selected(
            **self._known(row),
            pinned=item.pinned or item.group in pinned_groups,
            passage=self._passages.get(row),
        )

    def _omitted(self, row: int) -> Omitted:
        reason = self._reasons[self._reason[row]]
        return Omitted(**self._known(row), reason=reason, detail=self._detail(row, reason))

    def _detail(self, row: int, reason: OmissionReason) -> str:
        tier = self._snapshot.items[row].tier
        tokens = self._tokens_of(row)
        if reason is OmissionReason.BELOW_THRESHOLD:
            score = float(self._signals.score[row])
            return f"its score {score:.3f} is below min_score {self._min_score:.3f}"
        if reason is OmissionReason.TIER_EXCLUDED:
            return f"the workspace gives tier {tier.value} no tokens"
        if reason is OmissionReason.TOO_LARGE:
            return f"it needs {self._unit_tokens(row):,} tokens, more than it could have alone"
        stays = ", or stay from the previous prompt" if self._selector.after.beginning else ""
        return f"other items are worth more for its {tokens:,} tokens{stays}"

    def _unit_tokens(self, row: int) -> int:
        group = self._snapshot.columns.group
        if group[row] < 0:
            return self._tokens_of(row)
        return int(self._tokens.of(np.flatnonzero(group == group[row])).sum())

    def _tokens_of(self, row: int) -> int:
        return int(self._tokens.of(np.array([row]))[0])
