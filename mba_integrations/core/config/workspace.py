"""`WorkspaceConfig`: every setting of one tenant or use, its range and its default."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Discriminator, Field, PrivateAttr, Tag, model_validator

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.learned.coefficients import UsefulnessSettings
from mba_integrations.core.config.learned.experiment import ExperimentSettings
from mba_integrations.core.config.problems import (
    NUMBER_BRANCH,
    TIERS_BRANCH,
    InvalidSettingsError,
    SettingProblem,
)
from mba_integrations.core.config.settings import (
    DEFAULT_MULTIPLIERS,
    MOST_TOKENS,
    CachingSettings,
    ComplexitySettings,
    CountingSettings,
    Fraction,
    HalfLifeDays,
    LoggingSettings,
    Multiplier,
    Overlap,
    PerformanceSettings,
    PositiveTokens,
    Price,
    PromotionSettings,
    RenderingSettings,
    ScoringMethod,
    Tokens,
)
from mba_integrations.core.model import MemoryTier, QueryComplexity

SHARE_FIELDS: dict[MemoryTier, str] = {
    MemoryTier.WORKING: "working_memory_pct",
    MemoryTier.PROJECT: "project_memory_pct",
    MemoryTier.LONG_TERM: "long_term_memory_pct",
    MemoryTier.RAG: "rag_memory_pct",
}
WEIGHT_FIELDS = ("relevance_weight", "importance_weight", "freshness_weight")
SUM_TOLERANCE = 1e-6


def _multiplier_form(value: object) -> str:
    return TIERS_BRANCH if isinstance(value, Mapping) else NUMBER_BRANCH


Multipliers = Annotated[
    Annotated[Multiplier, Tag(NUMBER_BRANCH)]
    | Annotated[dict[MemoryTier, Multiplier], Tag(TIERS_BRANCH)],
    Discriminator(_multiplier_form),
]
"""One number for the whole budget, or one for each tier; a tier that is not named has 1."""


class InvalidWorkspaceError(InvalidSettingsError):
    """A workspace's settings are refused; `problems` lists every one that is."""


class WorkspaceConfig(SettingsGroup):
    """The named settings of one tenant or use.

    `max_total_tokens` is a ceiling: `reserved_tokens` come off first, then the multiplier of the
    query's complexity applies, one number or one for each tier. The four shares sum to 1. With
    `borrowing`, tokens that a tier cannot use flow to the tiers where they are worth most.

    Raises:
        InvalidWorkspaceError: A `ConfigError` that lists every setting that is out of its range.

    >>> WorkspaceConfig(workspace_id="notes", max_total_tokens=2000).share(MemoryTier.RAG)
    0.25
    """

    workspace_id: Annotated[str, Field(min_length=1)]
    description: str = ""
    max_total_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 8192
    reserved_tokens: Tokens = 0
    working_memory_pct: Fraction = 0.30
    project_memory_pct: Fraction = 0.20
    long_term_memory_pct: Fraction = 0.25
    rag_memory_pct: Fraction = 0.25
    tier_floor_tokens: dict[MemoryTier, Tokens] = {}
    tier_cap_tokens: dict[MemoryTier, Tokens] = {}
    borrowing: bool = True
    complexity_multipliers: dict[QueryComplexity, Multipliers] = {**DEFAULT_MULTIPLIERS}
    scoring_method: ScoringMethod = ScoringMethod.USEFULNESS
    relevance_weight: Fraction = 0.7
    importance_weight: Fraction = 0.2
    freshness_weight: Fraction = 0.1
    half_life_days: HalfLifeDays = 180.0
    tier_half_life_days: dict[MemoryTier, HalfLifeDays] = {MemoryTier.PROJECT: math.inf}
    min_score: Fraction = 0.0
    token_price: Price | None = None
    recent_share: Fraction = 0.25
    duplicate_threshold: Overlap | None = 0.9
    passage_min_tokens: PositiveTokens | None = 48
    stability: Fraction = 0.7
    usefulness: UsefulnessSettings = UsefulnessSettings()
    complexity: ComplexitySettings = ComplexitySettings()
    rendering: RenderingSettings = RenderingSettings()
    promotion: PromotionSettings = PromotionSettings()
    caching: CachingSettings = CachingSettings()
    counting: CountingSettings = CountingSettings()
    logging: LoggingSettings = LoggingSettings()
    performance: PerformanceSettings = PerformanceSettings()
    gateway: GatewaySettings = GatewaySettings()
    experiment: ExperimentSettings | None = None
    _arms: tuple[WorkspaceConfig, WorkspaceConfig] | None = PrivateAttr(default=None)

    def share(self, tier: MemoryTier) -> float:
        """Share of the budget that belongs to the tier, in [0, 1]."""
        share: float = getattr(self, SHARE_FIELDS[tier])
        return share

    def multiplier(self, complexity: QueryComplexity, tier: MemoryTier) -> float:
        """Part of the ceiling that a query of this complexity may use in the tier, in (0, 1]."""
        multiplier = self.complexity_multipliers.get(complexity, 1.0)
        return multiplier.get(tier, 1.0) if isinstance(multiplier, dict) else multiplier

    def tier_half_life(self, tier: MemoryTier) -> float:
        """Age in days at which an item of the tier has a freshness of 0.5; may be infinite."""
        return self.tier_half_life_days.get(tier, self.half_life_days)

    @property
    def usual(self) -> WorkspaceConfig:
        """These settings without the experiment; they themselves where none runs."""
        return self if self._arms is None else self._arms[0]

    def dealt(self, key: str) -> WorkspaceConfig:
        """The settings of a session: of its arm, without the experiment; they where none runs.

        Args:
            key: The session's id; of a recall outside of sessions the hash of its query.
        """
        if self.experiment is None or self._arms is None:
            return self
        return self._arms[self.experiment.is_changed(key)]

    @classmethod
    def _refusal(
        cls, values: Mapping[str, Any], problems: tuple[SettingProblem, ...]
    ) -> InvalidWorkspaceError:
        name = values.get("workspace_id")
        return InvalidWorkspaceError(
            f"workspace {name!r}" if isinstance(name, str) and name else "workspace", problems
        )

    @model_validator(mode="after")
    def _check_together(self) -> WorkspaceConfig:
        problems = (*_sum_problems(self), *_limit_problems(self))
        if problems:
            raise InvalidSettingsError("workspace", problems)
        if self.experiment is not None:
            self._arms = _arms(self, self.experiment)
        return self


def _arms(
    config: WorkspaceConfig, experiment: ExperimentSettings
) -> tuple[WorkspaceConfig, WorkspaceConfig]:
    usual = config.with_changes(experiment=None)
    try:
        return usual, usual.with_changes(**experiment.changes)
    except InvalidSettingsError as error:
        problems = [
            replace(one, path=("experiment", "changes", *one.path)) for one in error.problems
        ]
        raise InvalidSettingsError("workspace", problems) from error


def _sum_problems(config: WorkspaceConfig) -> Iterator[SettingProblem]:
    shares = {name: config.share(tier) for tier, name in SHARE_FIELDS.items()}
    yield from _sum_problem("shares", shares)
    weights = {name: float(getattr(config, name)) for name in WEIGHT_FIELDS}
    yield from _sum_problem(f"{', '.join(WEIGHT_FIELDS[:-1])} and {WEIGHT_FIELDS[-1]}", weights)


def _sum_problem(subject: str, parts: dict[str, float]) -> Iterator[SettingProblem]:
    total = sum(parts.values())
    if abs(total - 1.0) > SUM_TOLERANCE:
        yield SettingProblem(
            path=(),
            rule=f"{subject} sum to {total:.6g}, must sum to 1.0",
            fields=tuple(parts),
            hint=_sum_hint(parts, total),
        )


def _sum_hint(parts: dict[str, float], total: float) -> str:
    """Which part to change and by how much: the largest, which stays at least 0 or at most 1."""
    largest = max(parts, key=lambda name: parts[name])
    excess = total - 1.0
    if not 0.0 <= parts[largest] - excess <= 1.0:
        return "Divide each by their sum."
    verb = "Lower" if excess > 0.0 else "Raise"
    return f"{verb} {largest} ({parts[largest]:g}) by {abs(excess):.6g}."


def _limit_problems(config: WorkspaceConfig) -> Iterator[SettingProblem]:
    available = config.max_total_tokens - config.reserved_tokens
    if available < 1:
        yield SettingProblem(
            path=(),
            rule=f"reserved_tokens ({config.reserved_tokens:,}) leave nothing of "
            f"max_total_tokens ({config.max_total_tokens:,})",
            fields=("reserved_tokens", "max_total_tokens"),
        )
    for tier, floor in config.tier_floor_tokens.items():
        cap = config.tier_cap_tokens.get(tier)
        if cap is not None and floor > cap:
            yield SettingProblem(
                path=(),
                rule=f"tier {tier.value}: floor ({floor:,}) is above its cap ({cap:,})",
                fields=("tier_floor_tokens", "tier_cap_tokens"),
            )
    floors = sum(config.tier_floor_tokens.values())
    if floors > available >= 1:
        yield SettingProblem(
            path=(),
            rule=f"tier_floor_tokens sum to {floors:,}, more than max_total_tokens less "
            f"reserved_tokens ({available:,})",
            fields=("tier_floor_tokens", "max_total_tokens", "reserved_tokens"),
        )
