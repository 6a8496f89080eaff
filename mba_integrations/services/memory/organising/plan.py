"""`OrganisationPlan`: what is put in order, how often, and how much of it at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mba_integrations.core.config.group import SettingsGroup

Hours = Annotated[float, Field(gt=0.0, le=87_600.0, allow_inf_nan=False)]
DaysKept = Annotated[float, Field(gt=0.0, le=36_525.0, allow_inf_nan=False)]
Percent = Annotated[float, Field(gt=0.0, le=100.0, allow_inf_nan=False)]


class OrganisationPlan(SettingsGroup):
    """What a run does.

    A run moves at most `max_moves_pct` percent of the active memories between tiers, and at least
    one; what stands highest or lowest goes first. Sessions unused for `end_sessions_after_hours`
    end: their working memory becomes long-term memory. Memories that say the same are linked, none
    is taken away. What was forgotten is pruned after `forgotten_days`, which None keeps for ever.
    """

    every_hours: Hours = 24.0
    move_tiers: bool = True
    max_moves_pct: Percent = 5.0
    apply_retention: bool = True
    link_repetitions: bool = True
    end_sessions_after_hours: Hours | None = 12.0
    forgotten_days: DaysKept | None = None
    log_days: DaysKept | None = 30.0
    log_item_days: DaysKept | None = 7.0
    session_days: DaysKept | None = 30.0
    job_days: DaysKept | None = 7.0
