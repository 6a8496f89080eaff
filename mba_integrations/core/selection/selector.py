"""Choose the items that fit, write the prompt, count it, and repair it if it is over.

Packing works on the tokens of single lines. In OpenAI's encodings their sum is the count of the
prompt; elsewhere it may not be, so the prompt is counted, and packed again with what it was over
or under. A prompt that still is over loses its largest item that is not pinned, one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.core.layout.protocol import PromptLayout, PromptTokens
from mba_integrations.core.model import MemoryItem, MemoryTier, OmissionReason
from mba_integrations.core.packing.pack import Packing
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.assembly import NOTHING_BEFORE, Continuation, Prompt, assemble
from mba_integrations.core.selection.duplicates import near_duplicates
from mba_integrations.core.selection.outcome import REASONS, Selection
from mba_integrations.core.selection.prospects import pack_prospects
from mba_integrations.core.selection.room import Room
from mba_integrations.core.selection.units import Units, form_units
from mba_integrations.core.value.worth import Worth

_MAX_REPACKS = 4


@dataclass(frozen=True, slots=True)
class _Draft:
    """A written selection with its counts."""

    rows: IntArray
    prompt: Prompt
    tokens: PromptTokens

    @property
    def needed(self) -> int:
        """What must be within the budget."""
        return self.tokens.needed


@dataclass(slots=True, kw_only=True)
class Selector:
    """One selection in progress: the inputs that every step needs.

    Attributes:
        snapshot: The candidates.
        plan: The budget.
        layout: Writes and measures prompts.
        counter: Counts prompts.
        tokens: Tokens of each item in a prompt.
        worth: What packing adds up.
        score: In [0, 1], shape (n,).
        min_score: Items with a lower score stay out.
        duplicate_threshold: Overlap from which a repetition stays out; None for never.
        after: What the prompt follows; the units of its beginning are in it.
        closed: Rows that stay out because of what the prompt follows.
        bound: No selection is worth more than this, whatever the prompt follows.
        shown: What is written in place of an item, by row.
        opening: Tokens of each tier's heading, shape (4,).
        units: What is kept or left out together.
    """

    snapshot: PoolSnapshot
    plan: BudgetPlan
    layout: PromptLayout
    counter: TokenCounter
    tokens: TokenColumn
    worth: Worth
    score: FloatArray
    min_score: float
    duplicate_threshold: float | None = None
    after: Continuation = NOTHING_BEFORE
    closed: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    bound: float = 0.0
    shown: Mapping[int, MemoryItem] = field(default_factory=dict)
    opening: IntArray = field(init=False)
    units: Units = field(init=False)
    _densities: FloatArray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.opening = self.tokens.opening
        self.units = form_units(
            self.snapshot, column=self.tokens, worth=self.worth, score=self.score
        )

    def values(self, rows: IntArray) -> FloatArray:
        """What the items at *rows* add to the value of a selection, shape (m,)."""
        return self.worth.value(rows, self.tokens.of(rows))

    def select(self) -> Selection:
        """Pack, assemble, count, repair.

        Raises:
            PinnedOverBudgetError: If the pinned items do not fit.
        """
        room = self._room(NOTHING_BEFORE)
        reason, open_to_choice = self._reasons(room)
        if self.after.beginning:
            room = self._room(self.after)
        self._close(open_to_choice)
        draft, packing = self._pack_to_fit(room, open_to_choice)
        bound = packing.upper_bound + self._forced_value(room)
        draft, packing, same = self._without_duplicates(room, open_to_choice, draft, packing)
        draft, repaired = self._drop_until_fits(draft)
        reason = self.units.per_item(reason)
        if len(same):
            gone = same[np.isin(same[:, 1], draft.rows), 0]
            reason[gone] = REASONS.index(OmissionReason.DUPLICATE)
        value = float(self.values(draft.rows).sum())
        bound = max(bound, self.bound)
        return Selection(
            prompt=draft.prompt,
            tokens=draft.tokens,
            tier_used_tokens=self._tier_used(draft.prompt),
            value=value,
            upper_bound=max(bound, value),
            proven_optimal=packing.proven_optimal
            and not repaired
            and (not self.after.beginning or value >= bound * (1 - 1e-12)),
            reason=reason,
            repaired=repaired,
        )

    def packed(self) -> tuple[IntArray, int]:
        """Rows that packing chooses and the sum of their tokens, without rendering them.

        What the prompt follows is not looked at.

        Raises:
            PinnedOverBudgetError: If the pinned items do not fit.
        """
        room = self._room(NOTHING_BEFORE)
        open_to_choice = self._reasons(room)[1]
        for _ in range(_MAX_REPACKS):
            packing = self._pack(room, open_to_choice, 0)
            rows = self.units.rows(np.concatenate([room.forced, packing.chosen]))
            repeated = self._repeated(rows)
            if not repeated:
                break
            open_to_choice[self.units.unit_of[list(repeated)]] = False
        return rows, packing.used_tokens + room.forced_tokens

    def choosable(self) -> BoolArray:
        """Units that a larger budget could bring in, shape (m,)."""
        reached = self.units.score >= self.min_score
        return reached & (self.plan.tier_cap_tokens[self.units.tier] >= 1) & ~self.units.pinned

    def _room(self, after: Continuation) -> Room:
        forced = self._forced(after)
        tokens = self.units.tokens(forced)
        paid = np.bincount(self.units.tier[forced], weights=tokens, minlength=len(MemoryTier))
        headings, opened = self._headings(forced, after)
        paid = paid + headings * self.opening
        forced_tokens = int(paid.sum()) + self.layout.fixed_tokens(self.counter)
        if forced_tokens > self.plan.total_tokens:
            if after.beginning:
                self._let_go(0)
                return self._room(self.after)
            forced_tokens = self._check_pins(forced)
        return Room(
            forced=forced,
            forced_tokens=forced_tokens,
            total=self.plan.total_tokens - forced_tokens,
            tier_tokens=np.maximum(self.plan.tier_tokens - paid, 0.0),
            tier_cap=np.maximum(self.plan.tier_cap_tokens - paid, 0.0),
            capped=self.plan.tier_cap_tokens < self.plan.total_tokens,
            opening=np.where(opened, 0, self.opening),
            borrowing=self.plan.borrowing,
        )

    def _forced(self, after: Continuation) -> IntArray:
        """Pinned units, and those that stay of the previous prompt."""
        forced = self.units.pinned
        if after.beginning:
            forced = forced.copy()
            forced[self.units.unit_of[list(after.beginning)]] = True
        return np.flatnonzero(forced)

    def _forced_value(self, room: Room) -> float:
        return float(self.units.value(room.forced, self.units.tokens(room.forced)).sum())

    def _headings(self, forced: IntArray, after: Continuation) -> tuple[IntArray, BoolArray]:
        """Headings that forced units need in each tier, and which tiers take more without one."""
        if not after.beginning:
            opened = np.bincount(self.units.tier[forced], minlength=len(MemoryTier)) > 0
            return opened.astype(np.int64), opened
        tiers = self.snapshot.columns.tier[list(after.beginning)]
        headings = np.bincount(tiers[list(after.opens)], minlength=len(MemoryTier))
        rows = np.setdiff1d(self.units.rows(forced), after.beginning)
        behind = np.bincount(self.snapshot.columns.tier[rows], minlength=len(MemoryTier)) > 0
        opened = behind.copy()
        opened[tiers[-1]] = True
        behind[tiers[-1]] = False
        return headings + behind, opened

    def _close(self, open_to_choice: BoolArray) -> None:
        """Leave to packing neither what stays of the previous prompt nor what stands before it."""
        out = [*self.after.beginning, *self.closed.tolist()]
        open_to_choice[self.units.unit_of[out]] = False

    def _let_go(self, count: int) -> None:
        """Keep only so many of the items that begin the prompt as they began the previous one."""
        after = self.after
        self.after = replace(after, beginning=after.beginning[:count], opens=after.opens[:count])

    def _check_pins(self, pinned: IntArray) -> int:
        """Tokens of the pinned items as rendered; an error if they are over the budget."""
        draft = self._draft(self.units.rows(pinned))
        if draft.needed > self.plan.total_tokens:
            raise self._pins_over(draft)
        return draft.needed

    def _pins_over(self, draft: _Draft) -> PinnedOverBudgetError:
        budget, needed, rows = self.plan.total_tokens, draft.needed, draft.rows
        tokens = self.tokens.of(rows)
        largest = int(rows[np.argmax(tokens)])
        items = "1 pinned item needs" if len(rows) == 1 else f"{len(rows)} pinned items need"
        return PinnedOverBudgetError(
            f"{items} {needed:,} tokens with their headings, budget_tokens is {budget:,} "
            f"({needed - budget:,} over). Largest: {self.snapshot.items[largest].id!r} with "
            f"{int(tokens.max()):,} tokens. Raise budget_tokens or unpin an item.",
            needed_tokens=needed,
            budget_tokens=budget,
        )

    def _reasons(self, room: Room) -> tuple[IntArray, BoolArray]:
        """Reason of each unit if it stays out, and which units packing may choose from."""
        units = self.units
        closed = (self.plan.tier_cap_tokens < 1) | (
            (self.plan.tier_tokens < 1) & (not self.plan.borrowing)
        )
        reason = np.full(len(units), REASONS.index(OmissionReason.OUTRANKED), dtype=np.int8)
        reason[self._too_large(room)] = REASONS.index(OmissionReason.TOO_LARGE)
        if self.min_score > 0.0:
            below = units.score < self.min_score
            reason[below] = REASONS.index(OmissionReason.BELOW_THRESHOLD)
        if closed.any():
            reason[closed[units.tier]] = REASONS.index(OmissionReason.TIER_EXCLUDED)
        outranked = reason == REASONS.index(OmissionReason.OUTRANKED)
        return reason, outranked & ~units.pinned

    def _too_large(self, room: Room) -> IntArray:
        """Units that would not fit alone."""
        limit = np.minimum(room.tier_cap, room.total)
        if not self.plan.borrowing:
            limit = np.minimum(limit, np.floor(room.tier_tokens + 1e-9))
        return self.units.over(limit - room.opening)

    def _pack(self, room: Room, open_to_choice: BoolArray, extra: int) -> Packing:
        """The packing of the open units in what room there is, with *extra* tokens."""
        tiers = self.units.of_tiers(self.snapshot.tier_rows)
        if not open_to_choice.all():
            tiers = tuple(rows[open_to_choice[rows]] for rows in tiers)
        return pack_prospects(
            tiers,
            self.units,
            self.density(),
            lambda rows: room.problem(self.units, rows, extra),
            room.shares(extra),
            room.opening,
        )

    def density(self) -> FloatArray:
        """Value per token of every unit, or more where it is not counted, shape (m,)."""
        if self._densities is None or not self.tokens.complete:
            self._densities = self.units.densities()
        return self._densities

    def _pack_to_fit(self, room: Room, open_to_choice: BoolArray) -> tuple[_Draft, Packing]:
        """Pack, and pack again while the counted prompt is over, or under the summed tokens.

        Returns the most valuable draft that fits, else the last, and the first packing.
        """
        extra, best, best_value = 0, None, -1.0
        first: Packing | None = None
        for _ in range(_MAX_REPACKS):
            packing = self._pack(room, open_to_choice, extra)
            first = first or packing
            draft = self._draft(self.units.rows(np.concatenate([room.forced, packing.chosen])))
            over = draft.needed - self.plan.total_tokens
            if over <= 0 and packing.value > best_value:
                best, best_value = draft, packing.value
            summed = packing.used_tokens + room.forced_tokens
            everything = len(packing.chosen) == np.count_nonzero(open_to_choice)
            if over <= 0 and (summed <= draft.needed or everything):
                break
            extra = extra - over if over > 0 else self._stretched(summed, draft.needed)
        return best or draft, first or packing

    def _without_duplicates(
        self, room: Room, open_to_choice: BoolArray, draft: _Draft, packing: Packing
    ) -> tuple[_Draft, Packing, IntArray]:
        """Leave out what another selected item says, and use its tokens for others.

        Returns pairs of a row that was left out and the row that says the same, shape (d, 2).
        Pinned and grouped items and the conversation stay: an answer may repeat for a reason.
        """
        same: dict[int, int] = {}
        for _ in range(_MAX_REPACKS):
            found = self._repeated(draft.rows)
            if not found:
                break
            same |= found
            room = self._without(set(found), room, open_to_choice)
            open_to_choice[self.units.unit_of[list(found)]] = False
            draft, packing = self._pack_to_fit(room, open_to_choice)
        return draft, packing, _pairs(same)

    def _without(self, rows: set[int], room: Room, open_to_choice: BoolArray) -> Room:
        """The room where none of *rows* stays of the previous prompt, nor what stood behind it."""
        beginning = self.after.beginning
        count = next((place for place, row in enumerate(beginning) if row in rows), None)
        if count is None:
            return room
        open_to_choice[self.units.unit_of[list(beginning[count:])]] = True
        self._let_go(count)
        self._close(open_to_choice)
        return self._room(self.after)

    def _repeated(self, rows: IntArray) -> dict[int, int]:
        """Rows that may go because another of *rows* says the same, with that one."""
        if self.duplicate_threshold is None:
            return {}
        value = self.values(rows)
        if self.after.kept:
            # Of two that say the same, none newer, the one that is in the prompt stays.
            value = np.where(np.isin(rows, self.after.kept), np.inf, value)
        found = near_duplicates(
            self.snapshot, rows, value=value, threshold=self.duplicate_threshold
        )
        return {row: kept for row, kept in found.items() if self._may_go(row)}

    def _may_go(self, row: int) -> bool:
        columns = self.snapshot.columns
        spoken = columns.tier[row] == list(MemoryTier).index(MemoryTier.WORKING)
        return not (columns.pinned[row] or spoken or columns.group[row] >= 0)

    def _stretched(self, summed: int, needed: int) -> int:
        """Tokens to add to the budget of sums, where a prompt counts for less than its lines."""
        return int(self.plan.total_tokens * (summed / max(1, needed) - 1.0))

    def _drop_until_fits(self, draft: _Draft) -> tuple[_Draft, int]:
        """Take out the largest unit that is not pinned until the draft fits; how many went."""
        dropped = 0
        while draft.needed > self.plan.total_tokens:
            unit_of = self.units.unit_of[draft.rows]
            free = unit_of[~self.units.pinned[unit_of]]
            if not len(free):
                raise self._pins_over(draft)
            largest = free[np.argmax(self.units.tokens(free))]
            draft = self._draft(draft.rows[unit_of != largest])
            dropped += 1
        return draft, dropped

    def _draft(self, rows: IntArray) -> _Draft:
        """Write the rows and count the result."""
        prompt = assemble(
            self.snapshot,
            rows,
            value=self.score,
            layout=self.layout,
            after=self.after,
            shown=self.shown,
        )
        return _Draft(rows, prompt, self.layout.measure(prompt.written, self.counter))

    def _tier_used(self, prompt: Prompt) -> IntArray:
        rows = prompt.rows
        tiers = self.snapshot.columns.tier[rows]
        lines = np.bincount(tiers, weights=self.tokens.of(rows), minlength=len(MemoryTier))
        headings = np.bincount(tiers[prompt.opens], minlength=len(MemoryTier))
        return (lines + headings * self.opening).astype(np.int64)


def _pairs(rows: dict[int, int]) -> IntArray:
    return np.array(list(rows.items()), dtype=np.int64).reshape(-1, 2)
