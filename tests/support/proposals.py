"""Settings that were looked for, in a store as the job leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mba_integrations.learning.gate.bootstrap import Interval
from mba_integrations.learning.gate.comparison import Comparison, Side
from mba_integrations.learning.gate.verdict import Answer, Verdict
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.statements.learning import proposals

FIRST = "tune-000001"
CHANGES = {"stability": 0.9}
BEFORE = Side(
    evidence=0.75,
    evidence_per_1000_tokens=2.0,
    mean_used_tokens=400.0,
    mean_cost=400.0,
    utilisation=0.8,
    stability=None,
    unfit=0,
)
GAIN = Interval(value=0.5, low=0.25, high=0.75)
COMPARED = Comparison(
    before=BEFORE,
    after=Side(**{**asdict(BEFORE), "evidence_per_1000_tokens": 2.5, "mean_used_tokens": 320.0}),
    gain=GAIN,
    evidence_points=GAIN,
    workspace_points={},
)
PROPOSED = Verdict(answer=Answer.PROPOSAL, reasons=("It needs less.",), comparison=COMPARED)
TOO_LITTLE = Verdict(answer=Answer.NOT_ENOUGH, reasons=("12 of 300 allocations: 288 are missing.",))


def found_settings(
    service: MemoryService,
    workspace_id: str,
    proposal_id: str = FIRST,
    *,
    state: ProposalState = ProposalState.PROPOSAL,
    changes: Mapping[str, Any] = CHANGES,
    found: Mapping[str, Any] | None = None,
) -> ProposalRow:
    """What a job found, looked for from the settings of now."""
    version = service.workspaces.row(workspace_id).settings_version
    return service.equipment.write(
        workspace_id,
        lambda writing: proposals.keep(
            writing,
            proposal_id,
            state=state,
            from_version=version,
            changes=changes,
            found=found or {},
        ),
    )


def kept(service: MemoryService, workspace: str, number: int, verdict: Verdict) -> str:
    """What a job found, in the store."""
    is_proposed = verdict.answer is Answer.PROPOSAL
    return found_settings(
        service,
        workspace,
        f"tune-{number:06}",
        state=ProposalState.PROPOSAL if is_proposed else ProposalState.FOUND,
        changes={"min_score": 0.25} if is_proposed else {},
        found=verdict.to_dict(),
    ).proposal_id
