"""Past recalls tried with more tokens for a tier, or under other settings, as they are shown."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.contracts.body import Body, View
from mba_integrations.services.memory.past.trials import BeforeAfter, Effect, StarvingTier


class StarvingTierView(View):
    """What 100 more tokens for a tier would buy in a recall, in the mean."""

    tier: MemoryTier
    value_per_100_tokens: float
    would_enter: int
    looked_at: int
    untried: int


class StarvingView(View):
    """The tiers, the one that would gain most first."""

    tiers: list[StarvingTierView]

    @classmethod
    def of(cls, found: tuple[StarvingTier, ...]) -> StarvingView:
        """The view of the tiers."""
        names = StarvingTierView.model_fields
        tiers = [StarvingTierView(**{name: getattr(one, name) for name in names}) for one in found]
        return cls(tiers=tiers)


class EffectBody(Body):
    """Settings that would differ, and how many of the latest recalls to try them on."""

    settings: dict[str, Any] = Field(default_factory=dict)
    allocations: Annotated[int, Field(strict=True, ge=1, le=500)] = 200


class BeforeAfterView(View):
    """A mean under the settings of now, and under those with the changes."""

    before: float | None
    after: float | None

    @classmethod
    def of(cls, found: BeforeAfter) -> BeforeAfterView:
        """The view of two means."""
        return cls(before=found.before, after=found.after)


class EffectOnOneView(View):
    """A recall on which the settings decide otherwise; ids are cut after 50."""

    allocation_id: str
    entering: list[str]
    leaving: list[str]


class EffectView(View):
    """What other settings would have done to the latest recalls.

    What was not looked at stands under `skipped`, by reason: `question_not_logged`,
    `filters_not_logged`, `not_possible_any_more`, `out_of_time`.
    """

    looked_at: int
    skipped: dict[str, int]
    same: int
    mean_used_tokens: BeforeAfterView
    entering: int
    leaving: int
    by_tier: dict[MemoryTier, BeforeAfterView]
    examples: list[EffectOnOneView]

    @classmethod
    def of(cls, found: Effect) -> EffectView:
        """The view of an effect."""
        return cls(
            looked_at=found.looked_at,
            skipped=dict(found.skipped),
            same=found.same,
            mean_used_tokens=BeforeAfterView.of(found.mean_used_tokens),
            entering=found.entering,
            leaving=found.leaving,
            by_tier={tier: BeforeAfterView.of(one) for tier, one in found.by_tier.items()},
            examples=[
                EffectOnOneView(
                    allocation_id=one.allocation_id,
                    entering=list(one.entering),
                    leaving=list(one.leaving),
                )
                for one in found.examples
            ],
        )
