"""The job that organises a workspace, and how one run leads to the next.

The first thing that a run does is to put in the next one, so that a run that fails is not the last.
Ids of runs count up: putting the next one in twice is no second one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mba_integrations.services.memory.jobs.work import JobWork
from mba_integrations.services.memory.organising import steps
from mba_integrations.services.memory.organising.log_pruning import prune_log
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.memory.retention.sweep import Retention
from mba_integrations.services.memory.tiers.reviews import Tiers
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding, jobs

KIND = "organise"


def put_in(writing: Writing, plan: OrganisationPlan, run: int, *, delay_hours: float) -> None:
    """Put in a run."""
    payload = {"plan": plan.model_dump(mode="json"), "run": run}
    jobs.enqueue(writing, f"{KIND}-{run:06}", KIND, payload, delay=timedelta(hours=delay_hours))


def organise(work: JobWork) -> None:
    """The job."""
    plan = OrganisationPlan(**work.job.payload["plan"])
    following = int(work.job.payload["run"]) + 1
    work.write(lambda writing: put_in(writing, plan, following, delay_hours=plan.every_hours))
    report = run_once(work, plan)
    work.finish(lambda writing: report)


def run_once(work: JobWork, plan: OrganisationPlan) -> dict[str, Any]:
    """Put a workspace in order; gives what was done."""
    report: dict[str, Any] = {}
    if plan.end_sessions_after_hours is not None:
        hours = plan.end_sessions_after_hours
        ended, moved = work.write(lambda writing: steps.end_sessions(writing, hours))
        report |= {"sessions_ended": ended, "session_memories_moved": moved}
    if plan.apply_retention:
        swept = Retention(work.equipment).apply(work.workspace_id)
        report["retention"] = dict(swept.counts)
    if plan.move_tiers:
        report |= _moved(work, plan)
    if plan.link_repetitions:
        report["linked"] = work.write(steps.link_repetitions)
    pruned = work.write(lambda writing: steps.prune(writing, plan))
    report["pruned"] = {**pruned, **prune_log(work, plan)}
    return report


def _moved(work: JobWork, plan: OrganisationPlan) -> dict[str, Any]:
    tiers = Tiers(work.equipment)
    found = tiers.review(work.workspace_id)
    if not len(found):
        return {"moved": 0}
    with work.equipment.read(work.workspace_id) as reading:
        active = sum(finding.count(reading).values())
    most = max(1, int(active * plan.max_moves_pct / 100.0))
    chosen = steps.within_cap([(one.item_id, one.standing) for one in found.review], most)
    moved = tiers.apply(work.workspace_id, found.review_id, only=chosen, actor=KIND)
    return {"moved": len(moved), "review_id": found.review_id}
