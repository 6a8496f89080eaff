"""Work that outlives a call: jobs with a lease, and answers to requests that may come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    """Somebody has it, until its lease runs out; then it can be claimed again."""
    DONE = "done"
    FAILED = "failed"
    """It failed as often as it may, and its last error is kept."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job. Who works on one must expect that it was begun before: leases run out.

    Attributes:
        workspace_id: Of which workspace.
        job_id: Unique in the workspace.
        kind: What is to be done.
        payload: With what.
        state: Where it stands.
        attempts: How often it was claimed.
        max_attempts: How often it may be.
        lease_owner: Who has it.
        lease_until: Until when.
        run_after: Not before this time.
        progress: How far it is, in [0, 1].
        result: What came out.
        error: Why the last attempt failed.
        created_at: When it was put in.
        finished_at: When it came to its end.
    """

    workspace_id: str
    job_id: str
    kind: str
    payload: Mapping[str, Any]
    state: JobState
    attempts: int
    max_attempts: int
    lease_owner: str | None
    lease_until: datetime | None
    run_after: datetime
    progress: float
    result: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered with.

    Attributes:
        key: The caller's key for it.
        request_hash: SHA-256 of the request, in hexadecimal.
        response: The answer, as JSON can hold it.
        expires_at: Until when it is kept.
    """

    key: str
    request_hash: str
    response: Mapping[str, Any]
    expires_at: datetime
