"""Erase memories by id, subject or source: all that the tables know of them, with a receipt.

What goes: the memories, in any state, with vectors, tags, earlier texts and uses; what the feed
said of them; documents without any piece left; items and feedback of the log; sessions and kept
answers that name them, and jobs with their texts; queries and texts of all log records since the
first of them was stored, for a passage of one is not told from others; filters of log records that
name what is erased; records of imports that wait. What stays: one change `erase` with the id, so
that pools drop it, and hashes in the ledger.

A text that was superseded, or took the place of another, stays unless it is named too, by its own
id or by what both have in common. `Store.scrub` frees the space, after the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Row, Text, cast

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.documents import written_as_json
from mba_integrations.services.store.erasure import ledger
from mba_integrations.services.store.erasure.pruning import remove
from mba_integrations.services.store.erasure.staged import clear_parts
from mba_integrations.services.store.rows.allocations import ASKED
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.erasures import ErasedKind, Erasure
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.statements import documents, finding
from mba_integrations.services.store.tables.log import (
    allocation,
    allocation_item,
    feedback,
    session,
)
from mba_integrations.services.store.tables.memories import memory_change, memory_version
from mba_integrations.services.store.tables.work import answer, erasure, job

_TEXTS = {"query", "texts"}
"""What of a log record is text of users."""
_TEXTS_OF_FILTERS = {"contains", "metadata"}
_CLEARED = {"unkept": ["filters"]}
_HAS_FILTERS = cast(allocation.c.record, Text).contains('"filters"')
_NEVER = datetime.min.replace(tzinfo=UTC)
_FIELDS = {
    ErasedKind.MEMORY: "id",
    ErasedKind.SUBJECT: "subject",
    ErasedKind.SOURCE: "source",
}
"""Where records of parts have what is erased."""
_SELECTED_BY = {
    ErasedKind.MEMORY: "memory_ids",
    ErasedKind.SUBJECT: "subjects",
    ErasedKind.SOURCE: "sources",
}


def chosen(reading: Reading, kind: ErasedKind, values: Iterable[str]) -> tuple[str, ...]:
    """Ids of all memories that an erasure by these values is about, in any state.

    Raises:
        InputError: If *kind* is no way to choose memories.
    """
    kind = checked_member("kind", kind, ErasedKind)
    if kind not in _SELECTED_BY:
        raise InputError(f"kind must be one of {', '.join(_SELECTED_BY)}, got {kind!r}.")
    field = {_SELECTED_BY[kind]: frozenset(values)}
    return finding.ids(reading, MemoryFilter(states=None, **field))  # type: ignore[arg-type]


def erase(writing: Writing, erasure_id: str, kind: ErasedKind, values: Iterable[str]) -> Erasure:
    """Erase memories by their ids, subjects or sources, and enter that in the ledger.

    Values without a memory are entered too, so that a backup in which they have some is cleaned.

    Args:
        writing: The scope.
        erasure_id: Id of the receipt.
        kind: What the values are: memory ids, subjects or sources.
        values: Which ones.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        InputError: If *kind* is no way to choose memories.
    """
    named = [checked_id(f"a {kind}", value) for value in dict.fromkeys(values)]
    writing.hold()
    gone = chosen(writing, kind, named)
    ledger.enter(writing, kind, named)
    _clear_filters(writing, [*named, *gone])
    clear_parts(writing, {_FIELDS[kind]: set(named)})
    sources = named if kind is ErasedKind.SOURCE else []
    return _erase(writing, checked_id("erasure_id", erasure_id), gone, sources)


def erase_again(writing: Writing, erasure_id: str) -> Erasure | None:
    """Erase what the ledger says must not be there, as after a restore; None if nothing is.

    That is what was stored before its id, subject or source was erased. What was said since
    then stays, under whatever id.

    Args:
        writing: The scope.
        erasure_id: Id of the receipt.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    writing.hold()
    gone = _came_back(writing)
    return _erase(writing, checked_id("erasure_id", erasure_id), gone) if gone else None


def receipts(reading: Reading) -> tuple[Erasure, ...]:
    """Receipts of the workspace's erasures, the latest first."""
    statement = reading.select(erasure).order_by(erasure.c.at.desc(), erasure.c.erasure_id)
    return tuple(_receipt(found) for found in reading.execute(statement))


def receipt(reading: Reading, erasure_id: str) -> Erasure | None:
    """One receipt; None if there is none of that id."""
    statement = reading.select(erasure).where(erasure.c.erasure_id == erasure_id)
    found = reading.execute(statement).one_or_none()
    return None if found is None else _receipt(found)


def _receipt(found: Row[*tuple[Any, ...]]) -> Erasure:
    return Erasure(erasure_id=found.erasure_id, at=found.at, actor=found.actor, counts=found.counts)


def _erase(
    writing: Writing, erasure_id: str, gone: Sequence[str], sources: Sequence[str] = ()
) -> Erasure:
    rows = finding.known(writing, gone)
    texts = [*(row.content for row in rows), *_earlier_texts(writing, gone)]
    ledger.enter(writing, ErasedKind.MEMORY, gone)
    ledger.enter(writing, ErasedKind.CONTENT, texts)
    clear_parts(writing, {"id": set(gone), "content": set(texts)})
    counts = {**remove(writing, gone), **_forget_in_log(writing, rows, texts)}
    which = among(memory_change.c.memory_id, gone)
    counts["document"] = _delete_documents(
        writing, {*sources, *(row.source for row in rows if row.source is not None)}
    )
    counts["memory_change"] = writing.execute(writing.delete(memory_change).where(which)).rowcount
    _tell_pools(writing, gone)
    made: dict[str, Any] = {
        "erasure_id": erasure_id,
        "at": writing.at,
        "actor": writing.actor,
        "counts": counts,
    }
    writing.insert(erasure, [made])
    return Erasure(**made)


def _delete_documents(writing: Writing, sources: Iterable[str]) -> int:
    """Delete the documents of which no piece is left: titles and addresses are texts too."""
    named = frozenset(sources)
    left = finding.sources(writing, named)
    return documents.delete(writing, named - left)


def _earlier_texts(writing: Writing, gone: Sequence[str]) -> list[str]:
    statement = writing.select(memory_version, memory_version.c.content)
    return list(writing.execute(statement.where(among(memory_version.c.memory_id, gone))).scalars())


def _tell_pools(writing: Writing, gone: Sequence[str]) -> None:
    """One change for each memory, which says no more than its id."""
    seqs = writing.next_changes(len(gone))
    told = [
        {"change_seq": seq, "memory_id": one, "op": ChangeOp.ERASE, "at": writing.at}
        for seq, one in zip(seqs, gone, strict=True)
    ]
    writing.insert(memory_change, told)


def _forget_in_log(
    writing: Writing, rows: Sequence[MemoryRow], texts: Sequence[str]
) -> dict[str, int]:
    """Delete what log, sessions, answers and jobs hold of memories; gives rows, by table."""
    if not rows:
        return {}
    gone = [row.memory_id for row in rows]
    named = [written_as_json(one) for one in gone]
    said = [written_as_json(text)[1:-1] for text in texts]
    counts = {
        "session": _delete_holding(writing, session.c.session_id, [session.c.previous], named),
        "answer": _delete_holding(writing, answer.c.key, [answer.c.response], named),
        "job": _delete_holding(writing, job.c.job_id, [job.c.payload, job.c.result], said),
        "allocation": _clear_records(writing, min(row.stored_at or writing.at for row in rows)),
    }
    for table in (allocation_item, feedback):
        which = among(table.c.memory_id, gone)
        counts[table.name] = writing.execute(writing.delete(table).where(which)).rowcount
    return counts


def _delete_holding(
    writing: Writing, key: Column[Any], documents: Sequence[Column[Any]], parts: Sequence[str]
) -> int:
    """Delete rows with one of these parts in the text of one of their documents."""
    found = writing.execute(writing.select(key.table, key, *documents))
    holding = [one for one, *kept in found if any(part in written_as_json(kept) for part in parts)]
    return writing.execute(writing.delete(key.table).where(among(key, holding))).rowcount


def _clear_records(writing: Writing, since: datetime) -> int:
    """Take queries and texts out of log records; gives out of how many."""
    columns = (allocation.c.allocation_id, allocation.c.record)
    statement = writing.select(allocation, *columns).where(allocation.c.at >= since)
    found = [(one, record, _without_texts(record)) for one, record in writing.execute(statement)]
    cleared = [{"allocation_id": one, "record": new} for one, old, new in found if new != old]
    writing.update_each(allocation, "allocation_id", cleared)
    return len(cleared)


def _without_texts(record: Mapping[str, Any]) -> dict[str, Any]:
    left = {name: value for name, value in record.items() if name not in _TEXTS}
    filters = record.get(ASKED, {}).get("filters", {})
    return left | {ASKED: _CLEARED} if _TEXTS_OF_FILTERS & filters.keys() else left


def _clear_filters(writing: Writing, named: Sequence[str]) -> None:
    """Take filters out of log records that name what is erased; what is left says so."""
    parts = [written_as_json(one) for one in named]
    columns = (allocation.c.allocation_id, allocation.c.record)
    statement = writing.select(allocation, *columns)
    cleared = [
        {"allocation_id": one, "record": {**record, ASKED: _CLEARED}}
        for one, record in writing.execute(statement.where(_HAS_FILTERS))
        if any(part in written_as_json(record.get(ASKED)) for part in parts)
    ]
    writing.update_each(allocation, "allocation_id", cleared)


def _came_back(reading: Reading) -> list[str]:
    """Ids of memories that were stored before what they have was erased."""
    erased_at = {(one.kind, one.digest): one.erased_at for one in ledger.entries(reading)}
    if not erased_at:
        return []
    key = ledger.key_of(reading)
    return [
        row.memory_id
        for row in finding.in_any_state(reading)
        if any(
            value is not None
            and row.stored_at is not None
            and row.stored_at <= erased_at.get((kind, key(kind, value)), _NEVER)
            for kind, value in (
                (ErasedKind.MEMORY, row.memory_id),
                (ErasedKind.SUBJECT, row.subject),
                (ErasedKind.SOURCE, row.source),
            )
        )
    ]
