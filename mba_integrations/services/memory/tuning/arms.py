"""One look at an experiment: go on, end it early, or say what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mba_integrations.learning.gate.arms import ArmsVerdict, judge_arms, so_far
from mba_integrations.learning.gate.monitor import tripped
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.tuning.seen import arms_since
from mba_integrations.services.memory.tuning.switching import (
    LOOK_EVERY,
    changed_meanwhile,
    end_experiment,
)
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements.learning import proposals

_READ_EVERY_MINUTE = 10_000
"""Recalls: who has more to read looks less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look comes to.

    Attributes:
        act: Does it, in one transaction.
        delay: When to look again, where it goes on.
    """

    act: Callable[[Writing], ProposalRow]
    delay: timedelta


def look_at_arms(equipment: Equipment, row: ProposalRow) -> Look:
    """What both arms came to so far."""
    plan = row.plan or {}
    seen = arms_since(equipment, row, wanted=plan["recalls"])
    worse = tripped(*seen.turns, beside="with the usual settings")
    if seen.is_enough and worse is None:
        verdict = judge_arms(seen.usual, seen.changed)
    else:
        verdict = so_far(seen.usual, seen.changed, wanted=int(plan["recalls"]))

    def act(writing: Writing) -> ProposalRow:
        return _after(writing, row.proposal_id, verdict, worse, is_over=seen.is_enough)

    return Look(act=act, delay=LOOK_EVERY * max(1, seen.count // _READ_EVERY_MINUTE))


def _after(
    writing: Writing, proposal_id: str, verdict: ArmsVerdict, worse: str | None, *, is_over: bool
) -> ProposalRow:
    row = proposals.get(writing, proposal_id)
    if row.state is not ProposalState.EXPERIMENT:
        return row  # it was taken back meanwhile
    found = verdict.to_dict()
    reason = changed_meanwhile(writing, row) or worse
    if reason is not None:
        return end_experiment(writing, row, ProposalState.TAKEN_BACK, found=found, reason=reason)
    if is_over:
        is_proposed = verdict.answer is Answer.PROPOSAL
        to = ProposalState.PROPOSAL if is_proposed else ProposalState.FOUND
        return end_experiment(writing, row, to, found=found)
    here = (ProposalState.EXPERIMENT,)
    since = row.changed_at
    return proposals.move(writing, proposal_id, here, here[0], found=found, changed_at=since)
