"""The items of one moment as columns, each computed once and then shared by every query.

A snapshot never changes, so threads may read it together; two threads that need the same column at
the same time may both compute it, with the same result. Texts are counted, indexed and embedded
only when a query needs it.

The snapshot of a changed list is made from the earlier one: columns that are there are carried
over, and only what is new is worked out. It equals one made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.change import Change
from mba_integrations.core.pool.columns import Columns, ItemColumns, Speakers
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.items import Contents, ItemRows, RowsById
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.embedder import Embedder, embed
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.vector_column import VectorColumn, column_of
from mba_integrations.core.times import seconds_of

__all__ = ["Columns", "Embedder", "PoolSnapshot", "embed", "seconds_of"]

T = TypeVar("T")


class PoolSnapshot:
    """Items that do not change any more, with the columns that queries need.

    Args:
        items: The items.
        lazy: Whether items are counted only where they can matter; for items that may be used
            once.

    Attributes:
        lazy: See above.
        items: The items.
        ids: Rows of the ids.
        known_tokens: Tokens that were counted before, shape (n,), by id of layout and of counter;
            0 where an item is not counted yet.

    Raises:
        InputError: If one of the items is no item.
        DuplicateItemError: If two share an id.
    """

    def __init__(self, items: Iterable[MemoryItem], *, lazy: bool = False) -> None:
        self.items = ItemRows(items)
        self.ids = RowsById.build(self.items)
        self.lazy = lazy
        self._derived: dict[Hashable, Any] = {}
        self.known_tokens: dict[tuple[str, str], IntArray] = {}
        self._tokens: dict[tuple[str, str], TokenColumn] = {}
        self._embedded: tuple[Embedder | None, VectorColumn | None] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process, or a deep one, has the items and prepares them anew."""
        return PoolSnapshot, (tuple(self.items),)

    def appended(self, items: Sequence[MemoryItem]) -> PoolSnapshot:
        """The snapshot with more items, whose ids are new."""
        longer = self.items.appended(items)
        rows = RowMap(len(self), len(longer))
        return self._changed(longer, Change.between(self.items, longer, rows))

    def changed(
        self, items: Iterable[MemoryItem], origin: IntArray, *, replaced: Iterable[int]
    ) -> PoolSnapshot:
        """The snapshot of other items.

        Args:
            items: The items, with unique ids.
            origin: Row here of the item that each is, or stands in for; -1 where there is none.
                No row twice. Shape (len(items),).
            replaced: Rows whose item may be another one than here, ascending.
        """
        listed = ItemRows(items)
        rows = RowMap.of(origin, len(self))
        return self._changed(listed, Change.between(self.items, listed, rows, replaced=replaced))

    def _changed(self, items: ItemRows, change: Change) -> PoolSnapshot:
        """Carry over the columns that are there; what is refused is left to be refused again."""
        made = PoolSnapshot.__new__(PoolSnapshot)
        made.items = items
        made.ids = self.ids.changed(lambda row: items[row].id, change.ids)
        made.lazy, made._derived = self.lazy, {}
        made.known_tokens = {
            key: change.lines.carried(tokens, 0) for key, tokens in self.known_tokens.items()
        }
        made._tokens = {
            key: tokens.changed(items, change.lines) for key, tokens in dict(self._tokens).items()
        }
        made._embedded = self._carried_vectors(items, change.vectors)
        built, carried = self.__dict__, made.__dict__
        with suppress(InputError):
            if "item_columns" in built:
                carried["item_columns"] = self.item_columns.changed(items, change.items)
        if "lexical" in built:
            carried["lexical"] = self.lexical.changed(made.texts, change.texts)
        if "around" in built and change.items.origin is None and "item_columns" in carried:
            columns = made.columns
            carried["around"] = self.around.appended(
                source=columns.source, position=columns.position
            )
        if "tier_rows" in built and change.items.origin is None and "item_columns" in carried:
            fresh = change.items.fresh
            own = made.columns.tier[fresh]
            carried["tier_rows"] = tuple(
                np.concatenate([rows, fresh[own == code]])
                for code, rows in enumerate(self.tier_rows)
            )
        if "speakers" in built:
            carried["speakers"] = self.speakers.changed(items, change.items)
        return made

    def _carried_vectors(
        self, items: ItemRows, rows: RowMap
    ) -> tuple[Embedder | None, VectorColumn | None] | None:
        if self._embedded is None:
            return None
        embedder, column = self._embedded
        if column is not None:
            return embedder, column.changed(rows)
        fresh = (items[row] for row in rows.fresh.tolist())
        return self._embedded if all(item.embedding is None for item in fresh) else None

    @cached_property
    def item_columns(self) -> ItemColumns:
        """The signals as arrays, with what the next snapshot's are made from.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        return ItemColumns.build(self.items)

    @property
    def columns(self) -> Columns:
        """The signals as arrays.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        return self.item_columns.columns

    @cached_property
    def tier_counts(self) -> tuple[int, ...]:
        """How many items each tier has, in the order of `MemoryTier`."""
        counts = np.bincount(self.columns.tier, minlength=len(MemoryTier))
        return tuple(int(count) for count in counts)

    @cached_property
    def all_relevance_given(self) -> bool:
        """Whether every item brought its relevance."""
        return not np.isnan(self.columns.given_relevance).any()

    @cached_property
    def texts(self) -> Sequence[str]:
        """The contents."""
        return Contents(self.items)

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 index of the contents."""
        return LexicalIndex.build(self.texts)

    @cached_property
    def speakers(self) -> Speakers:
        """Who says each item."""
        return Speakers.build(self.items)

    @cached_property
    def around(self) -> Neighbourhood:
        """What stands next to each item in its source."""
        return Neighbourhood(source=self.columns.source, position=self.columns.position)

    def token_column(self, layout: PromptLayout, counter: TokenCounter) -> TokenColumn:
        """Tokens of each item in a prompt."""
        key = (layout.id, counter.id)
        column = self._tokens.get(key)
        if column is None:
            known = self.known_tokens.get(key)
            column = TokenColumn(self.items, layout, counter, lazy=self.lazy, known=known)
            self._tokens[key] = column
        column.use(layout, counter)
        return column

    def counted_tokens(self) -> dict[tuple[str, str], IntArray]:
        """What is counted so far; see `known_tokens`."""
        columns = dict(self._tokens)  # a query of another thread may add one
        return {**self.known_tokens, **{key: column.counts for key, column in columns.items()}}

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """What *make* derives from the items alone, made once for each *key*."""
        if key not in self._derived:
            self._derived[key] = make()
        made: T = self._derived[key]
        return made

    @cached_property
    def rows(self) -> IntArray:
        """All rows, shape (n,)."""
        return np.arange(len(self.items))

    @cached_property
    def has_groups(self) -> bool:
        """Whether some items are kept or left out together."""
        return bool((self.columns.group >= 0).any())

    @cached_property
    def latest_created_seconds(self) -> float:
        """Unix time of the newest item; minus infinity where no item has a time."""
        created = self.columns.created_seconds
        return float(np.max(created, where=~np.isnan(created), initial=-np.inf))

    @cached_property
    def undated_rows(self) -> IntArray:
        """Rows of the items without a `created_at`."""
        return np.flatnonzero(np.isnan(self.columns.created_seconds))

    @cached_property
    def tier_rows(self) -> tuple[IntArray, ...]:
        """Rows of each tier, ascending, in the order of `MemoryTier`."""
        tier = self.columns.tier
        return tuple(np.flatnonzero(tier == code) for code in range(len(MemoryTier)))

    def corpus(self, embedder: Embedder | None) -> Corpus:
        """The columns that relevance and usefulness read."""
        columns = self.columns
        vectors, has_vector = self.vectors(embedder)
        return Corpus(
            texts=self.texts,
            lexical=self.lexical,
            vectors=vectors,
            has_vector=has_vector,
            source=columns.source,
            position=columns.position,
            created_seconds=columns.created_seconds,
            speaker=self.speakers.codes,
            speaker_names=tuple(self.speakers.table.names()),
            given_relevance=columns.given_relevance,
            importance=columns.importance,
            around=self.around,
        )

    def vectors(self, embedder: Embedder | None) -> tuple[VectorColumn | None, BoolArray | None]:
        """Embeddings of the items, and which of them are known, shape (n,).

        Items without one are embedded where there is an embedder. (None, None) where no item has
        one.

        Raises:
            InputError: If vectors differ in length, or the embedder returns another shape.
        """
        if self._embedded is None or self._embedded[0] is not embedder:
            column = column_of(self.items, self._vectors_of(self.items, embedder))
            self._embedded = (embedder, column)
        column = self._embedded[1]
        if column is not None and len(column.pending):
            column = self._completed(column, embedder)
            self._embedded = (embedder, column)
        if column is None or not column.known.any():
            return None, None
        return column, column.known

    def _completed(self, column: VectorColumn, embedder: Embedder | None) -> VectorColumn | None:
        pending = [self.items[row] for row in column.pending.tolist()]
        vectors = self._vectors_of(pending, embedder)
        dimensions = column.shape[1]
        if any(vector is not None and len(vector) != dimensions for vector in vectors):
            # Refused, unless the vectors of the other length have all gone.
            return column_of(self.items, self._vectors_of(self.items, embedder))
        return column.completed(vectors)

    @staticmethod
    def _vectors_of(
        items: Sequence[MemoryItem], embedder: Embedder | None
    ) -> list[FloatArray | None]:
        """Embeddings of the items; those that are missing are made where there is an embedder."""
        rows = [item.embedding for item in items]
        missing = [row for row, vector in enumerate(rows) if vector is None]
        made = embed([items[row].content for row in missing], embedder) if missing else None
        if made is not None:
            for row, vector in zip(missing, made, strict=True):
                rows[row] = vector
        return rows
