"""Settings that are looked for in past recalls: what is asked, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from mba_integrations.learning.gate.monitor import LEAST_TURNS
from mba_integrations.learning.gate.verdict import LEAST_ALLOCATIONS
from mba_integrations.learning.tuning import TRIALS
from mba_integrations.services.contracts.body import Body, View
from mba_integrations.services.memory.tuning.tuning import (
    JUDGED,
    MOST_RECALLS,
    MOST_SEED,
    MOST_TRIALS,
    MOST_WORKERS,
    SHADOW,
    SHARE,
    WATCH,
)
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState


class TuneBody(Body):
    """How many settings are tried, by how many processes; 0 tries them in the server's own."""

    trials: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)] = TRIALS
    workers: Annotated[int, Field(strict=True, ge=0, le=MOST_WORKERS)] = 1
    seed: Annotated[int, Field(strict=True, ge=0, le=MOST_SEED)] = 0


class ExperimentBody(Body):
    """Settings that differ, which share of the sessions gets them, and after how many recalls with
    feedback both arms are compared."""

    changes: dict[str, Any]
    share: Annotated[float, Field(strict=True, gt=0.0, lt=1.0, allow_inf_nan=False)] = SHARE
    recalls: Annotated[int, Field(strict=True, ge=LEAST_ALLOCATIONS, le=MOST_RECALLS)] = JUDGED


class ApplyBody(Body):
    """For how many recalls proposed settings decide in shadow, and after how many they are kept."""

    shadow: Annotated[int, Field(strict=True, ge=0, le=MOST_RECALLS)] = SHADOW
    watch: Annotated[int, Field(strict=True, ge=LEAST_TURNS, le=MOST_RECALLS)] = WATCH


class ProposalView(View):
    """Settings in place of others, and where they stand.

    `changes` are settings that differ; `found` is the verdict with its comparisons, or the arms of
    an experiment; `plan` for how many recalls they are tried in shadow and watched, or with
    which share of the sessions and how many recalls it runs; `shadow` what the shadow came to.
    """

    workspace_id: str
    proposal_id: str
    state: ProposalState
    created_at: datetime
    changed_at: datetime
    from_version: int
    live_version: int | None
    live_at: datetime | None
    changes: dict[str, Any]
    found: dict[str, Any]
    plan: dict[str, int | float] | None
    shadow: dict[str, Any] | None
    reason: str | None

    @classmethod
    def of(cls, row: ProposalRow) -> ProposalView:
        """The view of a row."""
        return cls.model_construct(**{name: getattr(row, name) for name in cls.model_fields})


class ProposalsView(View):
    """What was found, the latest first."""

    proposals: list[ProposalView]

    @classmethod
    def of(cls, rows: Iterable[ProposalRow]) -> ProposalsView:
        """The view of rows."""
        return cls(proposals=[ProposalView.of(one) for one in rows])
