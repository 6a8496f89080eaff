"""Find memories: by id, all that can be recalled, a page of those that a filter lets through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, true

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.dialect import among, contains
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.services.store.owned import Rows, select_owned
from mba_integrations.services.store.rows.memories import (
    MemoryFilter,
    MemoryPage,
    MemoryRow,
    MemoryState,
)
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements.records import (
    COLUMNS,
    hash_of,
    row_of,
    tags_by_memory,
)
from mba_integrations.services.store.tables.memories import memory, memory_tag

# Every write sends these: to put one together takes as long as to send it.
_BY_IDS = select_owned(memory, *COLUMNS).where(among(memory.c.memory_id, "names"))
_TAGS_BY_IDS = select_owned(memory_tag, memory_tag.c.memory_id, memory_tag.c.tag).where(
    among(memory_tag.c.memory_id, "names")
)
_BY_HASHES = (
    select_owned(
        memory,
        memory.c.added_seq,
        memory.c.content_hash,
        memory.c.tier,
        memory.c.source,
        memory.c.subject,
        memory.c.memory_id,
    )
    .where(among(memory.c.content_hash, "names"))
    .where(memory.c.state == MemoryState.ACTIVE)
)


def find(reading: Reading, memory_ids: Iterable[str]) -> dict[str, MemoryRow]:
    """Memories by id, in any state; those that are not known are missing."""
    found = reading.execute(_BY_IDS, {"names": list(memory_ids)})
    return {row.memory_id: row for row in _with_tags(reading, found.all())}


def get(reading: Reading, memory_id: str) -> MemoryRow:
    """One memory, in any state.

    Raises:
        UnknownMemoryError: If there is none of that id.
    """
    return known(reading, [memory_id])[0]


def known(reading: Reading, memory_ids: Sequence[str]) -> list[MemoryRow]:
    """Memories in the order of their ids, in any state.

    Raises:
        UnknownMemoryError: Naming those that are not known.
    """
    found = find(reading, memory_ids)
    missing = [memory_id for memory_id in memory_ids if memory_id not in found]
    if missing:
        named = ", ".join(repr(memory_id) for memory_id in missing[:5])
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        raise UnknownMemoryError(
            f"workspace {reading.workspace_id!r} has no memory {named}{more}.", missing
        )
    return [found[memory_id] for memory_id in memory_ids]


def current(reading: Reading) -> tuple[MemoryRow, ...]:
    """All active memories in the order in which they were added: what a pool is made of.

    Those that expired are among them until they are swept; a recall leaves them out by itself.
    """
    return _whole(reading, memory.c.state == MemoryState.ACTIVE)


def in_any_state(reading: Reading) -> tuple[MemoryRow, ...]:
    """All memories, superseded and forgotten ones too, in the order in which they were added."""
    return _whole(reading, true())


def _whole(reading: Reading, which: ColumnElement[bool]) -> tuple[MemoryRow, ...]:
    statement = reading.select(memory, *COLUMNS).where(which).order_by(memory.c.added_seq)
    tags = reading.select(memory_tag, memory_tag.c.memory_id, memory_tag.c.tag)
    by_memory = tags_by_memory(reading.execute(tags))
    return tuple(row_of(found, by_memory) for found in reading.execute(statement))


def listed(
    reading: Reading,
    wanted: MemoryFilter | None = None,
    *,
    after: int | None = None,
    limit: int = 100,
    newest_first: bool = True,
) -> MemoryPage:
    """A page of the memories that a filter lets through, in the order in which they were added.

    What is added or deleted between two pages moves no other memory to another page.

    Args:
        reading: The scope.
        wanted: Which ones; None for all active ones.
        after: What the page before gave; None for the first page.
        limit: The most memories of a page, from 1.
        newest_first: Whether the memory added last comes first.
    """
    checked_whole("limit", limit, at_least=1)
    statement = matching(reading, reading.select(memory, *COLUMNS), wanted or MemoryFilter())
    place = memory.c.added_seq
    if after is not None:
        statement = statement.where(place < after if newest_first else place > after)
    statement = statement.order_by(place.desc() if newest_first else place).limit(limit + 1)
    rows = tuple(_rows(reading, statement))
    return MemoryPage(
        rows=rows[:limit], after=rows[limit - 1].added_seq if len(rows) > limit else None
    )


def ids(reading: Reading, wanted: MemoryFilter) -> tuple[str, ...]:
    """Ids of all memories that a filter lets through, in the order in which they were added."""
    columns = (memory.c.added_seq, memory.c.memory_id)
    found = reading.execute(matching(reading, reading.select(memory, *columns), wanted))
    return tuple(memory_id for _, memory_id in sorted((seq, one) for seq, one in found))


def sources(reading: Reading, named: Iterable[str]) -> frozenset[str]:
    """Which of these sources have memories, in any state."""
    statement = reading.select(memory, memory.c.source).where(among(memory.c.source, list(named)))
    return frozenset(reading.execute(statement.distinct()).scalars())


def count(reading: Reading, wanted: MemoryFilter | None = None) -> Mapping[MemoryTier, int]:
    """How many memories a filter lets through, by tier; tiers without any are 0."""
    statement = reading.select(memory, memory.c.tier, func.count())
    statement = matching(reading, statement, wanted or MemoryFilter()).group_by(memory.c.tier)
    found: dict[MemoryTier, int] = dict(reading.execute(statement).all())
    return {tier: found.get(tier, 0) for tier in MemoryTier}


def total(reading: Reading) -> int:
    """How many memories there are, in any state; read from an index alone."""
    return int(reading.execute(reading.select(memory, func.count())).scalar_one())


def metadata_values(
    reading: Reading, path: tuple[str, ...], wanted: MemoryFilter | None = None
) -> tuple[Any, ...]:
    """What memories that a filter lets through have at a place of their metadata, each once.

    Texts, numbers and truth values come as texts, lists and objects as they are.
    """
    value = memory.c.metadata[path].as_string()
    statement = matching(reading, reading.select(memory, value), wanted or MemoryFilter())
    found = reading.execute(statement.where(value.is_not(None)).distinct()).scalars()
    return tuple(_read(one) for one in sorted(found))


def _read(text: str) -> Any:
    """A list or an object; any other text as it is."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def repeated(reading: Reading, rows: Sequence[MemoryRow]) -> dict[str, str]:
    """Which of these rows, by id, say what an active memory of another id says, and its id.

    The same text counts as said again within one tier and source, about the same subject: of two
    persons who like tea both do, and what is erased of one is still known of the other.
    """
    hashes = {"names": list({hash_of(row.content) for row in rows})}
    # Ordered here: for an order of its own SQLite walks through all rows in that order.
    found = sorted(reading.execute(_BY_HASHES, hashes), key=lambda one: -one.added_seq)
    said = {tuple(key): memory_id for _, *key, memory_id in found}
    keyed = (
        (row, said.get((hash_of(row.content), MemoryTier(row.tier), row.source, row.subject)))
        for row in rows
    )
    return {
        row.memory_id: other for row, other in keyed if other is not None and other != row.memory_id
    }


def matching(reading: Reading, statement: Rows, wanted: MemoryFilter) -> Rows:
    """The statement on memories, narrowed to those that a filter lets through."""
    return statement.where(*_names(reading, wanted), *_moments(wanted), *_contents(reading, wanted))


def _names(reading: Reading, wanted: MemoryFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.states is not None:
        yield memory.c.state.in_(sorted(wanted.states))
    if wanted.tiers is not None:
        yield memory.c.tier.in_(sorted(wanted.tiers))
    for column, names in (
        (memory.c.memory_id, wanted.memory_ids),
        (memory.c.subject, wanted.subjects),
        (memory.c.source, wanted.sources),
        (memory.c.group_id, wanted.groups),
        (memory.c.session_id, wanted.session_ids),
        (memory.c.author, wanted.authors),
    ):
        if names is not None:
            yield among(column, sorted(names))
    for column, flag in ((memory.c.pinned, wanted.pinned), (memory.c.held, wanted.held)):
        if flag is not None:
            yield column == flag


def _moments(wanted: MemoryFilter) -> Iterator[ColumnElement[bool]]:
    for column, first, end in (
        (memory.c.created_at, wanted.created_from, wanted.created_before),
        (memory.c.event_at, wanted.event_from, wanted.event_before),
        (memory.c.stored_at, wanted.stored_from, wanted.stored_before),
    ):
        if first is not None:
            yield column >= first
        if end is not None:
            yield column < end
    if wanted.idle_since is not None:
        used = func.coalesce(memory.c.last_accessed_at, memory.c.created_at, memory.c.stored_at)
        yield used < wanted.idle_since
    if wanted.alive_at is not None:
        yield memory.c.expires_at.is_(None) | (memory.c.expires_at > wanted.alive_at)
    if wanted.expired_at is not None:
        yield memory.c.expires_at <= wanted.expired_at


def _contents(reading: Reading, wanted: MemoryFilter) -> Iterator[ColumnElement[bool]]:
    for tag in sorted(wanted.tags):
        tagged = reading.select(memory_tag, memory_tag.c.memory_id).where(memory_tag.c.tag == tag)
        yield memory.c.memory_id.in_(tagged)
    for key, value in wanted.metadata.items():
        yield _entry_is(key, value)
    if wanted.contains is not None:
        yield contains(memory.c.content, wanted.contains)


def _entry_is(key: str, value: str | int | float | bool) -> ColumnElement[bool]:
    entry = memory.c.metadata[key]
    typed: ColumnElement[Any]
    if isinstance(value, bool):
        typed = entry.as_boolean()
    elif isinstance(value, str):
        typed = entry.as_string()
    else:
        typed = entry.as_float()
    return typed == value


def _rows(reading: Reading, statement: Any) -> Iterator[MemoryRow]:
    return _with_tags(reading, reading.execute(statement).all())


def _with_tags(reading: Reading, found: Sequence[Row[*tuple[Any, ...]]]) -> Iterator[MemoryRow]:
    if not found:
        return iter(())
    ids = {"names": [one.memory_id for one in found]}
    by_memory = tags_by_memory(reading.execute(_TAGS_BY_IDS, ids))
    return (row_of(one, by_memory) for one in found)
