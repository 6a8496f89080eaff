"""`JobRunner`: takes jobs that are due and does them, one after the other.

An error of a job is kept with it and the job waits for its next attempt, longer each time. An error
of the store ends the round: the jobs are still there when it answers again.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.jobs.work import Handler, JobProgress, JobWork
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.memory.tracing.traces import JOB_ATTEMPT, JOB_KIND, STORE
from mba_integrations.services.store.errors import LeaseLostError, StoreError
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.statements import jobs

_FIRST_DELAY_SECONDS = 5
_LONGEST_ERROR = 2_000


def _said_of(job: JobRow) -> dict[str, Any]:
    """What its span says of a job."""
    return {STORE: job.workspace_id, JOB_KIND: job.kind, JOB_ATTEMPT: job.attempts}


class JobRunner:
    """Runs jobs of the kinds that it has handlers for. Several may work on one store.

    Args:
        equipment: What the service lends.
        handlers: Who does which kind.
    """

    def __init__(self, equipment: Equipment, handlers: Mapping[str, Handler]) -> None:
        self._equipment = equipment
        self._handlers = dict(handlers)

    def run(
        self,
        *,
        most: int,
        stop: threading.Event | None = None,
        progress: JobProgress | None = None,
    ) -> int:
        """Do jobs that are due; gives how many were begun.

        Args:
            most: How many at most.
            stop: Ends the round between two jobs where it is set.
            progress: Told how far each job is.
        """
        owner = f"{os.getpid()}-{threading.get_ident()}-{secrets.token_hex(4)}"
        begun = 0
        while begun < most and not (stop is not None and stop.is_set()):
            job = self._claimed(owner)
            if job is None:
                break
            begun += 1
            work = JobWork(
                equipment=self._equipment, job=job, owner=owner, stop=stop, told=progress
            )
            self._do(work)
        return begun

    def _claimed(self, owner: str) -> JobRow | None:
        kinds: Sequence[str] = list(self._handlers)
        found = self._equipment.store.write_all(
            lambda writing: jobs.claim_or_take_over(writing, owner, kinds=kinds)
        )
        if found is None:
            return None
        job, is_taken_over = found
        if is_taken_over:
            self._equipment.tallies.count(Event.LAPSED, job.kind)
        return job

    def _do(self, work: JobWork) -> None:
        try:
            with self._equipment.traces.span(f"job {work.job.kind}", _said_of(work.job)):
                self._handlers[work.job.kind](work)
        except LeaseLostError:
            return  # somebody else does it, or nobody is to
        except StoreError:
            raise
        except Exception as error:  # an embedder, an extractor: code of anybody
            self._failed(work.job, work.owner, f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])

    def _failed(self, job: JobRow, owner: str, error: str) -> None:
        delay = timedelta(seconds=_FIRST_DELAY_SECONDS * 4 ** (job.attempts - 1))
        try:
            self._equipment.write(
                job.workspace_id,
                lambda writing: jobs.fail(writing, job.job_id, owner, error, delay=delay),
            )
        except LeaseLostError:
            return
