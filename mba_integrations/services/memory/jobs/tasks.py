"""`Tasks`: the jobs of a service, run on call or by its thread; list, retry, cancel."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from mba_integrations.core.arguments import checked_whole
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.jobs.runner import JobRunner
from mba_integrations.services.memory.jobs.work import Handler, JobProgress
from mba_integrations.services.memory.jobs.worker import Worker
from mba_integrations.services.memory.once import Once
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.services.store.statements import jobs, workspaces

_OPEN = (JobState.QUEUED, JobState.RUNNING)
_PAUSE_SECONDS = 0.02


class Tasks:
    """The jobs of a service, as `service.jobs`. They are in the store: a restart goes on with them.

    Args:
        equipment: What the service lends.
        handlers: Who does which kind of job.
        background: Whether a thread does them as they come.
    """

    def __init__(
        self, equipment: Equipment, handlers: Mapping[str, Handler], *, background: bool
    ) -> None:
        self._equipment = equipment
        self._background = background
        self._kinds = frozenset(handlers)
        self._runner = JobRunner(equipment, handlers)
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._closed = False

    def run(self, *, most: int = 1_000, progress: JobProgress | None = None) -> int:
        """Do what is due now, in this thread; gives how many jobs were begun.

        Args:
            most: How many at most.
            progress: Told how far each job is, in [0, 1].
        """
        checked_whole("most", most, at_least=1)
        return self._runner.run(most=most, progress=progress)

    def wake(self) -> None:
        """There may be a job: have the thread look, where there is one."""
        if not self._background:
            return
        with self._lock:
            if self._worker is None and not self._closed:
                self._worker = Worker(self._runner)
        if self._worker is not None:
            self._worker.wake()

    @property
    def problem(self) -> str | None:
        """Why the thread's last round failed; None if it did not."""
        return None if self._worker is None else self._worker.problem

    def list(
        self,
        workspace_id: str,
        *,
        states: Sequence[JobState] = tuple(JobState),
        limit: int = 100,
    ) -> tuple[JobRow, ...]:
        """Jobs of a workspace in these states, the latest first.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return jobs.listed(reading, states=states, limit=limit)

    def get(self, workspace_id: str, job_id: str) -> JobRow:
        """One job.

        Raises:
            UnknownJobError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return jobs.get(reading, job_id)

    def counts(self, workspace_id: str) -> Mapping[JobState, int]:
        """How many jobs a workspace has, by state.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return jobs.counts(reading)

    def counts_everywhere(self) -> Mapping[JobState, int]:
        """How many jobs all workspaces have, by state: for who runs the service."""
        with self._equipment.store.read_all() as reading:
            return jobs.counts(reading)

    def standing(self) -> Mapping[tuple[str, JobState], int]:
        """How many jobs all workspaces have, by kind and state; unknown kinds are `other`."""
        found: Counter[tuple[str, JobState]] = Counter()
        with self._equipment.store.read_all() as reading:
            for (kind, state), count in jobs.standing(reading).items():
                found[self._known(kind), state] += count
        return found

    def ages(self) -> Mapping[str, timedelta]:
        """How long the job of each kind that has waited longest has been due."""
        now = self._equipment.clock()
        with self._equipment.store.read_all() as reading:
            found = jobs.due_since(reading)
        ages: dict[str, timedelta] = {}
        for kind, since in found.items():
            known = self._known(kind)
            ages[known] = max(ages.get(known, timedelta(0)), now - since)
        return ages

    def _known(self, kind: str) -> str:
        return kind if kind in self._kinds else "other"

    def wait_until_idle(self, workspace_id: str, *, seconds: float = 60.0) -> bool:
        """Wait until no job of a workspace runs or is due; False if some still are."""
        until = time.monotonic() + seconds
        while self._is_busy(workspace_id):
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def _is_busy(self, workspace_id: str) -> bool:
        now = self._equipment.clock()
        found = self.list(workspace_id, states=_OPEN)
        return any(job.state is JobState.RUNNING or job.run_after <= now for job in found)

    def retry(self, workspace_id: str, job_id: str, *, once: Once | None = None) -> JobRow:
        """Put a job in again that failed or was cancelled.

        Raises:
            UnknownJobError: If there is none of that id, or it is in another state.
        """
        row = self._equipment.write(
            workspace_id, lambda writing: jobs.retry(writing, job_id), once=once
        )
        self.wake()
        return row

    def cancel(self, workspace_id: str, job_id: str, *, once: Once | None = None) -> JobRow:
        """Cancel a job that has not ended; who works on it stops at its next step.

        Raises:
            UnknownJobError: If there is none of that id, or it has ended.
        """
        return self._equipment.write(
            workspace_id, lambda writing: jobs.cancel(writing, job_id), once=once
        )

    def close(self) -> None:
        """End the thread after the job that it is doing."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
