"""In which arm of an experiment a recall is: by its session, or by its question outside of one."""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.statements.records import hash_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The arm that a past recall was in.

    Attributes:
        experiment: Id of the experiment that ran then.
        changed: Whether the recall got the changed settings.
    """

    experiment: str
    changed: bool

    def __str__(self) -> str:
        which = "changed" if self.changed else "usual"
        return f"Experiment {self.experiment!r} ran then, and this recall had the {which} settings."


def arm_key(session_id: str | None, query: str) -> str:
    """What a recall is dealt out by; see `WorkspaceConfig.dealt`."""
    return hash_of(query) if session_id is None else session_id


def arm_key_of(row: AllocationRow) -> str:
    """The same of a past recall."""
    return row.session_id or row.query_hash or row.allocation_id


def arm_of(config: WorkspaceConfig, row: AllocationRow) -> Arm | None:
    """In which arm a past recall was; None where no experiment ran.

    Args:
        config: The settings of the version that it was decided under.
        row: The recall.
    """
    if config.experiment is None:
        return None
    changed = config.experiment.is_changed(arm_key_of(row))
    return Arm(experiment=config.experiment.id, changed=changed)
