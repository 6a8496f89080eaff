"""`SearchSpace`: which settings of a workspace are tried, and between which values.

Shares and weights are tried as parts, each in [0, 1], and divided by their sum. What cannot matter
is left out: multipliers where callers gave all budgets, half-lives of tiers that never age, the
recent share where nothing is a conversation. Numbers are rounded to three digits, so that a
proposal can be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import SHARE_FIELDS, WEIGHT_FIELDS, WorkspaceConfig
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.learning.replay.records import ReplayRecord

METHODS = tuple(method.value for method in ScoringMethod)
STOPS = ("none", "min_score", "token_price")
"""What ends a prompt before its budget: what the method does by itself, or one of two settings."""
DAYS = (1.0, 3650.0)
SCORES = (0.001, 0.8)
PRICES = (1e-6, 0.05)
LEAST_MULTIPLIER = 0.1
LEAST_OVERLAP = 0.5
SEARCHED = (
    *("scoring_method", *WEIGHT_FIELDS, "half_life_days", "tier_half_life_days", "min_score"),
    *("token_price", *SHARE_FIELDS.values(), "complexity_multipliers", "recent_share"),
    *("duplicate_threshold", "stability"),
)
"""The settings that a proposal may change."""


class Suggests(Protocol):
    """What suggests a value for each parameter, such as a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number within the two."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """One of them."""


class SearchSpace:
    """The settings of a workspace that are tried.

    Args:
        config: The settings of now: all that is not searched stays.
        records: The allocations that they are tried on.
    """

    def __init__(self, config: WorkspaceConfig, records: Iterable[ReplayRecord]) -> None:
        found = list(records)
        self._config = config
        self._scales = any(not one.budget_given for one in found)
        self._talks = any(
            item.tier is MemoryTier.WORKING
            for candidates in {id(one.candidates): one.candidates for one in found}.values()
            for item in candidates
        )

    def suggested(self, trial: Suggests) -> WorkspaceConfig:
        """Settings that a trial suggests."""
        return self._config.with_changes(
            **self._scoring(trial),
            **self._ageing(trial),
            **self._stop(trial),
            **_normalised(SHARE_FIELDS.values(), trial),
            **self._budget(trial),
            duplicate_threshold=_float(trial, "duplicate_threshold", LEAST_OVERLAP, 1.0),
            stability=_float(trial, "stability", 0.0, 1.0),
        )

    def of_settings(self, config: WorkspaceConfig) -> dict[str, Any]:
        """The parameters by which a trial suggests these settings, or the nearest ones."""
        stop = "token_price" if config.token_price else "min_score" if config.min_score else "none"
        wanted: dict[str, Any] = {
            "scoring_method": config.scoring_method.value,
            "half_life_days": config.half_life_days,
            "stop": stop,
            "min_score": config.min_score,
            "token_price": config.token_price or 0.0,
            "duplicate_threshold": config.duplicate_threshold or 1.0,
            "stability": config.stability,
            "recent_share": config.recent_share,
            **{name: getattr(config, name) for name in (*WEIGHT_FIELDS, *SHARE_FIELDS.values())},
            **{_of_tier(tier): config.tier_half_life(tier) for tier in self._ageing_tiers()},
            **{_of_level(level): _mean_multiplier(config, level) for level in QueryComplexity},
        }
        nearest = _Nearest(wanted)
        self.suggested(nearest)
        return nearest.taken

    def _scoring(self, trial: Suggests) -> dict[str, Any]:
        method = trial.suggest_categorical("scoring_method", METHODS)
        if method != ScoringMethod.WEIGHTED_SUM.value:
            return {"scoring_method": method}
        return {"scoring_method": method, **_normalised(WEIGHT_FIELDS, trial)}

    def _ageing(self, trial: Suggests) -> dict[str, Any]:
        tiers = {
            tier: _float(trial, _of_tier(tier), *DAYS, log=True) for tier in self._ageing_tiers()
        }
        return {
            "half_life_days": _float(trial, "half_life_days", *DAYS, log=True),
            "tier_half_life_days": {**self._config.tier_half_life_days, **tiers},
        }

    def _ageing_tiers(self) -> list[MemoryTier]:
        named = self._config.tier_half_life_days
        return [tier for tier in MemoryTier if math.isfinite(named.get(tier, math.inf))]

    def _stop(self, trial: Suggests) -> dict[str, Any]:
        stop = trial.suggest_categorical("stop", STOPS)
        found: dict[str, Any] = {"min_score": 0.0, "token_price": None}
        if stop == "min_score":
            found["min_score"] = _float(trial, stop, *SCORES, log=True)
        elif stop == "token_price":
            found["token_price"] = _float(trial, stop, *PRICES, log=True)
        return found

    def _budget(self, trial: Suggests) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._talks:
            found["recent_share"] = _float(trial, "recent_share", 0.0, 1.0)
        if self._scales:
            found["complexity_multipliers"] = {
                level: _float(trial, _of_level(level), LEAST_MULTIPLIER, 1.0)
                for level in QueryComplexity
            }
        return found


class _Nearest:
    """Suggests what is wanted, or the nearest value that may be suggested."""

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self._wanted = wanted
        self.taken: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.taken[name] = min(max(float(self._wanted[name]), low), high)
        return float(self.taken[name])

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        self.taken[name] = self._wanted[name]
        return str(self.taken[name])


def changes_between(now: WorkspaceConfig, then: WorkspaceConfig) -> dict[str, Any]:
    """The searched settings that differ, by name, as JSON can hold them."""
    before, after = (one.model_dump(mode="json", include=set(SEARCHED)) for one in (now, then))
    return {name: after[name] for name in SEARCHED if before[name] != after[name]}


def shipped(config: WorkspaceConfig) -> WorkspaceConfig:
    """The settings with the defaults of the package for all that is searched."""
    defaults = WorkspaceConfig(workspace_id=config.workspace_id)
    return config.with_changes(**{name: getattr(defaults, name) for name in SEARCHED})


def _float(trial: Suggests, name: str, low: float, high: float, *, log: bool = False) -> float:
    value = float(f"{trial.suggest_float(name, low, high, log=log):.3g}")
    return min(max(value, low), high)


def _normalised(names: Iterable[str], trial: Suggests) -> dict[str, float]:
    """Parts that sum to 1; the largest takes what rounding leaves."""
    parts = {name: trial.suggest_float(name, 0.0, 1.0) for name in names}
    total = sum(parts.values())
    if not total:
        return {name: 1.0 / len(parts) for name in parts}
    rounded = {name: round(part / total, 3) for name, part in parts.items()}
    largest = max(rounded, key=lambda name: rounded[name])
    others = sum(part for name, part in rounded.items() if name != largest)
    return {**rounded, largest: round(1.0 - others, 3)}


def _of_tier(tier: MemoryTier) -> str:
    return f"half_life_days_{tier.value}"


def _of_level(level: QueryComplexity) -> str:
    return f"multiplier_{level.value}"


def _mean_multiplier(config: WorkspaceConfig, level: QueryComplexity) -> float:
    return sum(config.multiplier(level, tier) for tier in MemoryTier) / len(MemoryTier)
