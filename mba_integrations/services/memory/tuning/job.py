"""The job that looks for settings. What a study has tried is kept, so a job that is begun again
goes on with it."""

from __future__ import annotations

from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.learning.tuning.tune import Tuned, tune
from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.past.exports.replay_records import Records
from mba_integrations.services.store.rows.proposals import ProposalState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.learning import proposals
from mba_integrations.services.store.statements.records import hash_of

_STEPS = 0.01


def tuning_by(token_counter: object) -> Handler:
    """The job, with what the service counts by.

    Args:
        token_counter: The service's own; None for that of the settings.
    """

    def look_for_settings(work: JobWork) -> None:
        payload = work.job.payload
        with work.equipment.read(work.workspace_id) as reading:
            row = workspaces.get(reading)
        records = Records(work.equipment, work.workspace_id)
        with work.alive():
            found = tune(
                records,
                WorkspaceConfig(**row.settings).usual,
                trials=payload["trials"],
                workers=0 if token_counter is not None else payload["workers"],
                studies_url=work.equipment.store.studies_url,
                name=hash_of(f"{work.workspace_id} {work.job.job_id}"),
                seed=payload["seed"],
                token_counter=token_counter,
                told=_Signs(work),
            )
        work.finish(lambda writing: _kept(writing, work, row.settings_version, found, records))

    return look_for_settings


class _Signs:
    """Signs of life, each per cent of the way: who lost the job learns it by one."""

    def __init__(self, work: JobWork) -> None:
        self._work = work
        self._last = -1.0

    def __call__(self, done: float) -> None:
        if done - self._last >= _STEPS:
            self._last = done
            self._work.write(lambda writing: None, progress=done)


def _kept(
    writing: Writing, work: JobWork, version: int, found: Tuned, records: Records
) -> dict[str, Any]:
    is_proposed = found.verdict.answer is Answer.PROPOSAL
    row = proposals.keep(
        writing,
        work.job.job_id,
        state=ProposalState.PROPOSAL if is_proposed else ProposalState.FOUND,
        from_version=version,
        changes=found.changes,
        found={
            **found.verdict.to_dict(),
            "trained_on": found.trained_on,
            "tested_on": found.tested_on,
            "trials": found.trials,
            "skipped": dict(records.skipped),
        },
    )
    return {"proposal_id": row.proposal_id, "answer": found.verdict.answer.value}
