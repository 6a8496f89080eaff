"""Settings that were looked for in past recalls, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ProposalState(StrEnum):
    """Where the settings stand.

                  proposal ──> shadow ──> live ──> watched ──> kept
                   ↑   └───────────┴────────┴──────────┴─────────┴──> taken_back
    experiment ────┼──> found                                             ↑
         └─────────┼──────────────────────────────────────────────────────┘
    a search ──────┴──> found
    """

    EXPERIMENT = "experiment"
    """A share of the sessions is decided under them, and the arms are compared."""
    FOUND = "found"
    """They were looked for or tried, and the gate does not propose them."""
    PROPOSAL = "proposal"
    SHADOW = "shadow"
    """They decide new recalls a second time, and nothing is sent of that."""
    LIVE = "live"
    """They hold, and too few recalls were made with them to watch."""
    WATCHED = "watched"
    """They hold, and are compared with those before."""
    KEPT = "kept"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """Settings in place of others.

    Attributes:
        workspace_id: Of which workspace.
        proposal_id: Unique in the workspace.
        state: Where they stand.
        created_at: When they were found.
        changed_at: Since when they stand there.
        from_version: The version of the settings that they were looked for from.
        live_version: The version that they became, or that deals them out; None before, and after
            an experiment.
        live_at: When they did.
        changes: Settings that differ, by name.
        found: The verdict, and what it was made from; as JSON can hold it.
        plan: For how many recalls they are tried in shadow and watched, or with which share of the
            sessions and how many recalls the experiment runs; None before.
        shadow: What the shadow came to; None before.
        reason: Why they stand there, where there is something to say.
    """

    workspace_id: str
    proposal_id: str
    state: ProposalState
    created_at: datetime
    changed_at: datetime
    from_version: int
    live_version: int | None
    live_at: datetime | None
    changes: Mapping[str, Any]
    found: Mapping[str, Any]
    plan: Mapping[str, float] | None
    shadow: Mapping[str, Any] | None
    reason: str | None
