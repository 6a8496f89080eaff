"""The records of an export: memories as they were added, documents, then vectors by model.

Read page by page within one transaction, so an export of any size takes the memory of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE
from mba_integrations.services.memory.transfer.records import (
    document_record,
    memory_record,
    vector_record,
)
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import documents, finding, vectors

Progress = Callable[[int, int], None]
"""Told how many memories are done, and of how many."""


def export_records(
    reading: Reading, *, with_vectors: bool, with_inactive: bool, progress: Progress | None = None
) -> Iterator[Mapping[str, Any]]:
    """All records, within the transaction of *reading*."""
    wanted = MemoryFilter(states=None) if with_inactive else MemoryFilter()
    models = tuple(vectors.coverage(reading)) if with_vectors else ()
    total, done = sum(finding.count(reading, wanted).values()) * (1 + len(models)), 0

    def tell(rows: tuple[MemoryRow, ...]) -> None:
        nonlocal done
        done += len(rows)
        if progress is not None:
            progress(done, total)

    for rows in _rows(reading, wanted):
        yield from map(memory_record, rows)
        tell(rows)
    yield from map(document_record, documents.every(reading))
    for model_id in models:
        for rows in _rows(reading, wanted):
            yield from _vectors(reading, model_id, [row.memory_id for row in rows])
            tell(rows)


def _rows(reading: Reading, wanted: MemoryFilter) -> Iterator[tuple[MemoryRow, ...]]:
    after: int | None = None
    while True:
        page = finding.listed(reading, wanted, after=after, limit=MOST_AT_ONCE, newest_first=False)
        yield page.rows
        after = page.after
        if after is None:
            return


def _vectors(reading: Reading, model_id: str, ids: list[str]) -> Iterator[Mapping[str, Any]]:
    found, matrix = vectors.of(reading, model_id, ids)
    for memory_id, vector in zip(found, matrix, strict=True):
        yield vector_record(memory_id, model_id, vector)
