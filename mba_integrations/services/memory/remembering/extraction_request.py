"""Ask for what an extractor finds in messages: a job that names them by their ids."""

from __future__ import annotations

from collections.abc import Sequence

from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import jobs

KIND = "extract"


def ask_for_extraction(writing: Writing, rows: Sequence[MemoryRow]) -> None:
    """Put in a job for those of the rows that are messages, if there are any."""
    said = [row.memory_id for row in rows if "role" in row.metadata]
    if said:
        jobs.enqueue(writing, new_id(writing.at), KIND, {"memory_ids": said})
