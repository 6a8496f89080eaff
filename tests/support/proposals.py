"""Settings that were looked for, in a store as the job leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.statements.learning import proposals

FIRST = "tune-000001"
CHANGES = {"stability": 0.9}


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
