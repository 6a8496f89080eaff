"""What an extractor finds in messages, as memories; made by a job after the messages were kept.

The job names the messages by their ids, so that it holds no text which an erasure would miss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mba_integrations.core.model import MemoryItem
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.errors import JobError
from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.given import Defaults, given_memories
from mba_integrations.services.memory.remembering.remember import RememberRequest, remember
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import finding

AUTHOR = "extractor"
Extractor = Callable[[list[dict[str, Any]]], Iterable[str | MemoryItem | NewMemory]]
"""Messages with `role`, `content` and `created_at` in; what is worth remembering of them out."""


def extraction_by(extractor: Extractor | None) -> Handler:
    """The job, with that extractor."""

    def extract(work: JobWork) -> None:
        if extractor is None:
            raise JobError("this service has no extractor. Open it with one.")
        with work.equipment.read(work.workspace_id) as reading:
            rows = _messages(reading, work.job.payload["memory_ids"])
        memories = list(extractor([_message(row) for row in rows])) if rows else []
        if not memories:
            work.finish(lambda writing: {"remembered": 0})
            return
        given = given_memories(memories, _defaults(rows), now=work.equipment.clock())
        request = RememberRequest(found=given.memories, skip=True)
        work.finish(lambda writing: _remembered(writing, request, rows, work.equipment.models))

    return extract


def _messages(reading: Reading, memory_ids: Sequence[str]) -> list[MemoryRow]:
    """Those of the messages that are still to be recalled, in their order."""
    found = finding.find(reading, memory_ids).values()
    active = [row for row in found if row.state is MemoryState.ACTIVE]
    return sorted(active, key=lambda row: row.added_seq)


def _message(row: MemoryRow) -> dict[str, Any]:
    return {
        "role": row.metadata.get("role", "user"),
        "content": row.content,
        "created_at": None if row.created_at is None else row.created_at.isoformat(),
    }


def _defaults(rows: Sequence[MemoryRow]) -> Defaults:
    """What the messages have alike."""
    subjects = {row.subject for row in rows}
    session_ids = {row.session_id for row in rows}
    return Defaults(
        subject=subjects.pop() if len(subjects) == 1 else None,
        session_id=session_ids.pop() if len(session_ids) == 1 else None,
        author=AUTHOR,
    )


def _remembered(
    writing: Writing,
    request: RememberRequest,
    rows: Sequence[MemoryRow],
    models: EmbeddingModels,
) -> dict[str, Any]:
    """Remember what was found, unless what it was found in went meanwhile."""
    if len(_messages(writing, [row.memory_id for row in rows])) < len(rows):
        return {"remembered": 0}
    reply = remember(writing, request, models)
    refused = [one.error for one in reply.results if one.error is not None]
    return {"remembered": reply.created, "refused": refused}
