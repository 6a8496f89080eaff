"""Load the memories of a workspace column by column, as a pool takes them.

Of 100,000 memories these are 1.5 million values. So each column is converted as a whole, and only
where it holds something: most have no metadata and no time of use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, cast, type_coerce

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.loaded import LoadedMemories
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements.prefetch import beside
from mba_integrations.services.store.tables.columns import moment_of
from mba_integrations.services.store.tables.memories import memory

_TIERS = {tier.value: tier for tier in MemoryTier}
_COLUMNS = {
    "id": memory.c.memory_id,
    "content": memory.c.content,
    "tier": type_coerce(memory.c.tier, Text),
    "importance": memory.c.importance,
    "created_at": type_coerce(memory.c.created_at, BigInteger),
    "last_accessed_at": type_coerce(memory.c.last_accessed_at, BigInteger),
    "access_count": memory.c.access_count,
    "source": memory.c.source,
    "position": memory.c.position,
    "group": memory.c.group_id,
    "pinned": memory.c.pinned,
    "metadata": cast(memory.c.metadata, Text),
    "expires_at": type_coerce(memory.c.expires_at, BigInteger),
    "terms": memory.c.terms,
}


def active(reading: Reading) -> LoadedMemories:
    """All active memories.

    Those that expired are among them until they are swept; a recall leaves them out by itself.
    """
    return _loaded(reading, memory.c.state == MemoryState.ACTIVE)


def at_places(reading: Reading, places: Sequence[int]) -> LoadedMemories:
    """The memories that were added by these changes, in the order in which they were added."""
    return _loaded(reading, beside.at_places(places))


def terms_at_places(reading: Reading, places: Sequence[int]) -> list[frozenset[str]]:
    """The written terms of the memories that were added by these changes."""
    statement = reading.select(memory, memory.c.terms).where(beside.at_places(places))
    found = reading.execute(statement).scalars()
    return [frozenset((written or "").split("\n")[1:]) for written in found]


def _loaded(reading: Reading, which: ColumnElement[bool]) -> LoadedMemories:
    statement = reading.select(memory, *_COLUMNS.values()).where(which).order_by(memory.c.added_seq)
    found = reading.values(statement)
    columns: list[Sequence[Any]] = list(zip(*found, strict=True)) or [()] * len(_COLUMNS)
    values = dict(zip(_COLUMNS, columns, strict=True))
    values["tier"] = list(map(_TIERS.__getitem__, values["tier"]))
    for name in ("created_at", "last_accessed_at", "expires_at"):
        values[name] = _converted(values[name], moment_of)
    values["pinned"] = list(map(bool, values["pinned"]))
    values["metadata"] = [{} if one == "{}" else json.loads(one) for one in values["metadata"]]
    expires_at, terms = values.pop("expires_at"), values.pop("terms")
    return LoadedMemories(items=values, expires_at=expires_at, terms=terms)


def _converted(
    column: Sequence[int | None], convert: Callable[[int], datetime]
) -> list[datetime | None]:
    """A column of which equal values are converted once: those of one write are alike."""
    known: dict[int | None, datetime | None] = {
        one: None if one is None else convert(one) for one in set(column)
    }
    return list(map(known.__getitem__, column))
