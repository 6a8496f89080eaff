"""The items of one moment as columns, each computed once and then shared by every query.

A snapshot never changes, so threads may read it together; two threads that need the same column at
the same time may both compute it, with the same result. Texts are counted, indexed and embedded
only when a query needs it.

The snapshot of a changed list is made from the earlier one by the rule of `rows`: of the columns
that are made there, those that have a way to be changed are carried over, and only what is new is
worked out. It equals one made anew.

>>> first = PoolSnapshot([MemoryItem("a", "Kate skis.", "rag"), MemoryItem("b", "Oslo.", "rag")])
>>> len(first.lexical), PoolSnapshot.around.known(first)
(2, False)
>>> second = first.appended([MemoryItem("c", "Kate is in Oslo.", "rag")])
>>> PoolSnapshot.lexical.known(second), PoolSnapshot.around.known(second)
(True, False)
>>> (second.lexical.scores("Oslo") > 0).tolist(), (first.lexical.scores("Oslo") > 0).tolist()
([False, True, True], [False, True])
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.talk import Talk, talk_of
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import TIERS, MemoryItem, MemoryTier
from mba_integrations.core.pool.change import Change
from mba_integrations.core.pool.columns import Columns, ItemColumns, Speakers
from mba_integrations.core.pool.corpus import Corpus, RankedList, ranked_lists
from mba_integrations.core.pool.items import Contents, ItemRows, RowsById
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.pool.token_column import TokenColumn, TokenColumns
from mba_integrations.core.rows.column import Column, carry
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.search.embeddings import Embeddings, ItemVectors
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.vector_column import VectorColumn
from mba_integrations.core.search.words.lexical_columns import WholeTexts

_MOST_DERIVED = 16
"""Arrays of n numbers; workspaces of one pool rarely differ in more half-lives and weights."""


class _Derived(dict[Hashable, Any]):
    """What is worked out from the items; the oldest goes when there are more than a few."""

    def __setitem__(self, key: Hashable, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _MOST_DERIVED:
            oldest, *_ = list(self)  # in one step: another thread may add meanwhile
            self.pop(oldest, None)


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
        derived: What a caller works out from the items alone and wants kept as long as they are,
            by what it depends on besides; a few of them, the oldest go.

    Raises:
        InputError: If one of the items is no item.
        DuplicateItemError: If two share an id.
    """

    def __init__(self, items: Iterable[MemoryItem], *, lazy: bool = False) -> None:
        self.items = ItemRows(items)
        self.ids = RowsById.build(self.items)
        self.lazy = lazy
        self.derived: dict[Hashable, Any] = _Derived()

    def __len__(self) -> int:
        return len(self.items)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process, or a deep one, has the items and prepares them anew."""
        return _restored, (tuple(self.items), self.lazy)

    def appended(self, items: Sequence[MemoryItem]) -> PoolSnapshot:
        """The snapshot with more items, whose ids are new."""
        longer = self.items.appended(items)
        return self._carried(longer, RowMap(len(self), len(longer)), ())

    def changed(
        self, items: Iterable[MemoryItem], rows: RowMap, *, replaced: Iterable[int]
    ) -> PoolSnapshot:
        """The snapshot of other items.

        Args:
            items: The items, with unique ids.
            rows: Row here of the item that each is, or stands in for; no row twice.
            replaced: Rows whose item may be another one than here, ascending.
        """
        return self._carried(ItemRows(items), rows, replaced)

    def _carried(self, items: ItemRows, rows: RowMap, replaced: Iterable[int]) -> PoolSnapshot:
        change = Change.between(self.items, items, rows, replaced=replaced)
        made = PoolSnapshot.__new__(PoolSnapshot)
        made.items, made.lazy, made.derived = items, self.lazy, _Derived()
        made.ids = self.ids.changed(items, change.ids)
        carry(self, made, change)
        return made

    @Column
    def item_columns(self) -> ItemColumns:
        """The signals as arrays, with what the next snapshot's are made from.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        return ItemColumns.build(self.items)

    @item_columns.changed
    def _(self, before: ItemColumns, change: Change) -> ItemColumns | None:
        with suppress(InputError):  # what is refused is left to be refused where it is asked for
            return before.changed(self.items, change.items)
        return None

    @property
    def columns(self) -> Columns:
        """The signals as arrays.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        return self.item_columns.columns

    @Column
    def texts(self) -> Sequence[str]:
        """The contents."""
        return Contents(self.items)

    @Column
    def lexical(self) -> LexicalIndex:
        """BM25 index of the contents."""
        return LexicalIndex.build(self.texts)

    @lexical.changed
    def _(self, before: LexicalIndex, change: Change) -> LexicalIndex:
        return before.changed(self.texts, change.texts)

    @Column
    def embeddings(self) -> Embeddings:
        """Vectors of the items."""
        return Embeddings(self.items)

    @embeddings.changed
    def _(self, before: Embeddings, change: Change) -> Embeddings:
        return before.changed(self.items, change.vectors)

    @Column
    def tokens(self) -> TokenColumns:
        """Tokens of the items, by layout and counter."""
        return TokenColumns(self.items, lazy=self.lazy)

    @tokens.changed
    def _(self, before: TokenColumns, change: Change) -> TokenColumns:
        return before.changed(self.items, change.lines)

    @Column
    def speakers(self) -> Speakers:
        """Who says each item."""
        return Speakers.build(self.items, self.columns.source)

    @speakers.changed
    def _(self, before: Speakers, change: Change) -> Speakers | None:
        if not PoolSnapshot.item_columns.known(self):
            return None
        return before.changed(self.items, change.lines, self.columns.source)

    @Column
    def around(self) -> Neighbourhood:
        """What stands next to each item in its source."""
        return Neighbourhood(source=self.columns.source, position=self.columns.position)

    @around.changed
    def _(self, before: Neighbourhood, change: Change) -> Neighbourhood | None:
        if not self._has_grown(change):
            return None
        columns = self.columns
        return before.appended(source=columns.source, position=columns.position)

    @Column
    def tier_rows(self) -> tuple[IntArray, ...]:
        """Rows of each tier, ascending, in the order of `MemoryTier`."""
        tier = self.columns.tier
        return tuple(np.flatnonzero(tier == code) for code in range(len(TIERS)))

    @tier_rows.changed
    def _(self, before: tuple[IntArray, ...], change: Change) -> tuple[IntArray, ...] | None:
        if not self._has_grown(change):
            return None
        fresh = change.items.fresh
        own = self.columns.tier[fresh]
        return tuple(np.concatenate([rows, fresh[own == code]]) for code, rows in enumerate(before))

    @Column
    def talk(self) -> Talk:
        """What of the items is a talk, and its exchanges."""
        return talk_of(self.items, self.columns, self.tier_rows[MemoryTier.WORKING.code])

    def _has_grown(self, change: Change) -> bool:
        """Whether items only came at the end, and their columns could be carried over."""
        return change.items.origin is None and PoolSnapshot.item_columns.known(self)

    @Column
    def rows(self) -> IntArray:
        """All rows, shape (n,)."""
        return np.arange(len(self.items))

    @Column
    def tier_counts(self) -> tuple[int, ...]:
        """How many items each tier has, in the order of `MemoryTier`."""
        counts = np.bincount(self.columns.tier, minlength=len(TIERS))
        return tuple(int(count) for count in counts)

    @Column
    def all_relevance_given(self) -> bool:
        """Whether every item brought its relevance."""
        return not np.isnan(self.columns.given_relevance).any()

    @Column
    def lists(self) -> tuple[RankedList, ...]:
        """What retrievers found, list by list."""
        return ranked_lists(self.columns)

    @Column
    def has_groups(self) -> bool:
        """Whether some items are kept or left out together."""
        return bool((self.columns.group >= 0).any())

    @Column
    def latest_created_seconds(self) -> float:
        """Unix time of the newest item; minus infinity where no item has a time."""
        created = self.columns.created_seconds
        return float(np.max(created, where=~np.isnan(created), initial=-np.inf))

    @Column
    def undated_rows(self) -> IntArray:
        """Rows of the items without a `created_at`."""
        return np.flatnonzero(np.isnan(self.columns.created_seconds))

    def take_terms(self, written: Sequence[str | None], whole: WholeTexts | None = None) -> None:
        """Index the contents by terms that were cut before.

        Args:
            written: What `written_terms` gave of each item's content; None where that is not known.
            whole: What is known of the texts of which the contents are a part; None where they are
                all.
        """
        PoolSnapshot.lexical.put(self, LexicalIndex.of_written(self.texts, written, whole))

    def take_vectors(self, matrix: FloatArray, has_vector: BoolArray) -> None:
        """Compare questions with vectors that are known to be sound; see `Embeddings.of_matrix`."""
        made = Embeddings.of_matrix(self.items, matrix, has_vector)
        PoolSnapshot.embeddings.put(self, made)

    def token_column(self, layout: PromptLayout, counter: TokenCounter) -> TokenColumn:
        """Tokens of each item in a prompt."""
        return self.tokens.column(layout, counter)

    def vectors(self, embedder: Embedder | None, *, length: int | None = None) -> ItemVectors:
        """Embeddings of the items; those without one are embedded where there is an embedder.

        Args:
            embedder: Makes what is missing; None for none.
            length: Numbers of the vector that they are compared with; None if there is none.

        Raises:
            InputError: If the embedder returns no array with a row for each text.
        """
        return self.embeddings.of(embedder, length=length)

    def corpus(
        self, vectors: VectorColumn | None, tokens: CachedTokenEmbedder | None = None
    ) -> Corpus:
        """The columns that relevance and usefulness read, with those vectors."""
        columns = self.columns
        return Corpus(
            texts=self.texts,
            lexical=self.lexical,
            vectors=vectors,
            has_vector=None if vectors is None else vectors.known,
            source=columns.source,
            position=columns.position,
            created_seconds=columns.created_seconds,
            speaker=self.speakers.codes,
            speaker_names=self.speakers.names,
            given_relevance=columns.given_relevance,
            importance=columns.importance,
            around=self.around,
            lists=self.lists,
            tokens=tokens,
        )


def _restored(items: tuple[MemoryItem, ...], lazy: bool) -> PoolSnapshot:
    return PoolSnapshot(items, lazy=lazy)
