"""Switch proposed settings on and off. Each is one transaction of settings and state, so nothing is
ever half applied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import jobs, workspaces
from mba_integrations.services.store.statements.learning import proposals

KIND = "stage-settings"
LOOK_EVERY = timedelta(minutes=1)
HOLDING = (ProposalState.LIVE, ProposalState.WATCHED, ProposalState.KEPT)
GOING = (ProposalState.SHADOW, ProposalState.LIVE, ProposalState.WATCHED)


def put_in(writing: Writing, proposal_id: str, look: int, *, delay: timedelta) -> None:
    """Put in a look. Ids count up: putting the next one in twice is no second one."""
    payload = {"proposal_id": proposal_id, "look": look}
    jobs.enqueue(writing, f"{KIND}-{proposal_id}-{look:06}", KIND, payload, delay=delay)


def switch_on(writing: Writing, row: ProposalRow, **news: Any) -> ProposalRow:
    """Have the settings hold; or take them back where somebody changed settings meanwhile."""
    now = workspaces.get(writing)
    states = (ProposalState.PROPOSAL, ProposalState.SHADOW)
    if now.settings_version != row.from_version:
        reason = (
            f"the settings are at version {now.settings_version}, they were looked for from "
            f"{row.from_version}."
        )
        return proposals.move(
            *(writing, row.proposal_id, states, ProposalState.TAKEN_BACK), reason=reason, **news
        )
    changed = WorkspaceConfig(**now.settings).with_changes(**row.changes)
    after = workspaces.change_settings(writing, as_json(changed))
    return proposals.move(
        *(writing, row.proposal_id, states, ProposalState.LIVE),
        live_version=after.settings_version,
        live_at=writing.at,
        **news,
    )


def take_back(writing: Writing, row: ProposalRow, reason: str) -> ProposalRow:
    """Take settings back, whatever stage they are at; what others changed since stays."""
    if row.state in HOLDING:
        kept = {one.version: one.settings for one in workspaces.settings_versions(writing)}
        before = kept[row.from_version]
        now = WorkspaceConfig(**workspaces.get(writing).settings)
        restored = now.with_changes(**{name: before[name] for name in row.changes})
        workspaces.change_settings(writing, as_json(restored))
    states = (ProposalState.PROPOSAL, ProposalState.SHADOW, *HOLDING)
    return proposals.move(writing, row.proposal_id, states, ProposalState.TAKEN_BACK, reason=reason)
