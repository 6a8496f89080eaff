"""The job of an import: part by part, each with its counts in one transaction.

A worker that dies leaves the parts that it has not done; whoever takes the job next goes on there.
A job that is cancelled stops before its next part, and a retry goes on. A worker that is to end
gives the job back between two parts.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from typing import Any

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.errors import JobError
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.transfer.importing import (
    Batches,
    ImportReply,
    put_documents,
    put_vectors,
)
from mba_integrations.services.memory.transfer.staged import Found, part_at, parts_of, put_part
from mba_integrations.services.store.erasure.staged import part_key
from mba_integrations.services.store.errors import IdempotencyConflictError, UnknownJobError
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import answers, jobs

KIND = "import"
MOST_ATTEMPTS = 100
"""A restart of the server costs one."""
_DONE = "parts_done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """What an import was asked, as its job keeps it.

    Attributes:
        digest: Of the file and of how it is read.
        dry_run: Whether to count only.
        parts: How many there are.
    """

    digest: str
    dry_run: bool
    parts: int = 0


def digest_of_file(path: str | os.PathLike[str], asked: tuple[object, ...]) -> str:
    """SHA-256 of a file and of what is asked about it; of the question alone where it is none."""
    if not os.path.isfile(path):
        return hashlib.sha256(repr(asked).encode()).hexdigest()
    with open(path, "rb") as file:
        hashed = hashlib.file_digest(file, "sha256")
    hashed.update(repr(asked).encode())
    return hashed.hexdigest()


def begun_before(
    equipment: Equipment, workspace_id: str, request: str, wanted: ImportJob
) -> JobRow | None:
    """The job that a request of this name began; None if it is new.

    Raises:
        IdempotencyConflictError: If it was another request.
    """
    with equipment.read(workspace_id) as reading:
        try:
            row = jobs.get(reading, _id_of(request))
        except UnknownJobError:
            return None
    if row.payload["digest"] != wanted.digest:
        raise IdempotencyConflictError(
            f"the key was used for another import in workspace {workspace_id!r}. Give each request "
            "its own key."
        )
    return row


def begin(
    equipment: Equipment,
    workspace_id: str,
    read: Found,
    wanted: ImportJob,
    *,
    subject: str | None,
    request: str | None,
) -> JobRow:
    """Keep what was read, part by part, and then the job: without all its parts there is none."""
    job_id = new_id(equipment.clock()) if request is None else _id_of(request)
    parts = 0
    for parts, part in enumerate(parts_of(read, subject), start=1):
        _keep(equipment, workspace_id, job_id, parts - 1, part)
    payload = {**asdict(wanted), "parts": parts, "notes": list(read.notes)}

    def act(writing: Writing) -> JobRow:
        return jobs.enqueue(writing, job_id, KIND, payload, max_attempts=MOST_ATTEMPTS)

    return equipment.write(workspace_id, act)


def import_parts(*, extracts: bool) -> Handler:
    """What does such jobs."""

    def work_on(work: JobWork) -> None:
        kept = work.job.result or {}
        payload = work.job.payload
        reply = ImportReply.from_dict(kept) if kept else ImportReply(notes=tuple(payload["notes"]))
        for place in range(kept.get(_DONE, 0), payload["parts"]):
            if work.is_to_stop:
                work.release()
                return
            _do(work, place, reply, Batches(work.equipment, extracts=extracts))
        work.finish(lambda writing: reply.to_dict())

    return work_on


def _do(work: JobWork, place: int, reply: ImportReply, own: Batches) -> None:
    payload, job_id = work.job.payload, work.job.job_id
    with work.equipment.read(work.workspace_id) as reading:
        part = part_at(reading, job_id, place)
    if part is None:
        raise JobError(f"part {place} of the import is not kept any more. Send the file again.")
    progress = (place + 1) / payload["parts"]
    if payload["dry_run"]:
        reply += own.counted(work.workspace_id, part, subject=None)

    def step(writing: Writing) -> None:
        nonlocal reply
        if not payload["dry_run"]:
            reply += own.bring(writing, part, subject=None)
            put_documents(writing, part.documents)
            reply += put_vectors(writing, part.vectors)
        answers.drop(writing, part_key(job_id, place))
        written = {**reply.to_dict(), _DONE: place + 1}
        jobs.renew(writing, job_id, work.owner, progress=progress, result=written)

    work.write(step, progress=progress)


def _keep(
    equipment: Equipment, workspace_id: str, job_id: str, place: int, part: dict[str, Any]
) -> None:
    equipment.write(workspace_id, lambda writing: put_part(writing, job_id, place, part))


def _id_of(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()[:32]
