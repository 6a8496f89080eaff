"""`RetentionPolicy`: how long and how much each tier keeps, and what becomes of the rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.problems import InvalidSettingsError, SettingProblem
from mba_integrations.core.model import MemoryTier

MOST_DAYS = 36_525.0
"""A hundred years; beyond that, leave the rule out."""
MOST_KEPT = 1_000_000_000

LimitDays = Annotated[float, Field(gt=0.0, le=MOST_DAYS, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=0, le=MOST_KEPT)]


class OnLimit(StrEnum):
    """What becomes of a memory that its tier does not keep."""

    DEMOTE = "demote"
    """It moves to long-term memory."""
    FORGET = "forget"
    """It is no candidate any more; its text stays in the history."""
    REMOVE = "remove"
    """Its text, its versions and its vectors are deleted."""


class RetentionRule(SettingsGroup):
    """What one tier keeps. A limit that is left out does not apply.

    `max_age_days` counts from when a memory was made, `max_idle_days` from its last use, or from
    when it was made if it was never used. A memory of unknown age is not too old.

    >>> RetentionRule(max_age_days=30, on_limit="remove").on_limit
    <OnLimit.REMOVE: 'remove'>
    """

    max_age_days: LimitDays | None = None
    max_idle_days: LimitDays | None = None
    max_items: Limit | None = None
    max_tokens: Limit | None = None
    on_limit: OnLimit = OnLimit.FORGET

    @property
    def limits(self) -> bool:
        """Whether any limit applies."""
        bounds = (self.max_age_days, self.max_idle_days, self.max_items, self.max_tokens)
        return any(bound is not None for bound in bounds)


_FARTHEST = (MemoryTier.LONG_TERM, MemoryTier.RAG)


class RetentionPolicy(SettingsGroup):
    """The rules of the four tiers; without a rule a tier keeps everything.

    Raises:
        InvalidSettingsError: A `ConfigError` that lists every rule that is refused.

    >>> policy = RetentionPolicy(working={"max_items": 500, "on_limit": "demote"})
    >>> policy.rule(MemoryTier.WORKING).max_items, policy.rule(MemoryTier.RAG).limits
    (500, False)
    """

    working: RetentionRule = RetentionRule()
    project: RetentionRule = RetentionRule()
    long_term: RetentionRule = RetentionRule()
    rag: RetentionRule = RetentionRule()

    def rule(self, tier: MemoryTier) -> RetentionRule:
        """The rule of one tier."""
        rule: RetentionRule = getattr(self, tier.value)
        return rule

    @model_validator(mode="after")
    def _check_demotion(self) -> RetentionPolicy:
        problems = tuple(
            SettingProblem(
                path=(tier.value, "on_limit"),
                rule="nothing is demoted out of this tier",
                hint="Use forget or remove.",
            )
            for tier in _FARTHEST
            if self.rule(tier).on_limit is OnLimit.DEMOTE
        )
        if problems:
            raise InvalidSettingsError("retention", problems)
        return self
