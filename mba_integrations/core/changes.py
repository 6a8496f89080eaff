"""What changed from one list of items to the next, for each kind of column.

An item that was replaced may still have the same text, the same line in the prompt or the same
vector, and then those columns are carried over. Comparing costs O(items that were replaced).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.model import MemoryItem
from mba_integrations.core.row_map import RowMap

_IN_LINES = ("id", "content", "tier", "source", "position", "group", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Where the new rows come from; what is not the same counts as fresh.

    Attributes:
        ids: Rows of the same id.
        items: Rows of items that are the same in everything.
        lines: Rows of items that are written alike.
        texts: Rows of the same text.
        vectors: Rows with the same embedding, or none and the same text.
    """

    ids: RowMap
    items: RowMap
    lines: RowMap
    texts: RowMap
    vectors: RowMap

    @classmethod
    def between(
        cls,
        before: Sequence[MemoryItem],
        items: Sequence[MemoryItem],
        alike: RowMap,
        *,
        replaced: Iterable[int] = (),
    ) -> Change:
        """The change of which *alike* says what to compare with what.

        Args:
            before: The earlier items.
            items: The items.
            alike: Earlier row of each item. Its item is the same one, unless the row is *replaced*.
            replaced: Rows whose item may be another one, ascending.
        """
        other: dict[str, list[int]] = {name: [] for name in _SAME}
        origin = alike.origin
        for row in replaced:
            old, new = before[row if origin is None else int(origin[row])], items[row]
            if not _same_item(old, new):
                for name, same in _SAME.items():
                    if not same(old, new):
                        other[name].append(row)
        return cls(**{name: _without(alike, rows) for name, rows in other.items()})


def _same_item(old: MemoryItem, new: MemoryItem) -> bool:
    """Whether two items are the same in everything, metadata and embedding as well."""
    return old is new or (
        old == new
        and old.metadata == new.metadata
        and _same_time(old.created_at, new.created_at)
        and _same_time(old.last_accessed_at, new.last_accessed_at)
        and _same_vector(old, new)
    )


def _without(alike: RowMap, rows: list[int]) -> RowMap:
    if not rows:
        return alike
    origin = np.arange(alike.size) if alike.origin is None else alike.origin.copy()
    origin[alike.fresh] = -1
    origin[rows] = -1
    return RowMap(alike.before, alike.size, origin)


def _same_line(old: MemoryItem, new: MemoryItem) -> bool:
    return _same_time(old.created_at, new.created_at) and all(
        getattr(old, name) == getattr(new, name) for name in _IN_LINES
    )


def _same_time(old: datetime | None, new: datetime | None) -> bool:
    """Equal moments in two zones are not written alike."""
    return old == new and (old is None or new is None or old.utcoffset() == new.utcoffset())


def _same_vector(old: MemoryItem, new: MemoryItem) -> bool:
    if old.embedding is None or new.embedding is None:
        return old.embedding is new.embedding and old.content == new.content
    return old.embedding is new.embedding or np.array_equal(old.embedding, new.embedding)


_SAME: dict[str, Callable[[MemoryItem, MemoryItem], bool]] = {
    "ids": lambda old, new: old.id == new.id,
    "items": _same_item,
    "lines": _same_line,
    "texts": lambda old, new: old.content == new.content,
    "vectors": _same_vector,
}
