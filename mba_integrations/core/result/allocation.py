"""`Allocation`: the result of one call, and what can be read from it.

The decisions are kept as arrays; `selected`, `omitted` and the tables are made when first asked
for, so a caller who only wants the prompt does not pay for 100,000 explanations.

It can be pickled, copied and sent to another process. All candidates go along, since `omitted`
lists them, but neither index nor vectors of the pool: 12 selected of 10,000 items of 117 characters
take 2.1 MB, 1.7 of them the items. Every item is counted for that. The next turn needs 2 kB of it,
`as_previous`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mba_integrations.core.budget.complexity import ComplexityEstimate
from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.candidates import Omitted, Selected, TierAllocation
from mba_integrations.core.result.decision import Decision
from mba_integrations.core.result.explanation import explain, summary_text
from mba_integrations.core.selection.budget_curve import (
    TOKENS_OF_MARGINAL_VALUE,
    BudgetPoint,
    TierGain,
    budget_curve,
    larger_tiers,
    marginal_value,
)
from mba_integrations.core.selection.share_cost import share_cost
from mba_integrations.core.turns.cache_reuse import PromptReuse
from mba_integrations.core.turns.previous import PreviousPrompt

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
        prompt_format: How the workspace writes prompts.
        reuse: The prompt beside the one that it followed.
        decided: The decisions as columns, which the tables are made from.
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
    _messages: tuple[dict[str, Any], ...] = field(repr=False)
    reuse: PromptReuse = field(repr=False, compare=False)
    decided: Decision = field(repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was made from them is made again where it is asked for."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

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
        return self.decided.selected()

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """Ids of the items in the prompt, in the order of `selected`, at less cost."""
        return tuple(self.decided.item(row).id for row in self.decided.rows.tolist())

    @cached_property
    def omitted(self) -> tuple[Omitted, ...]:
        """The items that are not in the prompt, in input order."""
        return self.decided.omitted()

    def decision(self, item_id: str) -> Selected | Omitted:
        """What was decided on one item.

        Raises:
            InputError: If no item of that id was handed in.
        """
        return self.decided.of_id(item_id)

    def omission_counts(self) -> dict[OmissionReason, int]:
        """How many items are omitted for each reason; reasons without an item are left out."""
        return self.decided.omission_counts()

    def omission_reasons(self) -> dict[str, OmissionReason]:
        """Why each item that is not in the prompt is not, by its id, in input order."""
        return self.decided.omission_reasons()

    @cached_property
    def marginal_value(self) -> dict[MemoryTier, float]:
        """Value that the next 100 tokens would add in each tier, by its densest omitted item."""
        return marginal_value(self.decided.problem, self.decided.rows)

    @cached_property
    def share_cost(self) -> float:
        """Value that the tiers' shares cost: how much more could come in if no tier had one.

        Worked out when it is first asked for, in about the time of the choice itself.
        """
        return share_cost(self.decided.problem, self.decided.continuation)

    def budget_curve(self, tokens: Iterable[int]) -> tuple[BudgetPoint, ...]:
        """What other budgets would buy: value, and which items come in or go.

        Args:
            tokens: Budgets, >= 1. The value never falls along the curve.

        Raises:
            InputError: If a budget is not a positive integer.
        """
        decided = self.decided
        return budget_curve(decided.problem, decided.continuation, decided.rows, tokens)

    def larger_tiers(self, tokens: int = TOKENS_OF_MARGINAL_VALUE) -> dict[MemoryTier, TierGain]:
        """What so many more tokens would buy if spent in one tier alone, packed for each tier.

        Unlike `marginal_value` it counts what fits together, and what other tiers lend already.

        Args:
            tokens: How many more, >= 1.

        Raises:
            InputError: If *tokens* is not a positive integer.
        """
        return larger_tiers(self.decided.problem, self.decided.continuation, tokens)

    @cached_property
    def as_previous(self) -> PreviousPrompt:
        """What the next turn needs of this one; it does not keep the candidates alive."""
        return PreviousPrompt(
            workspace_id=self.workspace_id,
            layout_id=self.decided.problem.layout.id,
            text=self.prompt_text,
            items=self.decided.previous_items(),
            breaks=self.reuse.breaks,
        )

    @property
    def stable_prefix_tokens(self) -> int:
        """Tokens at the beginning of the prompt that stand as in the previous one; 0 without one.

        What a provider's prompt cache can read. Whole lines only.
        """
        return self.reuse.stable_tokens

    @property
    def prefix_hash(self) -> str:
        """Stands for the text of those tokens, as 32 hexadecimal digits; empty if there are
        none."""
        return self.reuse.stable_hash

    def estimated_cost(self, previous: Allocation | PreviousPrompt | None = None) -> float:
        """What the prompt costs after *previous*, by the prices of the workspace's `caching`.

        What the two share at their beginnings is read from the cache and the rest is written to
        it, but for items whose text changes from turn to turn. Without a cache the cost is
        `used_tokens` times the price of an uncached token.

        Args:
            previous: The prompt before, or None for the first of a session.

        Raises:
            InputError: If *previous* is something else.
        """
        return self.reuse.cost(previous_prompt(previous)).cost

    def to_cache_blocks(self) -> list[dict[str, Any]]:
        """The prompt as text blocks that end where a provider may keep it.

        In the form of Anthropic's content blocks: `{"type": "text", "text": ...}`. Two of them
        carry `"cache_control": {"type": "ephemeral"}`: the end of what stands as in the previous
        prompt, and the end of all but items whose text changes from turn to turn. Joined, the
        texts are `prompt_text`.
        """
        return self.reuse.blocks()

    def to_messages(self) -> list[dict[str, Any]]:
        """The prompt as chat messages with `role` and `content`; one system message unless the
        workspace's format is `messages`. A call of a tool is under `tool_calls`, its result is a
        message of the role `tool` with a `tool_call_id`."""
        return deepcopy(list(self._messages))

    def explain(self, *, max_rows: int | None = 50) -> str:
        """A table of what came in, what stayed out and why, the best first.

        The score is how probably the answer needs an item, by the method `usefulness`; `rel` is how
        well it matches beside the pool's best; `why` has the signals that decided.

        Args:
            max_rows: At most so many rows for each of the two lists; None for all.
        """
        summary = summary_text(
            workspace_id=self.workspace_id,
            complexity=self.complexity,
            used_tokens=self.used_tokens,
            budget_tokens=self.budget_tokens,
            counted_by=self.counter_id if self.exact else f"{self.counter_id} (estimated)",
            counts=(len(self.selected), len(self.omitted)),
            value=self.value,
            gap=self.gap,
            share_cost=self.share_cost,
            stable_tokens=self.stable_prefix_tokens,
            expected=self.decided.expected_needed,
        )
        return explain(
            summary, self.tiers, self.selected, self.omitted, self.notes, max_rows=max_rows
        )

    def with_note(self, note: str) -> Allocation:
        """The same allocation with one more note."""
        return replace(self, notes=(*self.notes, note))

    def to_dict(self, *, include_text: bool = True) -> dict[str, Any]:
        """JSON-ready, with `schema_version`.

        Args:
            include_text: Whether the query and the prompt are included.
        """
        text = {"query": self.query, "prompt_text": self.prompt_text} if include_text else {}
        known = self.complexity_estimate.probability
        learned = {} if known is None else {"complexity_probability": known}
        return {
            "schema_version": SCHEMA_VERSION,
            "workspace_id": self.workspace_id,
            **text,
            "complexity": self.complexity.value,
            "complexity_points": self.complexity_estimate.points,
            **learned,
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


def previous_prompt(previous: object) -> PreviousPrompt | None:
    """What the caller handed in as the prompt before.

    Raises:
        InputError: If it is something else.
    """
    if isinstance(previous, Allocation):
        return previous.as_previous
    if previous is None or isinstance(previous, PreviousPrompt):
        return previous
    kind = type(previous).__name__
    raise InputError(f"previous must be an Allocation, a PreviousPrompt or None, got {kind}.")
