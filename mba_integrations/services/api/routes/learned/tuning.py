"""Settings learned from past recalls: look for them, switch them on in stages, take them back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from mba_integrations.services.api.asking import PROBLEMS, Admin, OwnRouter, Read
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.keeping import JobView
from mba_integrations.services.contracts.past.tuning import (
    ApplyBody,
    ExperimentBody,
    ProposalsView,
    ProposalView,
    TuneBody,
)
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(
    prefix="/v1/workspaces/{workspace_id}/tuning", tags=["tuning"], responses=PROBLEMS
)
ProposalId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.post("", status_code=202)
@in_thread("store")
def look_for_settings(call: Admin, body: TuneBody) -> JobView:
    """Have a job look for better settings in the past recalls. Nothing changes by it.

    What it finds has the job's id, and is listed when the job is done.
    """
    row = call.service.tuning.run(
        call.workspace_id, once=call.once(JobView.of, status=202), **body.model_dump()
    )
    return JobView.of(row)


@router.post("/experiments", status_code=201)
@in_thread("store")
def begin_experiment(call: Admin, body: ExperimentBody) -> ProposalView:
    """Have a share of the sessions decided under changed settings, and compare both arms.

    It ends by itself; the settings are then as before. Nothing of a workspace's budget that callers
    give themselves differs between the arms.
    """
    row = call.service.tuning.experiment(
        call.workspace_id,
        actor=call.principal.actor,
        once=call.once(ProposalView.of, status=201),
        **body.model_dump(),
    )
    return ProposalView.of(row)


@router.get("")
@in_thread("store")
def list_proposals(call: Read) -> ProposalsView:
    """What was found, the latest first, with where it stands."""
    return ProposalsView.of(call.service.tuning.list(call.workspace_id))


@router.get("/{proposal_id}")
@in_thread("store")
def get_proposal(call: Read, proposal_id: ProposalId) -> ProposalView:
    """What one job found, and where it stands."""
    return ProposalView.of(call.service.tuning.get(call.workspace_id, proposal_id))


@router.post("/{proposal_id}/apply")
@in_thread("store")
def apply_proposal(call: Admin, proposal_id: ProposalId, body: ApplyBody) -> ProposalView:
    """Switch proposed settings on, in stages: in shadow, live, watched, kept or taken back."""
    row = call.service.tuning.apply(
        call.workspace_id,
        proposal_id,
        actor=call.principal.actor,
        once=call.once(ProposalView.of),
        **body.model_dump(),
    )
    return ProposalView.of(row)


@router.post("/{proposal_id}/rollback")
@in_thread("store")
def take_proposal_back(call: Admin, proposal_id: ProposalId) -> ProposalView:
    """Take settings back, whatever stage they are at; the settings get a new version."""
    row = call.service.tuning.rollback(
        call.workspace_id,
        proposal_id,
        actor=call.principal.actor,
        once=call.once(ProposalView.of),
    )
    return ProposalView.of(row)
