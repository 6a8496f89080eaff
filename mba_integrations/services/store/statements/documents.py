"""Documents: put, find, list, delete. Their pieces are memories, which `memories` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import func

from mba_integrations.core.arguments import checked_whole
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.owned import select_owned
from mba_integrations.services.store.rows.documents import DocumentPage, DocumentRow, DocumentStamp
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.tables.documents import document

_COLUMNS = tuple(document.c[one.name] for one in fields(DocumentRow))
_STAMP = tuple(document.c[one.name] for one in fields(DocumentStamp))
_BY_IDS = select_owned(document, *_COLUMNS).where(among(document.c.document_id, "names"))


def put(writing: Writing, rows: Sequence[DocumentRow]) -> None:
    """Keep documents, in place of those that have their ids."""
    writing.put(document, [_values(row) for row in rows])


def find(reading: Reading, document_ids: Iterable[str]) -> dict[str, DocumentRow]:
    """Documents by id; those that are not known are missing."""
    found = reading.execute(_BY_IDS, {"names": list(document_ids)})
    rows = (DocumentRow(**values) for values in found.mappings())
    return {row.document_id: row for row in rows}


def listed(
    reading: Reading, origin: str | None = None, *, after: str | None = None, limit: int = 100
) -> DocumentPage:
    """A page of documents, in the order of their ids.

    Args:
        reading: The scope.
        origin: Only those that a sync brought from there.
        after: What the page before gave; None for the first page.
        limit: The most documents of a page, from 1.
    """
    limit = checked_whole("limit", limit, at_least=1)
    statement = reading.select(document, *_COLUMNS).order_by(document.c.document_id)
    if origin is not None:
        statement = statement.where(document.c.origin == origin)
    if after is not None:
        statement = statement.where(document.c.document_id > after)
    found = reading.execute(statement.limit(limit + 1)).mappings().all()
    rows = tuple(DocumentRow(**values) for values in found[:limit])
    return DocumentPage(
        documents=rows, next_after=rows[-1].document_id if len(found) > limit else None
    )


def every(reading: Reading) -> Iterator[DocumentRow]:
    """All documents, in the order of their ids."""
    statement = reading.select(document, *_COLUMNS).order_by(document.c.document_id)
    return (DocumentRow(**values) for values in reading.execute(statement).mappings())


def stamps(reading: Reading, origin: str) -> dict[str, DocumentStamp]:
    """By id, what tells whether the documents of an origin have to be read again."""
    statement = reading.select(document, *_STAMP).where(document.c.origin == origin)
    return {
        found.document_id: DocumentStamp(**found._mapping) for found in reading.execute(statement)
    }


def count(reading: Reading) -> int:
    """How many documents the workspace has."""
    counted = reading.select(document, func.count(document.c.document_id))
    return int(reading.execute(counted).scalar_one())


def delete(writing: Writing, document_ids: Iterable[str]) -> int:
    """Delete documents, not their pieces; gives how many there were."""
    which = among(document.c.document_id, list(document_ids))
    return writing.execute(writing.delete(document).where(which)).rowcount


def _values(row: DocumentRow) -> dict[str, Any]:
    values = {one.name: getattr(row, one.name) for one in fields(row)}
    return {**values, "metadata": dict(row.metadata)}
