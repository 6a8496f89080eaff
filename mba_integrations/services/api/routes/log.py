"""Past recalls: listed, explained, taken apart, asked again, compared; feedback; statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime

from mba_integrations.core.model import OmissionReason, QueryComplexity
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.asking import (
    PROBLEMS,
    Call,
    OwnRouter,
    Read,
    ReadAnywhere,
    Write,
)
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.log import (
    CurveBody,
    CurveView,
    DifferenceView,
    ExplanationView,
    LoggedPageView,
    ReplayBody,
    ReplayView,
)
from mba_integrations.services.contracts.past.apart import ApartBody, ApartView, BesideView
from mba_integrations.services.contracts.past.feedback import (
    FeedbackBody,
    FeedbackGivenView,
    FeedbackView,
)
from mba_integrations.services.contracts.past.trials import EffectBody, EffectView, StarvingView
from mba_integrations.services.contracts.statistics import WINDOW, StatisticsView, hours_of
from mba_integrations.services.memory.past.statistics import By
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(tags=["log"], responses=PROBLEMS)
WORKSPACE = "/v1/workspaces/{workspace_id}"
AllocationId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]
Time = Annotated[AwareDatetime | None, Query()]
Hours = Annotated[float | None, Query(gt=0, le=1_000_000, allow_inf_nan=False)]
Latest = Annotated[int, Query(ge=1, le=500)]
Window = Annotated[str | None, Query(pattern=WINDOW, examples=["24h"])]


def _may_read_texts(call: Call) -> bool:
    """Whether the caller may see what logs hold of texts."""
    return Scope.READ_CONTENT in call.principal.scopes


@router.get(WORKSPACE + "/allocations")
@in_thread("store")
def list_allocations(
    call: Read,
    since: Time = None,
    until: Time = None,
    session_id: Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID)] = None,
    complexity: QueryComplexity | None = None,
    reason: OmissionReason | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=2_000)] = None,
    texts: bool = True,
) -> LoggedPageView:
    """A page of past recalls, the latest first; without *texts* those of memories stay out."""
    cursors = call.ground.cursors
    of = ("log", call.workspace_id, since, until, session_id, complexity, reason)
    after = None
    if cursor is not None:
        at, last = cursors.place(cursor, *of)
        after = (datetime.fromisoformat(at), last)
    page = call.service.allocations.list(
        call.workspace_id,
        since=since,
        until=until,
        session_id=session_id,
        complexity=complexity,
        reason=reason,
        after=after,
        limit=limit,
    )
    following = None
    if page.after is not None:
        following = cursors.make([page.after[0].isoformat(), page.after[1]], *of)
    return LoggedPageView.of(page, following, with_texts=_may_read_texts(call), with_memories=texts)


@router.get(WORKSPACE + "/allocations/{allocation_id}")
@in_thread("store")
def explain_allocation(call: Read, allocation_id: AllocationId) -> ExplanationView:
    """One past recall: what came in, and the best of what stayed out, with the reason."""
    allocations = call.service.allocations
    row = allocations.get(call.workspace_id, allocation_id)
    feedback = allocations.feedback(call.workspace_id, allocation_id)
    arm = allocations.arm(call.workspace_id, allocation_id)
    return ExplanationView.of(row, feedback, arm, with_texts=_may_read_texts(call))


@router.get(WORKSPACE + "/allocations/{allocation_id}/feedback")
@in_thread("store")
def read_feedback(call: Read, allocation_id: AllocationId) -> FeedbackView:
    """What was said of a past recall, by memory and origin."""
    rows = call.service.allocations.feedback(call.workspace_id, allocation_id)
    return FeedbackView.of(allocation_id, rows)


@router.post(WORKSPACE + "/allocations/{allocation_id}/feedback")
@in_thread("store")
def give_feedback(
    call: Write, allocation_id: AllocationId, body: FeedbackBody
) -> FeedbackGivenView:
    """Say what the answer to a past recall used, or what a person thinks of it.

    The answer is read and not kept. What an origin says takes the place of what it said before.
    """
    reply = call.service.feedback(
        call.workspace_id,
        allocation_id,
        **{name: getattr(body, name) for name in FeedbackBody.model_fields},
        once=call.once(FeedbackGivenView.given),
    )
    return FeedbackGivenView.given(reply)


@router.post(WORKSPACE + "/allocations/{allocation_id}/curve")
@in_thread("long")
def budget_curve(call: Read, allocation_id: AllocationId, body: CurveBody) -> CurveView:
    """What other budgets would have bought."""
    allocation = call.service.allocations.replay(call.workspace_id, allocation_id, query=body.query)
    return CurveView.of(allocation.budget_curve(body.budgets))


@router.post(WORKSPACE + "/allocations/{allocation_id}/replay")
@in_thread("long")
def replay_allocation(call: Read, allocation_id: AllocationId, body: ReplayBody) -> ReplayView:
    """Ask again, of the memories of then, under other settings or another budget."""
    allocations = call.service.allocations
    row = allocations.get(call.workspace_id, allocation_id)
    allocation = allocations.replay(
        call.workspace_id,
        allocation_id,
        query=body.query,
        settings=body.settings,
        budget_tokens=body.budget_tokens,
    )
    return ReplayView.of(row, allocation)


@router.get(WORKSPACE + "/allocations/{allocation_id}/diff/{other_id}")
@in_thread("store")
def compare_allocations(
    call: Read, allocation_id: AllocationId, other_id: AllocationId
) -> DifferenceView:
    """How the memories in two prompts differ."""
    found = call.service.allocations.difference(call.workspace_id, allocation_id, other_id)
    return DifferenceView.of(found)


@router.get(WORKSPACE + "/statistics")
@in_thread("store")
def workspace_statistics(
    call: Read, window: Window = None, hours: Hours = None, by: By | None = None
) -> StatisticsView:
    """What past recalls of a workspace have in common."""
    found = call.service.statistics(
        call.workspace_id, time_window_hours=hours_of(window, hours), by=by
    )
    return StatisticsView.of(found)


@router.get("/v1/statistics")
@in_thread("store")
def all_statistics(
    call: ReadAnywhere, window: Window = None, hours: Hours = None, by: By | None = None
) -> StatisticsView:
    """What past recalls of all workspaces that the caller may reach have in common."""
    reachable = call.principal.reachable(call.service.workspaces.ids())
    found = call.service.allocations.statistics(
        reachable, time_window_hours=hours_of(window, hours), by=by
    )
    return StatisticsView.of(found)


@router.get(WORKSPACE + "/allocations/{allocation_id}/apart")
@in_thread("long")
def take_apart(call: Read, allocation_id: AllocationId) -> ApartView:
    """One past recall taken apart: each memory in or out with its reason, and the prompt's parts.

    Texts come with the scope `read:content` alone. At most 500 of what stayed out, the best first.
    """
    return _apart(call, allocation_id, None)


@router.post(WORKSPACE + "/allocations/{allocation_id}/apart")
@in_thread("long")
def take_apart_with_question(call: Read, allocation_id: AllocationId, body: ApartBody) -> ApartView:
    """The same for a recall whose question was not logged: say it."""
    return _apart(call, allocation_id, body.query)


@router.get(WORKSPACE + "/allocations/{allocation_id}/beside/{other_id}")
@in_thread("long")
def put_side_by_side(call: Read, allocation_id: AllocationId, other_id: AllocationId) -> BesideView:
    """Two past recalls side by side, with what the second prompt begins with as the first."""
    found = call.service.allocations.beside(call.workspace_id, allocation_id, other_id)
    return BesideView.of(found, with_texts=_may_read_texts(call))


@router.get(WORKSPACE + "/tiers/starving")
@in_thread("long")
def find_starving_tiers(call: Read, allocations: Latest = 20) -> StarvingView:
    """What 100 more tokens would buy for each tier, over the latest recalls, the most first."""
    found = call.service.allocations.starving(call.workspace_id, latest=allocations)
    return StarvingView.of(found)


@router.post(WORKSPACE + "/settings/effect")
@in_thread("long")
def try_settings(call: Read, body: EffectBody) -> EffectView:
    """What other settings would have done to the latest recalls. Nothing changes.

    It takes at most 20 seconds; what it did not get to is counted.
    """
    found = call.service.allocations.effect(
        call.workspace_id, body.settings, latest=body.allocations
    )
    return EffectView.of(found)


def _apart(call: Call, allocation_id: str, query: str | None) -> ApartView:
    found = call.service.allocations.apart(call.workspace_id, allocation_id, query=query)
    return ApartView.of(found, with_texts=_may_read_texts(call))
