"""The job that takes proposed settings from stage to stage, and how one look leads to the next.

In shadow nothing is asked twice while somebody waits: the recalls that the log has got since are
decided again here, under both settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.comparison import Comparison, compare
from mba_integrations.learning.gate.monitor import LEAST_TURNS, Turn, tripped
from mba_integrations.learning.gate.verdict import broken_by, broken_costs
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.past.exports.replay_records import Records
from mba_integrations.services.memory.tuning.arms import look_at_arms
from mba_integrations.services.memory.tuning.seen import turns_around
from mba_integrations.services.memory.tuning.switching import (
    GOING,
    LOOK_EVERY,
    put_in,
    switch_on,
    take_back,
)
from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.learning import proposals


def staging_by(token_counter: object) -> Handler:
    """The job, with what the service counts by; None for that of the settings."""

    def look(work: JobWork) -> None:
        with work.equipment.read(work.workspace_id) as reading:
            row = proposals.get(reading, work.job.payload["proposal_id"])
        if row.state not in GOING:
            work.finish(lambda writing: {"state": row.state.value})
            return
        if row.state is ProposalState.EXPERIMENT:
            with work.alive():
                step = look_at_arms(work.equipment, row)
            work.finish(lambda writing: _told(step.act(writing), work, writing, delay=step.delay))
        elif row.state is ProposalState.SHADOW:
            with work.alive():
                shadow = _shadow(work, row, token_counter)
            work.finish(lambda writing: _told(_after_shadow(writing, row, shadow), work, writing))
        else:
            turns = turns_around(work.equipment, row)
            work.finish(lambda writing: _told(_after_look(writing, row, turns), work, writing))

    return look


def _told(
    row: ProposalRow, work: JobWork, writing: Writing, *, delay: timedelta = LOOK_EVERY
) -> dict[str, Any]:
    if row.state in GOING:
        put_in(writing, row, work.job.payload["look"] + 1, delay=delay)
    return {"state": row.state.value, "reason": row.reason}


def _shadow(work: JobWork, row: ProposalRow, token_counter: object) -> Comparison | None:
    """The recalls since the shadow began under both settings; None while they are too few."""
    wanted = _plan(row)["shadow"]
    records: list[ReplayRecord] = []
    for record in Records(work.equipment, work.workspace_id, since=row.changed_at):
        records.append(record)
        if len(records) == wanted:
            break
    if len(records) < wanted:
        return None
    with work.equipment.read(work.workspace_id) as reading:
        now = WorkspaceConfig(**workspaces.get(reading).settings).usual
    bench = Bench(token_counter)
    return compare(
        bench.outcomes(records, now), bench.outcomes(records, now.with_changes(**row.changes))
    )


def _after_shadow(writing: Writing, row: ProposalRow, shadow: Comparison | None) -> ProposalRow:
    if shadow is None:
        return row
    told = asdict(shadow)
    broken = _broken_by(row, shadow)
    if broken:
        return proposals.move(
            *(writing, row.proposal_id, (ProposalState.SHADOW,), ProposalState.TAKEN_BACK),
            shadow=told,
            reason=" ".join(broken),
        )
    return switch_on(writing, row, shadow=told)


def _broken_by(row: ProposalRow, shadow: Comparison) -> tuple[str, ...]:
    """What the shadow shows to be worse.

    Of what an experiment has proposed, cost alone: in shadow feedback is of prompts that the usual
    settings brought, so it cannot count what they lacked, which the experiment has.
    """
    if "arms" in row.found:
        return tuple(broken_costs(shadow.before, shadow.after))
    return broken_by(shadow)


def _after_look(
    writing: Writing, row: ProposalRow, turns: tuple[Sequence[Turn], Sequence[Turn]]
) -> ProposalRow:
    before, after = turns
    worse = tripped(before, after)
    if worse is not None:
        return take_back(writing, row, worse)
    if len(after) >= _plan(row)["watch"]:
        return proposals.move(writing, row.proposal_id, GOING, ProposalState.KEPT)
    if row.state is ProposalState.LIVE and len(after) >= LEAST_TURNS:
        return proposals.move(writing, row.proposal_id, GOING, ProposalState.WATCHED)
    return row


def _plan(row: ProposalRow) -> Mapping[str, float]:
    if row.plan is None:
        raise UnknownProposalError(f"proposal {row.proposal_id!r} was not applied.")
    return row.plan
