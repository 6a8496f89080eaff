"""Records of a log, at a fixed time, with what a test says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mba_integrations import AllocationRecord, MovesRecord
from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.log.log import AllocationLog
from mba_integrations.core.log.records import TierRecord

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
RAG = TierRecord(budget_tokens=40, used_tokens=50, selected=2, omitted=1)


def record(minutes_ago: float = 0, **known: Any) -> AllocationRecord:
    values: dict[str, Any] = {
        "timestamp": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "workspace_id": "dev",
        "complexity": "simple",
        "budget_tokens": 100,
        "used_tokens": 50,
        "value": 1.5,
        "upper_bound": 2.0,
        "duration_ms": 3.0,
        "tiers": {"rag": RAG},
        "omission_reasons": {"outranked": 1},
        "selected_count": 2,
        "counter_id": "o200k_base",
    }
    return AllocationRecord(**(values | known))


def moves(**known: Any) -> MovesRecord:
    """A review's record."""
    return MovesRecord(**{"timestamp": NOW.isoformat(), "workspace_id": "dev", **known})


def log(**settings: Any) -> AllocationLog:
    """A log with these settings."""
    return AllocationLog(LoggingSettings(**settings))
