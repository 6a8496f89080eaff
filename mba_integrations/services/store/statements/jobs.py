"""Jobs: put in, claimed with a lease, renewed, ended, tried again, cancelled.

    queued --claim--> running --complete--> done
      ^                 |  \\--cancel------> cancelled
      |                 |
      +---- fail, release, or the lease runs out ---- the last attempt ----> failed

A claim takes one job for one owner, whoever else asks at the same time. A lease that ran out makes
a job free again, so a worker that died holds nothing; who comes back late is told so by
`LeaseLostError`, and has to undo or leave what it did. A job may therefore be begun more than once,
and what does it must bear that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, tuple_
from sqlalchemy.sql import and_, or_

from mba_integrations.core.arguments import checked_whole, shown
from mba_integrations.services.store.errors import LeaseLostError, UnknownJobError
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.services.store.scopes import (
    Reading,
    ReadingAll,
    Writing,
    WritingAll,
    checked_id,
)
from mba_integrations.services.store.tables.work import job

LEASE = timedelta(seconds=60)
"""How long a job is one worker's without a sign of life."""
CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far clocks of two machines may be apart."""
MAX_ATTEMPTS = 5
_OPEN = (JobState.QUEUED, JobState.RUNNING)


def enqueue(
    writing: Writing,
    job_id: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    delay: timedelta = timedelta(0),
    max_attempts: int = MAX_ATTEMPTS,
    once: bool = False,
) -> JobRow:
    """Put a job in; one of that id that is there stays as it is, and is given.

    Args:
        writing: The scope.
        job_id: Its id.
        kind: What is to be done.
        payload: With what.
        delay: How long it waits at least.
        max_attempts: How often it is begun at most.
        once: Whether a job of the same kind that is queued and was never begun does as well; then
            that one is given.
    """
    checked_id("job_id", job_id)
    checked_whole("max_attempts", max_attempts, at_least=1)
    waiting = _waiting(writing, kind) if once else None
    if waiting is not None:
        return waiting
    row = {
        "job_id": job_id,
        "kind": checked_id("kind", kind),
        "payload": dict(payload),
        "state": JobState.QUEUED,
        "attempts": 0,
        "max_attempts": max_attempts,
        "run_after": writing.at + delay,
        "progress": 0.0,
        "created_at": writing.at,
    }
    writing.insert(job, [row], skip_known=True)
    return get(writing, job_id)


def get(reading: Reading, job_id: str) -> JobRow:
    """A job.

    Raises:
        UnknownJobError: If there is none of that id.
    """
    statement = reading.select(job).where(job.c.job_id == job_id)
    found = reading.execute(statement).one_or_none()
    if found is None:
        raise _unknown(reading, job_id)
    return _row(found)


def listed(
    reading: Reading | ReadingAll,
    *,
    states: Sequence[JobState] = tuple(JobState),
    limit: int = 100,
) -> tuple[JobRow, ...]:
    """Jobs in these states, the latest first."""
    statement = (
        reading.select(job)
        .where(job.c.state.in_(list(states)))
        .order_by(job.c.created_at.desc(), job.c.job_id.desc())
        .limit(checked_whole("limit", limit, at_least=1))
    )
    return tuple(_row(found) for found in reading.execute(statement))


def counts(reading: Reading | ReadingAll) -> Mapping[JobState, int]:
    """How many jobs there are, by state."""
    statement = reading.select(job, job.c.state, func.count()).group_by(job.c.state)
    found: dict[JobState, int] = dict(reading.execute(statement).all())
    return {state: found.get(state, 0) for state in JobState}


def standing(reading: Reading | ReadingAll) -> Mapping[tuple[str, JobState], int]:
    """How many jobs there are, by kind and state; what there is none of is left out."""
    statement = reading.select(job, job.c.kind, job.c.state, func.count())
    rows = reading.execute(statement.group_by(job.c.kind, job.c.state))
    return {(kind, state): count for kind, state, count in rows}


def due_since(reading: Reading | ReadingAll) -> Mapping[str, datetime]:
    """Since when a job is due or will be that waits, the first of each kind."""
    statement = reading.select(job, job.c.kind, func.min(job.c.run_after))
    rows = reading.execute(statement.where(job.c.state == JobState.QUEUED).group_by(job.c.kind))
    return dict(rows.all())


def claim(
    writing: WritingAll,
    owner: str,
    *,
    kinds: Sequence[str] | None = None,
    lease: timedelta = LEASE,
) -> JobRow | None:
    """Take the job that has waited longest; None if none is to be done.

    Jobs whose lease ran out at their last attempt become failed on the way.

    Args:
        writing: The scope over all workspaces.
        owner: Who takes it: one name for each worker that lives.
        kinds: Only jobs of these kinds.
        lease: How long it is the owner's without `renew`.
    """
    found = claim_or_take_over(writing, owner, kinds=kinds, lease=lease)
    return None if found is None else found[0]


def claim_or_take_over(
    writing: WritingAll,
    owner: str,
    *,
    kinds: Sequence[str] | None = None,
    lease: timedelta = LEASE,
) -> tuple[JobRow, bool] | None:
    """As `claim`; also whether another worker had the job, whose lease ran out."""
    _fail_abandoned(writing)
    columns = (job.c.workspace_id, job.c.job_id, job.c.state)
    wanted = writing.select(job, *columns).where(_is_free(writing.at))
    if kinds is not None:
        wanted = wanted.where(job.c.kind.in_(list(kinds)))
    wanted = wanted.order_by(job.c.run_after, job.c.created_at, job.c.job_id).limit(1)
    found = writing.execute(wanted.with_for_update(skip_locked=True)).one_or_none()
    if found is None:
        return None
    news = {
        "state": JobState.RUNNING,
        "attempts": job.c.attempts + 1,
        "lease_owner": owner,
        "lease_until": writing.at + lease,
    }
    key = tuple_(job.c.workspace_id, job.c.job_id) == tuple_(*found[:2])
    writing.execute(writing.update(job).where(key).values(news))
    row = get(writing.within(found.workspace_id), found.job_id)
    return row, found.state is JobState.RUNNING


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Whether a job is due, or its worker is gone, also where the clock was set back meanwhile.

    A job that was to run at once is due, and a lease longer than any that is given is of a clock
    that went ahead; who still works on such a job is told so at its next step.
    """
    due = or_(job.c.run_after <= now, job.c.run_after <= job.c.created_at)
    gone = or_(job.c.lease_until <= now, job.c.lease_until > now + LEASE + CLOCK_TOLERANCE)
    return or_(
        and_(job.c.state == JobState.QUEUED, due), and_(job.c.state == JobState.RUNNING, gone)
    )


def renew(
    writing: Writing,
    job_id: str,
    owner: str,
    *,
    lease: timedelta = LEASE,
    progress: float | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Show a sign of life, how far the job is, in [0, 1], and what came out until now.

    Raises:
        LeaseLostError: If the job is not the owner's any more.
    """
    news: dict[str, Any] = {"lease_until": writing.at + lease}
    if progress is not None:
        news["progress"] = min(max(float(progress), 0.0), 1.0)
    if result is not None:
        news["result"] = dict(result)
    _change_own(writing, job_id, owner, news)


def complete(
    writing: Writing, job_id: str, owner: str, result: Mapping[str, Any] | None = None
) -> None:
    """The job is done. In the transaction of its last write, it is done exactly once.

    Raises:
        LeaseLostError: If the job is not the owner's any more.
    """
    news = {
        "state": JobState.DONE,
        "progress": 1.0,
        "result": None if result is None else dict(result),
    }
    _change_own(writing, job_id, owner, {**news, "error": None, **_ended(writing)})


def fail(
    writing: Writing, job_id: str, owner: str, error: str, *, delay: timedelta = timedelta(0)
) -> JobRow:
    """The attempt failed: the job waits for the next one, or has failed if that was the last.

    Args:
        writing: The scope.
        job_id: Which job.
        owner: Who had it.
        error: Why.
        delay: How long it waits at least.

    Raises:
        LeaseLostError: If the job is not the owner's any more.
    """
    row = get(writing, job_id)
    last = row.attempts >= row.max_attempts
    news: dict[str, Any] = {"state": JobState.QUEUED, **_free(), "run_after": writing.at + delay}
    if last:
        news = {"state": JobState.FAILED, **_ended(writing)}
    _change_own(writing, job_id, owner, {**news, "error": error})
    return get(writing, job_id)


def release(writing: Writing, job_id: str, owner: str) -> None:
    """Give a job back that was not begun in earnest, as at shutdown; the attempt does not count.

    Raises:
        LeaseLostError: If the job is not the owner's any more.
    """
    news = {"state": JobState.QUEUED, "attempts": job.c.attempts - 1, **_free()}
    _change_own(writing, job_id, owner, news)


def cancel(writing: Writing, job_id: str) -> JobRow:
    """Cancel a job that has not ended. Who works on it learns so with its next `renew`.

    Raises:
        UnknownJobError: If there is none of that id, or it has ended.
    """
    return _change_in(writing, job_id, _OPEN, {"state": JobState.CANCELLED, **_ended(writing)})


def retry(writing: Writing, job_id: str) -> JobRow:
    """Put a job in again that failed or was cancelled, with all its attempts.

    Raises:
        UnknownJobError: If there is none of that id, or it is in another state.
    """
    news = {"state": JobState.QUEUED, "attempts": 0, "run_after": writing.at, "finished_at": None}
    return _change_in(writing, job_id, (JobState.FAILED, JobState.CANCELLED), news)


def _waiting(writing: Writing, kind: str) -> JobRow | None:
    statement = writing.select(job).where(
        job.c.kind == kind, job.c.state == JobState.QUEUED, job.c.attempts == 0
    )
    found = writing.execute(statement.limit(1)).first()
    return None if found is None else _row(found)


def _fail_abandoned(writing: WritingAll) -> None:
    abandoned = and_(
        job.c.state == JobState.RUNNING,
        job.c.lease_until <= writing.at,
        job.c.attempts >= job.c.max_attempts,
    )
    news = {"state": JobState.FAILED, "lease_owner": None, "lease_until": None}
    why = func.coalesce(job.c.error, "the worker went away without a word")
    statement = writing.update(job).where(abandoned)
    writing.execute(statement.values({**news, "error": why, "finished_at": writing.at}))


def _change_own(writing: Writing, job_id: str, owner: str, news: Mapping[str, Any]) -> None:
    """Change a job that somebody has.

    A lease that ran out is still the owner's while nobody else took the job.
    """
    statement = writing.update(job).where(
        job.c.job_id == job_id, job.c.lease_owner == owner, job.c.state == JobState.RUNNING
    )
    if not writing.execute(statement.values(news)).rowcount:
        raise LeaseLostError(
            f"job {job_id!r} of workspace {writing.workspace_id!r} is not held by "
            f"{shown(owner)}: its lease ran out, or it was cancelled."
        )


def _change_in(
    writing: Writing, job_id: str, states: Sequence[JobState], news: Mapping[str, Any]
) -> JobRow:
    where: ColumnElement[bool] = job.c.state.in_(list(states))
    statement = writing.update(job).where(job.c.job_id == job_id, where).values(news)
    if not writing.execute(statement).rowcount:
        state = get(writing, job_id).state
        raise UnknownJobError(f"job {job_id!r} is {state}, not {' or '.join(states)}.")
    return get(writing, job_id)


def _free() -> dict[str, Any]:
    return {"lease_owner": None, "lease_until": None}


def _ended(writing: Writing) -> dict[str, Any]:
    return {**_free(), "finished_at": writing.at}


def _row(found: Row[*tuple[Any, ...]]) -> JobRow:
    return JobRow(**found._mapping)


def _unknown(reading: Reading, job_id: str) -> UnknownJobError:
    return UnknownJobError(f"workspace {reading.workspace_id!r} has no job {job_id!r}.")
