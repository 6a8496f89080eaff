"""What keeps a workspace in order: retention, moves between tiers, erasure, jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from mba_integrations.services.api.asking import PROBLEMS, Admin, Forget, OwnRouter, Read, Write
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.keeping import (
    AppliedView,
    ApplyBody,
    ErasureBody,
    ErasuresView,
    ErasureView,
    JobsView,
    JobView,
    PreviewBody,
    PreviewView,
    RetentionBody,
    RetentionView,
    ReviewView,
)
from mba_integrations.services.contracts.memories import ChangeView
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["keeping"], responses=PROBLEMS)
ReviewId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]
JobId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.get("/retention")
@in_thread("store")
def get_retention(call: Read) -> RetentionView:
    """How long memories are kept."""
    return RetentionView(policy=as_json(call.service.workspaces.retention(call.workspace_id)))


@router.put("/retention")
@in_thread("store")
def set_retention(call: Admin, body: RetentionBody) -> RetentionView:
    """Set how long memories are kept. Nothing goes before the next sweep."""
    kept = call.service.workspaces.change_retention(
        call.workspace_id,
        body.policy,
        time_zone=body.time_zone,
        once=call.once(RetentionView.of),
    )
    return RetentionView(policy=as_json(kept))


@router.post("/retention/preview")
@in_thread("store")
def preview_retention(call: Read, body: PreviewBody) -> PreviewView:
    """What would go now, and why. Nothing changes."""
    policy = None if body.policy is None else RetentionPolicy(**body.policy)
    return PreviewView.of(call.service.retention.preview(call.workspace_id, policy))


@router.post("/retention/apply")
@in_thread("store")
def apply_retention(call: Forget) -> AppliedView:
    """Let go what the policy does not keep, and what has expired."""
    reply = call.service.retention.apply(call.workspace_id, once=call.once(AppliedView.of))
    return AppliedView.of(reply)


@router.post("/tiers/review")
@in_thread("store")
def review_tiers(call: Write) -> ReviewView:
    """Which memories should move, and why. Nothing moves."""
    return ReviewView.of(
        call.service.tiers.review(call.workspace_id, once=call.once(ReviewView.of))
    )


@router.post("/tiers/reviews/{review_id}/apply")
@in_thread("store")
def apply_review(call: Write, review_id: ReviewId, body: ApplyBody) -> ChangeView:
    """Move what a review recommended."""
    reply = call.service.tiers.apply(
        call.workspace_id,
        review_id,
        only=body.only,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.post("/tiers/reviews/{review_id}/undo")
@in_thread("store")
def undo_review(call: Write, review_id: ReviewId) -> ChangeView:
    """Move back what a review moved."""
    reply = call.service.tiers.undo(
        call.workspace_id,
        review_id,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.post("/erasures", status_code=201)
@in_thread("store")
def erase(call: Forget, body: ErasureBody) -> ErasureView:
    """Erase memories. The answer comes when no bytes of them are left in the database."""
    receipt = call.service.erasures.erase(
        call.workspace_id,
        memory_ids=body.memory_ids,
        subjects=body.subjects,
        sources=body.sources,
        actor=call.principal.actor,
        request=call.request,
    )
    return ErasureView.of(receipt)


@router.get("/erasures")
@in_thread("store")
def list_erasures(call: Read) -> ErasuresView:
    """Receipts of erasures, the latest first."""
    found = call.service.erasures.receipts(call.workspace_id)
    return ErasuresView(erasures=[ErasureView.of(one) for one in found])


@router.get("/jobs")
@in_thread("store")
def list_jobs(
    call: Read,
    state: Annotated[list[JobState] | None, Query(max_length=len(JobState))] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobsView:
    """Jobs of the workspace, the latest first."""
    states = tuple(state or JobState)
    found = call.service.jobs.list(call.workspace_id, states=states, limit=limit)
    counts = dict(call.service.jobs.counts(call.workspace_id))
    return JobsView(jobs=[JobView.of(row) for row in found], counts=counts)


@router.get("/jobs/{job_id}")
@in_thread("store")
def get_job(call: Read, job_id: JobId) -> JobView:
    """One job: how far it is, and of an import what came of it until now."""
    return JobView.of(call.service.jobs.get(call.workspace_id, job_id))


@router.post("/jobs/{job_id}/retry")
@in_thread("store")
def retry_job(call: Admin, job_id: JobId) -> JobView:
    """Try a job again that failed or was cancelled."""
    once = call.once(JobView.of)
    return JobView.of(call.service.jobs.retry(call.workspace_id, job_id, once=once))


@router.post("/jobs/{job_id}/cancel")
@in_thread("store")
def cancel_job(call: Admin, job_id: JobId) -> JobView:
    """Cancel a job that is not done."""
    once = call.once(JobView.of)
    return JobView.of(call.service.jobs.cancel(call.workspace_id, job_id, once=once))
