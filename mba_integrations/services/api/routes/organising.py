"""Order that keeps itself, merges that were proposed, and which memories have vectors."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Path

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.asking import PROBLEMS, Admin, OwnRouter, Read, Write
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.keeping import (
    EmbeddingsView,
    MergesView,
    OrganisationBody,
    OrganisationView,
    StoppedView,
)
from mba_integrations.services.contracts.memories import ChangeView
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["organising"], responses=PROBLEMS)
ProposalId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.get("/organisation")
@in_thread("store")
def get_organisation(call: Read) -> OrganisationView:
    """By which plan the workspace is kept in order, and what the last run did."""
    organisation = call.service.organisation
    plan = organisation.plan(call.workspace_id)
    return OrganisationView.of(plan, organisation.last_report(call.workspace_id))


@router.put("/organisation")
@in_thread("store")
def start_organisation(call: Admin, body: OrganisationBody) -> OrganisationView:
    """Keep the workspace in order from now on, the first time at once. A plan is replaced."""
    call.principal.check(Scope.FORGET, call.workspace_id)
    plan = OrganisationPlan(**body.plan)
    view = partial(OrganisationView.of, last_report=None)
    begun = call.service.organisation.start(call.workspace_id, plan, once=call.once(view))
    return view(begun)


@router.delete("/organisation")
@in_thread("store")
def stop_organisation(call: Admin) -> StoppedView:
    """Keep the workspace in order no longer."""
    stopped = call.service.organisation.stop(call.workspace_id, once=call.once(StoppedView.of))
    return StoppedView.of(stopped)


@router.get("/merges")
@in_thread("store")
def list_merges(call: Read) -> MergesView:
    """Merges that were proposed in the last week, of memories that are still active."""
    return MergesView.of(call.service.merges.list(call.workspace_id))


@router.post("/merges/{proposal_id}/accept")
@in_thread("store")
def accept_merge(call: Write, proposal_id: ProposalId) -> ChangeView:
    """Put one memory in the place of those that a proposal names; the others are forgotten."""
    call.principal.check(Scope.FORGET, call.workspace_id)
    reply = call.service.merges.accept(
        call.workspace_id,
        proposal_id,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.get("/embeddings")
@in_thread("store")
def show_embeddings(call: Read) -> EmbeddingsView:
    """Which part of the memories has a vector, by model."""
    service = call.service
    return EmbeddingsView(
        coverage=dict(service.embeddings.coverage(call.workspace_id)),
        queued_jobs=service.jobs.counts(call.workspace_id)[JobState.QUEUED],
    )
