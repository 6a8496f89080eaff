"""The tokens of every item in a prompt, each counted when first needed.

Where a counter has a bound that holds without counting (see `counting.bounds`), an item is counted
only if it can matter; bounds may rule an item out, a count decides. Else all are counted at once.
Counts never change, so threads may share a column; two may count the same item, with equal results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.counting.bounds import bound_of
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import BYTES_BESIDES, PromptLayout
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.items import ItemRows
from mba_integrations.core.rows.row_map import RowMap

_MANY_WORDS = 2**40
_MOST_OF_ITEM = 2**40
"""No text has more tokens, and millions of such counts have a sum of 64 bits. An odd counter may
say more; the whole prompt is counted as it says."""

_COUNTED_AT_ONCE = 32


class TokenColumn:
    """Tokens of n items, at least 1 each.

    Args:
        items: The items.
        layout: Writes them. A layout that `shows_content` has the bounds of the contents.
        counter: Counts them.
        lazy: Whether items that cannot matter stay uncounted; without effect where no bound is
            known.
        known: Tokens that were counted before, shape (n,); 0 where an item was not.
    """

    def __init__(
        self,
        items: Sequence[MemoryItem],
        layout: PromptLayout,
        counter: TokenCounter,
        *,
        lazy: bool,
        known: IntArray | None = None,
    ) -> None:
        self._items = items if isinstance(items, ItemRows) else ItemRows(items)
        self._bound = bound_of(counter) if lazy and layout.shows_content else None
        self._exact: IntArray = np.zeros(len(items), dtype=np.int64) if known is None else known
        self._opening: IntArray | None = None
        self._fewest: IntArray | None = None
        self._most_bytes: IntArray | None = None
        self._characters: FloatArray | None = None
        self._largest = self._smallest = -1
        self._uncounted = int(np.count_nonzero(self._exact == 0))
        self.use(layout, counter)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def counts(self) -> IntArray:
        """Tokens of the items that are counted, 0 for the others, shape (n,)."""
        return self._exact

    @property
    def complete(self) -> bool:
        """Whether every item is counted."""
        return self._uncounted == 0

    def use(self, layout: PromptLayout, counter: TokenCounter) -> None:
        """Count by these from now on, which have the same ids as those before.

        All that is not counted yet is counted now where no bound rules items out.
        """
        self._layout, self._counter = layout, counter
        if self._bound is None:
            self.all()

    @property
    def opening(self) -> IntArray:
        """What the first item of each tier adds besides, shape (4,)."""
        if self._opening is None:
            opening = self._layout.opening_tokens(self._items, self._counter)
            self._opening = np.array(opening, dtype=np.int64)
        return self._opening

    def all(self) -> IntArray:
        """Tokens of every item, shape (n,)."""
        if self._uncounted:
            self._count(np.flatnonzero(self._exact == 0))
            self._uncounted = 0
        return self._exact

    def of(self, rows: IntArray) -> IntArray:
        """Tokens of the items at *rows*, shape (m,)."""
        if self._uncounted:
            missing = rows[self._exact[rows] == 0]
            if len(missing):
                self._count(np.unique(missing))
                self._uncounted = int(np.count_nonzero(self._exact == 0))
        return self._exact[rows]

    def fit(self, limit: int) -> bool:
        """Whether all items have at most *limit* tokens together; counts no more than needed."""
        if len(self) > limit:
            return False
        room = limit
        for first in range(0, len(self), _COUNTED_AT_ONCE):
            room -= int(self.of(np.arange(first, min(first + _COUNTED_AT_ONCE, len(self)))).sum())
            if room < 0:
                return False
        return True

    def at_least(self, rows: IntArray, enough: FloatArray) -> IntArray:
        """Tokens of the items at *rows*; fewer where they are not counted, but at least 1.

        Args:
            rows: Shape (m,).
            enough: More than so many need not be found of an uncounted item, shape (m,).
        """
        if self._uncounted == 0 or self._bound is None:
            return self._exact[rows]
        if self._fewest is None:
            self._fewest = np.zeros(len(self._items), dtype=np.int64)
        exact = self._exact[rows]
        missing = np.flatnonzero((exact == 0) & (self._fewest[rows] < enough))
        if len(missing):
            words = np.minimum(enough[missing], _MANY_WORDS).astype(np.int64).tolist()
            texts = [item.content for item in self._items.take(rows[missing])]
            self._fewest[rows[missing]] = self._bound(texts, words)
        return np.maximum(np.where(exact > 0, exact, self._fewest[rows]), 1)

    def over(self, limit: FloatArray, tier: IntArray, rows: IntArray | None = None) -> IntArray:
        """Rows of the items that have more tokens than the limit of their tier, ascending.

        Args:
            limit: For each tier, shape (k,).
            tier: Tier of each item that is looked at, shape (m,).
            rows: Which items are looked at, shape (m,); None for all n.
        """
        if self._uncounted == 0 and rows is None:
            return self._counted_over(limit, tier)
        looked_at = np.arange(len(self)) if rows is None else rows
        limits = limit[tier]
        exact = self._exact[looked_at]
        if self._uncounted == 0:
            return looked_at[exact > limits]
        unclear = np.flatnonzero((exact == 0) & (self._roughly_most(looked_at) > limits))
        unclear = unclear[self._most(looked_at[unclear]) > limits[unclear]]
        exact[unclear] = self.of(looked_at[unclear])
        return looked_at[exact > limits]

    def _counted_over(self, limit: FloatArray, tier: IntArray) -> IntArray:
        """The same for all items where all are counted: few are above the lowest limit."""
        lowest = float(limit.min())
        if self.largest <= lowest:
            return np.zeros(0, dtype=np.int64)
        large = np.flatnonzero(self._exact > lowest)
        return large[self._exact[large] > limit[tier[large]]]

    @property
    def largest(self) -> int:
        """Most tokens of an item; all are counted for it."""
        if self._largest < 0:
            self._largest = int(self.all().max(initial=0))
        return self._largest

    @property
    def smallest(self) -> int:
        """Fewest tokens of an item, or fewer where not all are counted; at least 1."""
        if self._uncounted:
            return 1
        if self._smallest < 0:
            self._smallest = int(self._exact.min(initial=np.iinfo(np.int64).max))
        return self._smallest

    def _roughly_most(self, rows: IntArray) -> FloatArray:
        """More than `_most`, from the number of characters alone."""
        growth = self._layout.bytes_per_character
        if growth is None:
            return np.full(len(rows), np.inf)
        if self._characters is None:
            self._characters = np.array([len(item.content) for item in self._items], np.float64)
        return growth * self._characters[rows] + BYTES_BESIDES

    def _most(self, rows: IntArray) -> IntArray:
        """Tokens that items have at most: a token has a byte or more."""
        if self._most_bytes is None:
            self._most_bytes = np.zeros(len(self), dtype=np.int64)
        missing = rows[self._most_bytes[rows] == 0]
        if len(missing):
            most = map(self._layout.most_bytes, self._items.take(missing))
            self._most_bytes[missing] = np.fromiter(most, dtype=np.int64, count=len(missing))
        return self._most_bytes[rows]

    def changed(self, items: ItemRows, rows: RowMap) -> TokenColumn:
        """The column of other items; *rows* says which of them cost what they did here."""
        other = self._with_counts(rows.carried(self._exact, 0))
        other._items = items
        other._opening = other._fewest = other._most_bytes = other._characters = None
        return other

    def replaced(self, shown: Mapping[int, MemoryItem]) -> TokenColumn:
        """The same column with other items, such as passages, at some rows."""
        exact = self._exact.copy()
        exact[list(shown)] = self._counts(list(shown.values()))
        return self._with_counts(exact)

    def _with_counts(self, exact: IntArray) -> TokenColumn:
        """A copy with other counts; bounds are shared."""
        other = copy(self)
        other._exact = exact
        other._uncounted = int(np.count_nonzero(exact == 0))
        other._largest = other._smallest = -1
        return other

    def _count(self, rows: IntArray) -> None:
        self._exact[rows] = self._counts(self._items.take(rows))

    def _counts(self, items: Sequence[MemoryItem]) -> IntArray:
        counts = np.array(self._layout.item_tokens(items, self._counter), dtype=np.int64)
        return np.clip(counts, 1, _MOST_OF_ITEM)


TokenKey = tuple[str, str]
"""Id of a layout, id of a counter."""


class TokenColumns:
    """The token columns of n items, one for each layout and counter that was asked for.

    Args:
        items: The items.
        lazy: As for `TokenColumn`.
        known: Tokens that were counted before, as for `TokenColumn`.
    """

    def __init__(
        self, items: ItemRows, *, lazy: bool, known: Mapping[TokenKey, IntArray] | None = None
    ) -> None:
        self._items = items
        self._lazy = lazy
        self._known = dict(known or {})
        self._made: dict[TokenKey, TokenColumn] = {}

    def column(self, layout: PromptLayout, counter: TokenCounter) -> TokenColumn:
        """Tokens as a layout writes the items and a counter counts them."""
        key = (layout.id, counter.id)
        column = self._made.get(key)
        if column is None:
            known = self._known.get(key)
            column = TokenColumn(self._items, layout, counter, lazy=self._lazy, known=known)
            self._made[key] = column
        column.use(layout, counter)
        return column

    def counts(self) -> dict[TokenKey, IntArray]:
        """What is counted so far, each of shape (n,); 0 where an item is not counted yet."""
        made = dict(self._made)  # a query of another thread may add one
        return {**self._known, **{key: column.counts for key, column in made.items()}}

    def changed(self, items: ItemRows, rows: RowMap) -> TokenColumns:
        """The columns of other items; those of rows that are not fresh are taken from here."""
        known = {key: rows.carried(tokens, 0) for key, tokens in self._known.items()}
        result = TokenColumns(items, lazy=self._lazy, known=known)
        made = dict(self._made)
        result._made = {key: column.changed(items, rows) for key, column in made.items()}
        return result
