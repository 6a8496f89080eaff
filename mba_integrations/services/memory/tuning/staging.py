"""The job that takes proposed settings from stage to stage, and how one look leads to the next.

In shadow nothing is asked twice while somebody waits: the recalls that the log has got since are
decided again here, under both settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.comparison import Comparison, compare
from mba_integrations.learning.gate.monitor import LEAST_TURNS, Turn, tripped
from mba_integrations.learning.gate.verdict import broken_by
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import Feedback, ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.past.exports.replay_records import Records
from mba_integrations.services.memory.tuning.switching import (
    GOING,
    LOOK_EVERY,
    put_in,
    switch_on,
    take_back,
)
from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.learning import proposals
from mba_integrations.services.store.statements.log import allocations

_MOST_TURNS = 10_000
"""That are compared on each side of the switch."""


def staging_by(token_counter: object) -> Handler:
    """The job, with what the service counts by; None for that of the settings."""

    def look(work: JobWork) -> None:
        with work.equipment.read(work.workspace_id) as reading:
            row = proposals.get(reading, work.job.payload["proposal_id"])
        if row.state not in GOING:
            work.finish(lambda writing: {"state": row.state.value})
            return
        if row.state is ProposalState.SHADOW:
            with work.alive():
                shadow = _shadow(work, row, token_counter)
            work.finish(lambda writing: _told(_after_shadow(writing, row, shadow), work, writing))
        else:
            turns = _turns(work.equipment, row)
            work.finish(lambda writing: _told(_after_look(writing, row, turns), work, writing))

    return look


def _told(row: ProposalRow, work: JobWork, writing: Writing) -> dict[str, Any]:
    if row.state in GOING:
        put_in(writing, row.proposal_id, work.job.payload["look"] + 1, delay=LOOK_EVERY)
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
        now = WorkspaceConfig(**workspaces.get(reading).settings)
    bench = Bench(token_counter)
    return compare(
        bench.outcomes(records, now), bench.outcomes(records, now.with_changes(**row.changes))
    )


def _after_shadow(writing: Writing, row: ProposalRow, shadow: Comparison | None) -> ProposalRow:
    if shadow is None:
        return row
    told = asdict(shadow)
    broken = broken_by(shadow)
    if broken:
        return proposals.move(
            *(writing, row.proposal_id, (ProposalState.SHADOW,), ProposalState.TAKEN_BACK),
            shadow=told,
            reason=" ".join(broken),
        )
    return switch_on(writing, row, shadow=told)


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


def _plan(row: ProposalRow) -> Mapping[str, int]:
    if row.plan is None:
        raise UnknownProposalError(f"proposal {row.proposal_id!r} was not applied.")
    return row.plan


def _turns(equipment: Equipment, row: ProposalRow) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """What was seen before the settings held, and since."""
    with equipment.read(row.workspace_id) as reading:
        before = allocations.listed(reading, until=row.live_at, limit=_MOST_TURNS)
        after = allocations.listed(reading, since=row.live_at, limit=_MOST_TURNS)
        return _seen(reading, before), _seen(reading, after)


def _seen(reading: Reading, rows: Sequence[AllocationRow]) -> list[Turn]:
    said = allocations.feedback_on(reading, [row.allocation_id for row in rows])
    return [_turn(row, said.get(row.allocation_id, ())) for row in rows]


def _turn(row: AllocationRow, said: Sequence[FeedbackRow]) -> Turn:
    of_memories = [one for one in said if one.memory_id is not None and one.useful is not None]
    whole = [one.useful for one in said if one.memory_id is None and one.useful is not None]
    needed = needed_of(
        Feedback(
            memory_id=one.memory_id, useful=one.useful, origin=one.origin.value, weight=one.weight
        )
        for one in of_memories
    )
    return Turn(
        utilisation=row.record["used_tokens"] / max(1, row.record["budget_tokens"]),
        useful=sum(needed.values()) if of_memories else None,
        liked=whole[-1] if whole else None,
    )
