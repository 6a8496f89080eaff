"""The items of one moment as columns, each computed once and then shared by every query.

A snapshot never changes, so threads may read it together; two threads that need the same column at
the same time may both compute it, with the same result. Building costs one pass over the items;
texts are rendered, counted, indexed and embedded only when a query needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.lexical import LexicalIndex
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.relevance import Corpus
from mba_integrations.core.rendering import Renderer
from mba_integrations.core.token_counting import TokenCounter, checked_counts

Embedder = Callable[[list[str]], FloatArray]
"""Texts in, array of shape (n, d) out."""

_TIER_CODES = {tier: code for code, tier in enumerate(MemoryTier)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The signals of n items, each of shape (n,), in input order.

    Attributes:
        tier: Index into `MemoryTier`.
        given_relevance: In [0, 1]; NaN unknown.
        importance: In [0, 1].
        created_seconds: Unix time; NaN unknown. Times without a zone count as UTC.
        source: Code of the source; -1 unknown.
        position: Order within the source; NaN unknown.
        group: Code of the group; -1 for an item on its own.
        pinned: Whether the item must be in the prompt.
        naive_times: Whether the times lack a zone; None if no item has a time.
    """

    tier: IntArray
    given_relevance: FloatArray
    importance: FloatArray
    created_seconds: FloatArray
    source: IntArray
    position: FloatArray
    group: IntArray
    pinned: BoolArray
    naive_times: bool | None


class PoolSnapshot:
    """Items that do not change any more, with the columns that queries need.

    Args:
        items: The items.
    """

    def __init__(self, items: Sequence[MemoryItem]) -> None:
        self.items = tuple(items)
        self.ids = _checked_ids(self.items)
        self._lines: dict[str, list[str]] = {}
        self._tokens: dict[tuple[str, str], IntArray] = {}
        self._embedded: tuple[Embedder | None, FloatArray | None, BoolArray | None] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def columns(self) -> Columns:
        """The signals as arrays.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        items = self.items
        naive = _zone_of_times(items)
        tier = np.array([_TIER_CODES[item.tier] for item in items], dtype=np.int8)
        group = _codes([item.group for item in items])
        _check_groups(items, tier, group)
        return Columns(
            tier=tier,
            given_relevance=_floats([item.relevance for item in items]),
            importance=_floats([item.importance for item in items]),
            created_seconds=_floats([_seconds(item.created_at) for item in items]),
            source=_codes([item.source for item in items]),
            position=_floats([item.position for item in items]),
            group=group,
            pinned=np.array([item.pinned for item in items], dtype=bool),
            naive_times=naive,
        )

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
    def texts(self) -> list[str]:
        """The contents."""
        return [item.content for item in self.items]

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 index of the contents."""
        return LexicalIndex.build(self.texts)

    @cached_property
    def _speakers(self) -> tuple[IntArray, tuple[str, ...]]:
        names = [item.metadata.get("speaker") or item.metadata.get("role") for item in self.items]
        texts = [None if name is None else str(name) for name in names]
        return _codes(texts), tuple(dict.fromkeys(text for text in texts if text is not None))

    def lines(self, renderer: Renderer) -> list[str]:
        """Each item as it stands in the prompt."""
        lines = self._lines.get(renderer.id)
        if lines is None:
            lines = [renderer.line(item) for item in self.items]
            self._lines[renderer.id] = lines
        return lines

    def line_tokens(self, renderer: Renderer, counter: TokenCounter) -> IntArray:
        """Tokens of each line, shape (n,)."""
        key = (renderer.id, counter.id)
        tokens = self._tokens.get(key)
        if tokens is None:
            counts = checked_counts(counter, self.lines(renderer))
            tokens = np.maximum(np.array(counts, dtype=np.int64), 1)
            self._tokens[key] = tokens
        return tokens

    def corpus(self, embedder: Embedder | None) -> Corpus:
        """The columns that relevance and usefulness read."""
        columns = self.columns
        vectors, has_vector = self.vectors(embedder)
        speaker, names = self._speakers
        return Corpus(
            texts=self.texts,
            lexical=self.lexical,
            vectors=vectors,
            has_vector=has_vector,
            source=columns.source,
            position=columns.position,
            created_seconds=columns.created_seconds,
            speaker=speaker,
            speaker_names=names,
            given_relevance=columns.given_relevance,
            importance=columns.importance,
        )

    def vectors(self, embedder: Embedder | None) -> tuple[FloatArray | None, BoolArray | None]:
        """Embeddings with rows of length 1, shape (n, d), and which rows are known, shape (n,).

        Items without one are embedded where there is an embedder. (None, None) where no item has
        one.

        Raises:
            InputError: If vectors differ in length, or the embedder returns another shape.
        """
        if self._embedded is None or self._embedded[0] is not embedder:
            self._embedded = (embedder, *self._embed(embedder))
        return self._embedded[1], self._embedded[2]

    def _embed(self, embedder: Embedder | None) -> tuple[FloatArray | None, BoolArray | None]:
        missing = [row for row, item in enumerate(self.items) if item.embedding is None]
        made = embed([self.texts[row] for row in missing], embedder) if missing else None
        if made is None and len(missing) == len(self.items):
            return None, None
        rows = [item.embedding for item in self.items]
        if made is not None:
            for row, vector in zip(missing, made, strict=True):
                rows[row] = vector
        return _stacked(self.items, rows), np.array([row is not None for row in rows])


def embed(texts: list[str], embedder: Embedder | None) -> FloatArray | None:
    """Call the embedder and check what it returns: float32, shape (n, d), finite; None without one.

    Raises:
        InputError: If the result has another shape or holds values that are not finite.
    """
    if embedder is None:
        return None
    try:
        vectors = np.asarray(embedder(texts), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"the embedder returned what is no array of numbers: {error}.") from error
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise InputError(
            f"the embedder returned an array of shape {vectors.shape} for {len(texts):,} texts; "
            f"it must return ({len(texts):,}, dimensions)."
        )
    if not np.isfinite(vectors).all():
        raise InputError("the embedder returned a value that is not finite.")
    return vectors


def seconds_of(time: datetime) -> float:
    """Unix time in seconds; a time without a zone counts as UTC."""
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else seconds_of(time)


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _codes(names: Sequence[str | None]) -> IntArray:
    """Number names in order of appearance; -1 for None."""
    known: dict[str, int] = {}
    codes = [-1 if name is None else known.setdefault(name, len(known)) for name in names]
    return np.array(codes, dtype=np.int64)


def _checked_ids(items: tuple[MemoryItem, ...]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for row, item in enumerate(items):
        if not isinstance(item, MemoryItem):
            raise InputError(f"memory {row} is a {type(item).__name__}, must be a MemoryItem.")
        if ids.setdefault(item.id, row) != row:
            raise DuplicateItemError(
                f"two items have the id {item.id!r}, at places {ids[item.id]} and {row}. "
                "Give each item an id of its own.",
                item_id=item.id,
            )
    return ids


def _zone_of_times(items: tuple[MemoryItem, ...]) -> bool | None:
    seen: dict[bool, str] = {}
    for item in items:
        for time in (item.created_at, item.last_accessed_at):
            if time is not None:
                seen.setdefault(time.tzinfo is None, item.id)
    if len(seen) == 2:
        raise InputError(
            f"item {seen[True]!r} has a time without a zone, item {seen[False]!r} one with a zone. "
            "Give every time a zone, such as datetime.now(timezone.utc)."
        )
    return next(iter(seen), None)


def _check_groups(items: tuple[MemoryItem, ...], tier: IntArray, group: IntArray) -> None:
    first: dict[int, int] = {}
    for row in np.flatnonzero(group >= 0):
        other = first.setdefault(int(group[row]), int(row))
        if tier[other] != tier[row]:
            raise InputError(
                f"group {items[row].group!r} has items of two tiers: {items[other].id!r} is "
                f"{items[other].tier.value}, {items[row].id!r} is {items[row].tier.value}. "
                "A group belongs to one tier."
            )


def _stacked(items: tuple[MemoryItem, ...], rows: Sequence[FloatArray | None]) -> FloatArray:
    known = [(item.id, row) for item, row in zip(items, rows, strict=True) if row is not None]
    first_id, first = known[0]
    matrix = np.zeros((len(items), len(first)), dtype=np.float32)
    for place, (item, row) in enumerate(zip(items, rows, strict=True)):
        if row is None:
            continue
        if len(row) != len(first):
            raise InputError(
                f"embeddings differ in length: item {first_id!r} has {len(first)} numbers, "
                f"item {item.id!r} has {len(row)}. Embed all items with one model."
            )
        matrix[place] = row
    # Neither of the two makes another array of the size of the matrix.
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    matrix /= np.where(lengths > 0, lengths, 1.0)[:, None]
    return matrix
