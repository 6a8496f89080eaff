"""`Organisation`: order that keeps itself, as `service.organisation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.organising.job import KIND, put_in
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import jobs, workspaces

_OPEN = (JobState.QUEUED, JobState.RUNNING)
_MOST_JOBS = 10_000


class Organisation:
    """Begin, end and look at the organisation of workspaces. It is off until it is asked for.

    Args:
        equipment: What the service lends.
        wake: Tells the worker that there is a job.
    """

    def __init__(self, equipment: Equipment, wake: Callable[[], None]) -> None:
        self._equipment = equipment
        self._wake = wake

    def start(
        self,
        workspace_id: str,
        plan: OrganisationPlan | None = None,
        *,
        once: Once | None = None,
        **changes: Any,
    ) -> OrganisationPlan:
        """Organise a workspace from now on, the first time at once. A plan that runs is replaced.

        Args:
            workspace_id: Which one.
            plan: What is done and how often.
            once: Names the request; made again, it is not done again.
            changes: Settings of the plan that differ.

        Raises:
            InvalidSettingsError: If a setting is out of its range.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        kept = (OrganisationPlan() if plan is None else plan).with_changes(**changes)

        def act(writing: Writing) -> OrganisationPlan:
            _cancel(writing)
            put_in(writing, kept, _next_run(writing), delay_hours=0.0)
            return kept

        self._equipment.write(workspace_id, act, once=once)
        self._wake()
        return kept

    def stop(self, workspace_id: str, *, once: Once | None = None) -> bool:
        """Organise a workspace no longer; False if it was not."""
        return self._equipment.write(workspace_id, _cancel, once=once)

    def plan(self, workspace_id: str) -> OrganisationPlan | None:
        """The plan that a workspace is organised by; None if it is not."""
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            found = [job for job in _runs(reading) if job.state in _OPEN]
        return OrganisationPlan(**found[0].payload["plan"]) if found else None

    def last_report(self, workspace_id: str) -> Mapping[str, Any] | None:
        """What the last run did; None before the first one.

        Raises:
            InputError: If the last run failed; with why.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            ended = [job for job in _runs(reading) if job.finished_at is not None]
        if not ended:
            return None
        if ended[0].state is JobState.FAILED:
            raise InputError(f"the last run {ended[0].job_id!r} failed: {ended[0].error}")
        return ended[0].result


def _runs(reading: Reading) -> list[JobRow]:
    """The runs of the workspace, the latest first."""
    found = [job for job in jobs.listed(reading, limit=_MOST_JOBS) if job.kind == KIND]
    return sorted(found, key=lambda job: -int(job.payload["run"]))


def _next_run(reading: Reading) -> int:
    return max((int(job.payload["run"]) for job in _runs(reading)), default=0) + 1


def _cancel(writing: Writing) -> bool:
    waiting = [job for job in _runs(writing) if job.state in _OPEN]
    for job in waiting:
        jobs.cancel(writing, job.job_id)
    return bool(waiting)
