"""`WorkspaceConfig`: every setting of one tenant or use, its range and its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from mba_integrations.core.errors import ConfigError
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.core.settings import (
    DEFAULT_MULTIPLIERS,
    ComplexitySettings,
    CountingSettings,
    Fraction,
    HalfLifeDays,
    LoggingSettings,
    Multiplier,
    PerformanceSettings,
    PromotionSettings,
    RenderingSettings,
    ScoringMethod,
    SettingsGroup,
    Tokens,
)

SHARE_FIELDS: dict[MemoryTier, str] = {
    MemoryTier.WORKING: "working_memory_pct",
    MemoryTier.PROJECT: "project_memory_pct",
    MemoryTier.LONG_TERM: "long_term_memory_pct",
    MemoryTier.RAG: "rag_memory_pct",
}
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """One thing that is wrong with a settings group.

    Attributes:
        path: Keys from the outermost to the innermost, as in the constructor.
        value: What was received.
        rule: What must hold, in words.
        unknown: Whether the last key of `path` is not a setting.
    """

    path: tuple[str, ...]
    value: object
    rule: str
    unknown: bool = False

    def __str__(self) -> str:
        key = ".".join(self.path) or "settings"
        if self.unknown:
            return f"{key}: no such setting."
        return f"{key}: {self.rule}, got {self.value!r}."


class InvalidWorkspaceError(ConfigError):
    """A workspace's settings are refused.

    Attributes:
        problems: Every problem found, in the order of the settings.
    """

    def __init__(self, workspace_id: object, problems: tuple[SettingProblem, ...]) -> None:
        listed = " ".join(str(problem) for problem in problems)
        first = problems[0]
        super().__init__(
            f"workspace {workspace_id!r}: {listed}", key=".".join(first.path), value=first.value
        )
        self.problems = problems


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
    max_total_tokens: Annotated[int, Field(ge=1)] = 8192
    reserved_tokens: Tokens = 0
    working_memory_pct: Fraction = 0.30
    project_memory_pct: Fraction = 0.20
    long_term_memory_pct: Fraction = 0.25
    rag_memory_pct: Fraction = 0.25
    tier_floor_tokens: dict[MemoryTier, Tokens] = {}
    tier_cap_tokens: dict[MemoryTier, Tokens] = {}
    borrowing: bool = True
    complexity_multipliers: dict[QueryComplexity, Multiplier | dict[MemoryTier, Multiplier]] = Field(
        default_factory=lambda: dict(DEFAULT_MULTIPLIERS)
    )
    scoring_method: ScoringMethod = ScoringMethod.USEFULNESS
    relevance_weight: Fraction = 0.6
    importance_weight: Fraction = 0.25
    freshness_weight: Fraction = 0.15
    half_life_days: HalfLifeDays = 30.0
    tier_half_life_days: dict[MemoryTier, HalfLifeDays] = {}
    min_score: Fraction = 0.0
    complexity: ComplexitySettings = ComplexitySettings()
    rendering: RenderingSettings = RenderingSettings()
    promotion: PromotionSettings = PromotionSettings()
    counting: CountingSettings = CountingSettings()
    logging: LoggingSettings = LoggingSettings()
    performance: PerformanceSettings = PerformanceSettings()

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = tuple(_problem(detail) for detail in error.errors())
            raise InvalidWorkspaceError(values.get("workspace_id", "?"), problems) from error

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

    @model_validator(mode="after")
    def _check_together(self) -> WorkspaceConfig:
        shares = sum(self.share(tier) for tier in MemoryTier)
        if abs(shares - 1.0) > SUM_TOLERANCE:
            raise ValueError(f"shares sum to {shares:.6g}, must sum to 1.0{_share_hint(self, shares)}")
        weights = self.relevance_weight + self.importance_weight + self.freshness_weight
        if abs(weights - 1.0) > SUM_TOLERANCE:
            raise ValueError(
                "relevance_weight, importance_weight and freshness_weight sum to "
                f"{weights:.6g}, must sum to 1.0"
            )
        if self.reserved_tokens >= self.max_total_tokens:
            raise ValueError(
                f"reserved_tokens ({self.reserved_tokens:,}) leave nothing of max_total_tokens "
                f"({self.max_total_tokens:,})"
            )
        self._check_floors()
        return self

    def _check_floors(self) -> None:
        for tier, floor in self.tier_floor_tokens.items():
            cap = self.tier_cap_tokens.get(tier)
            if cap is not None and floor > cap:
                raise ValueError(f"tier {tier.value}: floor ({floor:,}) is above its cap ({cap:,})")
        floors = sum(self.tier_floor_tokens.values())
        if floors > self.max_total_tokens - self.reserved_tokens:
            raise ValueError(
                f"tier_floor_tokens sum to {floors:,}, more than max_total_tokens less "
                f"reserved_tokens ({self.max_total_tokens - self.reserved_tokens:,})"
            )


def _share_hint(config: WorkspaceConfig, total: float) -> str:
    largest = max(MemoryTier, key=config.share)
    verb = "Lower" if total > 1.0 else "Raise"
    return (
        f". {verb} {SHARE_FIELDS[largest]} ({config.share(largest):g}) by {abs(total - 1.0):.6g}"
    )


def _problem(detail: Any) -> SettingProblem:
    """A pydantic error detail in this project's words; the path keeps only real keys."""
    path = tuple(str(part) for part in detail["loc"] if _is_key(str(part)))
    rule = str(detail["msg"]).removeprefix("Value error, ")
    kind = detail["type"]
    value = None if kind == "value_error" and not path else detail["input"]
    return SettingProblem(
        path=path,
        value=value,
        rule=rule[:1].lower() + rule[1:],
        unknown=kind == "extra_forbidden",
    )


def _is_key(part: str) -> bool:
    """Whether a location part is a key, not a branch of a union that pydantic names."""
    return "[" not in part and part not in {"float", "int"}
