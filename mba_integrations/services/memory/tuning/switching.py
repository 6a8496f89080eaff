"""Switch proposed settings on and off. Each is one transaction of settings and state, so nothing is
ever half applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate.arms import so_far
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import jobs, workspaces
from mba_integrations.services.store.statements.learning import proposals

KIND = "stage-settings"
LOOK_EVERY = timedelta(minutes=1)
HOLDING = (ProposalState.LIVE, ProposalState.WATCHED, ProposalState.KEPT)
GOING = (
    *(ProposalState.EXPERIMENT, ProposalState.SHADOW),
    *(ProposalState.LIVE, ProposalState.WATCHED),
)


def put_in(writing: Writing, row: ProposalRow, look: int, *, delay: timedelta) -> None:
    """Put in a look. Ids count up: putting the next one in twice is no second one.

    Looks at an experiment are counted by themselves: what it proposes is looked at from 1 again.
    """
    what = "arms" if row.state is ProposalState.EXPERIMENT else KIND
    payload = {"proposal_id": row.proposal_id, "look": look}
    jobs.enqueue(writing, f"{what}-{row.proposal_id}-{look:06}", KIND, payload, delay=delay)


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
    if row.state is ProposalState.EXPERIMENT:
        return end_experiment(writing, row, ProposalState.TAKEN_BACK, reason=reason)
    if row.state in HOLDING:
        kept = {one.version: one.settings for one in workspaces.settings_versions(writing)}
        before = kept[row.from_version]
        now = WorkspaceConfig(**workspaces.get(writing).settings)
        restored = now.with_changes(**{name: before[name] for name in row.changes})
        workspaces.change_settings(writing, as_json(restored))
    states = (ProposalState.PROPOSAL, ProposalState.SHADOW, *HOLDING)
    return proposals.move(writing, row.proposal_id, states, ProposalState.TAKEN_BACK, reason=reason)


def begin_experiment(
    writing: Writing, proposal_id: str, changes: Mapping[str, Any], *, share: float, recalls: int
) -> ProposalRow:
    """Have a share of the sessions decided under changed settings.

    Raises:
        InputError: If an experiment runs already, nothing would differ, or nothing is logged.
        InvalidWorkspaceError: If a setting is unknown or out of its range.
    """
    now = workspaces.get(writing)
    config = WorkspaceConfig(**now.settings)
    if config.experiment is not None:
        raise InputError(
            f"the settings have an experiment {config.experiment.id!r} already, which was put in "
            "by hand. Take it out first: set experiment to null."
        )
    if not config.logging.enabled:
        raise InputError(
            "an experiment is read from the log, and logging.enabled is false. Set it to true."
        )
    dealing = {"id": proposal_id, "share": share, "changes": changes}
    written = as_json(config.with_changes(experiment=dealing))
    tried = written["experiment"]["changes"]
    if config.with_changes(**tried) == config:
        raise InputError(
            "no setting of the changes differs from what holds already. Change one at least."
        )
    after = workspaces.change_settings(writing, written)
    return proposals.keep(
        writing,
        proposal_id,
        state=ProposalState.EXPERIMENT,
        from_version=now.settings_version,
        changes=tried,
        found=so_far((), (), wanted=recalls).to_dict(),
        plan={"share": share, "recalls": recalls},
        live_version=after.settings_version,
        live_at=writing.at,
    )


def end_experiment(
    writing: Writing, row: ProposalRow, to: ProposalState, **news: Any
) -> ProposalRow:
    """Take an experiment out of the settings, and move what it tried on; other settings stay."""
    now = workspaces.get(writing)
    config = WorkspaceConfig(**now.settings)
    if config.experiment is not None and config.experiment.id == row.proposal_id:
        now = workspaces.change_settings(writing, as_json(config.usual))
    return proposals.move(
        *(writing, row.proposal_id, (ProposalState.EXPERIMENT,), to),
        from_version=now.settings_version,
        live_version=None,
        live_at=None,
        **news,
    )


_NOT_OF_PROMPTS = frozenset({"workspace_id", "description", "promotion", "logging", "gateway"})


def changed_meanwhile(writing: Writing, row: ProposalRow) -> str | None:
    """Which settings of both arms somebody changed since, in a sentence; None for none."""
    now = workspaces.get(writing)
    if now.settings_version == row.live_version:
        return None
    kept = {one.version: one.settings for one in workspaces.settings_versions(writing)}
    then, here = (WorkspaceConfig(**one) for one in (kept[row.live_version or 0], now.settings))
    names = [
        name
        for name in WorkspaceConfig.model_fields
        if name not in _NOT_OF_PROMPTS and getattr(then, name) != getattr(here, name)
    ]
    if not names:
        return None
    return (
        f"somebody changed {', '.join(names)}: the settings are at version {now.settings_version}, "
        f"the experiment began with {row.live_version}."
    )
