"""Which settings numbers alone decide."""

from __future__ import annotations

from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.learning.replay.records import ReplayRecord

_ALWAYS_TEXTS = ("counting", "rendering", "complexity", "passage_min_tokens")
_OF_USEFULNESS = ("half_life_days", "tier_half_life_days")


def check_decidable(record: ReplayRecord, then: WorkspaceConfig, config: WorkspaceConfig) -> None:
    """Refuse settings that numbers alone do not decide.

    Raises:
        InputError: With the name of the setting.
    """
    for name in _undecidable(then, config):
        raise InputError(
            f"setting {name!r} cannot be tried on allocation {record.allocation_id!r}: only texts "
            "decide it, and the record has numbers alone. Export records with texts."
        )


def _undecidable(then: WorkspaceConfig, config: WorkspaceConfig) -> list[str]:
    names = [name for name in _ALWAYS_TEXTS if getattr(then, name) != getattr(config, name)]
    is_useful = config.scoring_method is ScoringMethod.USEFULNESS
    if is_useful and then.scoring_method is not ScoringMethod.USEFULNESS:
        names.append("scoring_method")
    if is_useful:
        names += [name for name in _OF_USEFULNESS if getattr(then, name) != getattr(config, name)]
        if (then.recent_share > 0.0) != (config.recent_share > 0.0):
            names.append("recent_share")
    before, after = then.duplicate_threshold, config.duplicate_threshold
    if after is not None and (before is None or after < before):
        names.append("duplicate_threshold")
    return names


def is_exact(record: ReplayRecord, *, is_as_then: bool) -> bool:
    """Whether a record of numbers decides as its texts would.

    Args:
        record: A record of numbers.
        is_as_then: Whether it is replayed under the settings of then.
    """
    numbers = record.numbers or {}
    return bool(numbers.get("is_exact")) and (is_as_then or not numbers["may_be_passages"])
