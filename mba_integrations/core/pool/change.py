"""What changed from one list of items to the next, for each kind of column.

An item that was replaced may still have the same text, the same line in the prompt or the same
vector, and then those columns are carried over. Comparing costs O(items that were replaced).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

import numpy as np

from mba_integrations.core.arguments import says_the_same
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap

_MANY = 1000  # then lists, which are read faster, are worth a copy
_IN_LINE = attrgetter("id", "content", "tier", "source", "position", "group")
_BESIDE_LINE = attrgetter(
    "relevance", "importance", "access_count", "pinned", "retriever_score", "retriever"
)


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
        other: dict[str, list[int]] = {name: [] for name in cls.__slots__}
        rows = list(replaced)
        if len(rows) > _MANY:
            before, items = list(before), list(items)
        earlier = rows if alike.origin is None else alike.origin[rows].tolist()
        for row, place in zip(rows, earlier, strict=True):
            for name in _differences(before[place], items[row]):
                other[name].append(row)
        return cls(**{name: _without(alike, found) for name, found in other.items()})


def _without(alike: RowMap, rows: list[int]) -> RowMap:
    if not rows:
        return alike
    origin = np.arange(alike.size) if alike.origin is None else alike.origin.copy()
    origin[alike.fresh] = -1
    origin[rows] = -1
    return RowMap(alike.before, alike.size, origin)


def _differences(old: MemoryItem, new: MemoryItem) -> list[str]:
    """Fields of `Change` in which an item is another one than before."""
    if old is new:
        return []
    line = (
        _IN_LINE(old) == _IN_LINE(new)
        and says_the_same(old.metadata, new.metadata)
        and _same_time(old.created_at, new.created_at)
    )
    text = line or old.content == new.content
    vector = _same_vector(old, new, text)
    others = _BESIDE_LINE(old) == _BESIDE_LINE(new)
    item = line and vector and others and _same_time(old.last_accessed_at, new.last_accessed_at)
    same = {
        "ids": line or old.id == new.id,
        "items": item,
        "lines": line,
        "texts": text,
        "vectors": vector,
    }
    return [name for name, equal in same.items() if not equal]


def _same_time(old: datetime | None, new: datetime | None) -> bool:
    """Equal moments in two zones are not written alike."""
    if old is new or old is None or new is None:
        return old is new
    return old == new and old.utcoffset() == new.utcoffset()


def _same_vector(old: MemoryItem, new: MemoryItem, same_text: bool) -> bool:
    if old.embedding is None or new.embedding is None:
        return old.embedding is new.embedding and same_text
    return old.embedding is new.embedding or np.array_equal(old.embedding, new.embedding)
