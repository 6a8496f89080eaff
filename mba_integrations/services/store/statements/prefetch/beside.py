"""What is a candidate besides what words and vectors find, each by a partial index of its own.

Pinned and important memories, the newest ones, the newest of working memory, what a prompt had, the
neighbours of what was found, and whole groups: a choice over some of the memories keeps its rules
only if these are among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Double, any_, bindparam, cast, func, true
from sqlalchemy.sql import or_

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.owned import Rows, select_owned
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements.finding import matching
from mba_integrations.services.store.tables.memories import memory

IMPORTANT = 0.6
"""From here on an item may be needed whatever is asked; see `core.value.need.standing`."""
_hit = memory.alias("hit")


def few(reading: Reading, wanted: MemoryFilter, *, most: int) -> list[int] | None:
    """Places of all memories that a filter lets through; None if they are more than so many."""
    statement = matching(reading, reading.select(memory, memory.c.added_seq), wanted)
    found = list(reading.execute(statement.limit(most + 1)).scalars())
    return None if len(found) > most else sorted(found)


def among_places(reading: Reading, places: Sequence[int], wanted: MemoryFilter) -> list[int]:
    """Those of some places whose memory a filter lets through, in the order given."""
    statement = reading.select(memory, memory.c.added_seq).where(at_places(places))
    there = set(reading.execute(matching(reading, statement, wanted)).scalars())
    return [place for place in places if place in there]


def at_places(places: Sequence[int]) -> ColumnElement[bool]:
    """That a memory has one of these places."""
    given = bindparam(None, list(places), type_=ARRAY(BigInteger))
    return memory.c.added_seq == any_(given)


def always(reading: Reading, wanted: MemoryFilter, *, most: int) -> list[int]:
    """Places of what is a candidate whatever is asked, at most so many of each kind; all pins."""
    important = or_(memory.c.pinned, memory.c.importance > IMPORTANT)
    standing = _newest(reading, wanted).where(important)
    pinned = standing.where(memory.c.pinned)
    working = _newest(reading, wanted).where(memory.c.tier == MemoryTier.WORKING)
    kinds = (
        pinned,
        standing.limit(most),
        working.limit(most),
        _newest(reading, wanted).limit(most),
    )
    return list(dict.fromkeys(place for one in kinds for place in reading.execute(one).scalars()))


def of_ids(reading: Reading, memory_ids: Iterable[str], wanted: MemoryFilter) -> list[int]:
    """Places of these memories."""
    statement = reading.select(memory, memory.c.added_seq)
    statement = statement.where(among(memory.c.memory_id, list(memory_ids)))
    return list(reading.execute(matching(reading, statement, wanted)).scalars())


def around(
    reading: Reading, places: Sequence[int], wanted: MemoryFilter, *, steps: int
) -> list[int]:
    """Places of what stands so many steps around some memories in their sources."""
    found: list[int] = []
    for forward in (True, False):
        beside = _beside(reading, wanted, steps, forward=forward)
        given = bindparam(None, list(places), type_=ARRAY(BigInteger))
        own: Any = _hit.c.added_seq == any_(given)
        statement = select_owned(_hit, beside.c.added_seq).join(beside, true()).where(own)
        found += reading.execute(statement).scalars()
    return list(dict.fromkeys(found))


def whole_groups(reading: Reading, places: Sequence[int], wanted: MemoryFilter) -> list[int]:
    """Places of all members of the groups that some memories are in."""
    grouped = reading.select(memory, memory.c.group_id).where(memory.c.group_id.is_not(None))
    if reading.execute(grouped.limit(1)).first() is None:
        return []
    named = list(reading.execute(grouped.where(at_places(places)).distinct()).scalars())
    statement = reading.select(memory, memory.c.added_seq)
    statement = statement.where(memory.c.group_id.is_not(None), among(memory.c.group_id, named))
    return list(reading.execute(matching(reading, statement, wanted)).scalars())


def _newest(reading: Reading, wanted: MemoryFilter) -> Rows:
    statement = matching(reading, reading.select(memory, memory.c.added_seq), wanted)
    return statement.order_by(memory.c.added_seq.desc())


def _place_in_source(table: Any) -> ColumnElement[float]:
    """Where a memory stands in its source; without a position by when it was added."""
    return func.coalesce(table.c.position, cast(table.c.added_seq, Double))


def _beside(reading: Reading, wanted: MemoryFilter, steps: int, *, forward: bool) -> Any:
    here, there = _place_in_source(_hit), _place_in_source(memory)
    statement = matching(reading, select_owned(memory, memory.c.added_seq), wanted)
    statement = statement.where(
        memory.c.source == _hit.c.source, there > here if forward else there < here
    )
    ordered = statement.order_by(there if forward else there.desc()).limit(steps)
    return ordered.correlate(_hit).lateral("beside")
