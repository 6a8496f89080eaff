"""`SelectionProblem`: what a selection is made from.

It is made once for a call and handed to every step. Nothing is written into it: a step that needs
another budget or other texts makes a problem of its own from it, as `with_plan` and
`shortening.with_passages` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.continuation import NO_ROWS
from mba_integrations.core.selection.portable import (
    PortablePart,
    portable_counter,
    portable_layout,
)
from mba_integrations.core.selection.units.exchanges import kept_together
from mba_integrations.core.selection.units.units import Units, form_units
from mba_integrations.core.value.worth import Worth

NOTHING_SHOWN: Mapping[int, MemoryItem] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionProblem:
    """What a selection is made from: n items in m units.

    Attributes:
        snapshot: The candidates.
        plan: The budget.
        layout: Writes and measures prompts.
        counter: Counts prompts.
        units: What is kept or left out together, with tokens and worth.
        score: In [0, 1], shape (n,).
        opening: Tokens of each tier's heading, shape (4,).
        fixed_tokens: What a prompt costs besides items and headings.
        min_score: Units with a lower score stay out.
        token_price: Value per token below which a unit stays out; 0 for none. See `price`.
        spares: Whether a few tokens of such units come in all the same.
        duplicate_threshold: Overlap from which a repetition stays out; None for never.
        recent_share: Part of the budget that the newest exchange may have before others.
        recent: Units that come in before others are chosen, ascending.
        shown: What is written in place of an item, such as a passage of it, by row.
        overlaps: Of which rows the texts overlap, by how much, where texts are not looked at.
    """

    snapshot: PoolSnapshot
    plan: BudgetPlan
    layout: PromptLayout
    counter: TokenCounter
    units: Units
    score: FloatArray
    opening: IntArray
    fixed_tokens: int
    min_score: float = 0.0
    token_price: float = 0.0
    spares: bool = False
    duplicate_threshold: float | None = None
    recent_share: float = 0.0
    apart: bool = False
    recent: IntArray = field(default_factory=lambda: NO_ROWS)
    shown: Mapping[int, MemoryItem] = field(default_factory=lambda: NOTHING_SHOWN)
    overlaps: Mapping[tuple[int, int], float] | None = None

    @property
    def tokens(self) -> TokenColumn:
        """Tokens of each item in a prompt."""
        return self.units.column

    @property
    def forced(self) -> BoolArray:
        """Units that have their place before others are chosen: pins and what is recent, shape
        (m,)."""
        forced = self.units.pinned.copy()
        forced[self.recent] = True
        return forced

    def values(self, rows: IntArray) -> FloatArray:
        """What the items at *rows* add to the value of a selection, shape (k,)."""
        return self.units.worth.value(rows, self.tokens.of(rows))

    def shown_at(self, row: int) -> MemoryItem:
        """The item as it is written."""
        return self.shown.get(row) or self.snapshot.items[row]

    def choosable(self) -> BoolArray:
        """Units that a larger budget could bring in, shape (m,)."""
        units = self.units
        is_open = (units.score >= self.min_score) & ~units.pinned
        is_open &= self.plan.tier_cap_tokens[units.tier] >= 1
        return is_open

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it has the same numbers: every item is counted before it goes."""
        return _unpickled, (
            self.snapshot,
            self.tokens.all(),
            self.units.worth,
            portable_layout(self.layout),
            portable_counter(self.counter),
            {
                "plan": self.plan,
                "score": self.score,
                "opening": self.opening,
                "fixed_tokens": self.fixed_tokens,
                "min_score": self.min_score,
                "token_price": self.token_price,
                "spares": self.spares,
                "duplicate_threshold": self.duplicate_threshold,
                "recent_share": self.recent_share,
                "apart": self.apart,
                "shown": dict(self.shown),
                "overlaps": self.overlaps,
            },
        )

    def __deepcopy__(self, memo: object) -> SelectionProblem:
        """Itself: it never changes, and the candidates are shared."""
        return self

    def with_plan(self, plan: BudgetPlan) -> SelectionProblem:
        """The same items for another budget."""
        return replace(self, plan=plan)._with_units(self.tokens, self.units.worth)

    def with_exchanges_apart(self) -> SelectionProblem:
        """The problem in which of all exchanges only the newest is whole."""
        return replace(self, apart=True)._with_units(self.tokens, self.units.worth)

    def showing(
        self, shown: Mapping[int, MemoryItem], worth: Worth | None = None
    ) -> SelectionProblem:
        """The problem in which others stand in the prompt in place of the items at some rows.

        Args:
            shown: What is written, by row.
            worth: Of all items, where that changes with it.
        """
        changed = self._with_units(self.tokens.replaced(shown), worth or self.units.worth)
        return replace(changed, shown={**self.shown, **shown})

    def _with_units(self, tokens: TokenColumn, worth: Worth) -> SelectionProblem:
        units, recent = _formed(
            self.snapshot,
            self.plan,
            tokens,
            worth,
            self.score,
            fixed_tokens=self.fixed_tokens,
            recent_share=self.recent_share,
            apart=self.apart,
        )
        return replace(self, units=units, recent=recent)


def selection_problem(
    snapshot: PoolSnapshot,
    *,
    plan: BudgetPlan,
    layout: PromptLayout,
    counter: TokenCounter,
    tokens: TokenColumn,
    worth: Worth,
    score: FloatArray,
    min_score: float = 0.0,
    token_price: float = 0.0,
    spares: bool = False,
    duplicate_threshold: float | None = None,
    recent_share: float = 0.0,
) -> SelectionProblem:
    """Form the units and price headings; see `SelectionProblem`.

    Args:
        snapshot: The candidates, n of them.
        plan: The budget.
        layout: Writes and measures prompts.
        counter: Counts prompts.
        tokens: Tokens of each item, as the layout writes it.
        worth: What packing adds up.
        score: In [0, 1], shape (n,).
        min_score: Units with a lower score stay out.
        token_price: Value per token below which a unit stays out; 0 for none.
        spares: Whether a few tokens of such units come in all the same.
        duplicate_threshold: Overlap from which a repetition stays out; None for never.
        recent_share: Part of the budget that the newest exchange may have before others.
    """
    fixed_tokens = layout.fixed_tokens(counter)
    units, recent = _formed(
        snapshot,
        plan,
        tokens,
        worth,
        score,
        fixed_tokens=fixed_tokens,
        recent_share=recent_share,
    )
    return SelectionProblem(
        snapshot=snapshot,
        plan=plan,
        layout=layout,
        counter=counter,
        units=units,
        score=score,
        opening=tokens.opening,
        fixed_tokens=fixed_tokens,
        min_score=min_score,
        token_price=token_price,
        spares=spares,
        duplicate_threshold=duplicate_threshold,
        recent_share=recent_share,
        recent=recent,
    )


def _formed(
    snapshot: PoolSnapshot,
    plan: BudgetPlan,
    tokens: TokenColumn,
    worth: Worth,
    score: FloatArray,
    *,
    fixed_tokens: int,
    recent_share: float,
    apart: bool = False,
) -> tuple[Units, IntArray]:
    """The units, and which of them come in before others."""
    together = kept_together(
        snapshot, tokens, plan, fixed_tokens=fixed_tokens, recent_share=recent_share, apart=apart
    )
    units = form_units(snapshot, column=tokens, worth=worth, score=score, label=together.label)
    return units, np.unique(units.unit_of[together.recent])


def _unpickled(
    snapshot: PoolSnapshot,
    counts: IntArray,
    worth: Worth,
    layout_part: PortablePart,
    counter_part: PortablePart,
    fields: dict[str, Any],
) -> SelectionProblem:
    layout, counter = layout_part.unpacked(), counter_part.unpacked()
    tokens = TokenColumn(snapshot.items, layout, counter, lazy=False, known=counts)
    units, recent = _formed(
        snapshot,
        fields["plan"],
        tokens,
        worth,
        fields["score"],
        fixed_tokens=fields["fixed_tokens"],
        recent_share=fields["recent_share"],
        apart=fields["apart"],
    )
    return SelectionProblem(
        snapshot=snapshot, layout=layout, counter=counter, units=units, recent=recent, **fields
    )
