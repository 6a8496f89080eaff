"""How fresh each candidate is: exponential decay of its age, by the half-life of its tier.

O(n) for the first call with a workspace's half-lives; afterwards one product of n numbers, because
all items have aged alike since the newest of them:

    2 ** -(now - created) / h  =  2 ** -(newest - created) / h  *  2 ** -(now - newest) / h

The first factor is kept with the items. An item created after the newest does not exist, so no age
in it is negative; where *now* is before the newest item, whose age counts as 0, the product does
not hold and everything is worked out.

With a half-life of 30 days, two items of 40 and 10 days are as fresh as they were when the second
was made, times what 10 days cost:

>>> decayed_freshness(np.array([40.0, 10.0]), half_life_days=30.0).round(4).tolist()
[0.3969, 0.7937]
>>> at_newest = decayed_freshness(np.array([30.0, 0.0]), half_life_days=30.0)
>>> (at_newest * decayed_freshness(np.array([10.0]), half_life_days=30.0)).round(4).tolist()
[0.3969, 0.7937]
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import ConfigError
from mba_integrations.core.model import TIERS
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.times import SECONDS_PER_DAY, seconds_of

UNKNOWN_FRESHNESS = 0.5
"""Freshness of an item without a date: neither new nor old."""


def freshness_of(snapshot: PoolSnapshot, config: WorkspaceConfig, *, now: datetime) -> FloatArray:
    """Freshness of every candidate, shape (n,), in [0, 1]; 0.5 without a date."""
    half_lives = np.array([config.tier_half_life(tier) for tier in TIERS])
    present, newest = seconds_of(now), snapshot.latest_created_seconds
    if newest > present or np.isinf(newest):
        return _freshness_at(present, snapshot, half_lives)
    at_newest = _freshness_at_newest(snapshot, half_lives)
    since = np.full(len(half_lives), (present - newest) / SECONDS_PER_DAY)
    factors = decayed_freshness(since, half_life_days=half_lives)
    is_one = (half_lives == half_lives[0]).all()
    freshness = at_newest * (factors[0] if is_one else factors[snapshot.columns.tier])
    freshness[snapshot.undated_rows] = UNKNOWN_FRESHNESS
    return freshness


def _freshness_at_newest(snapshot: PoolSnapshot, half_lives: FloatArray) -> FloatArray:
    """Freshness when the newest item was made; worked out once for the same half-lives."""
    key = ("freshness", *half_lives.tolist())
    known: FloatArray | None = snapshot.derived.get(key)
    if known is None:
        known = _freshness_at(snapshot.latest_created_seconds, snapshot, half_lives)
        snapshot.derived[key] = known
    return known


def _freshness_at(seconds: float, snapshot: PoolSnapshot, half_lives: FloatArray) -> FloatArray:
    columns = snapshot.columns
    ages = (seconds - columns.created_seconds) / SECONDS_PER_DAY
    ages[snapshot.undated_rows] = 0.0
    freshness = decayed_freshness(ages, half_life_days=half_lives[columns.tier])
    freshness[snapshot.undated_rows] = UNKNOWN_FRESHNESS
    return freshness


def decayed_freshness(age_days: FloatArray, *, half_life_days: float | FloatArray) -> FloatArray:
    """Freshness of items by exponential decay, in [0, 1].

    Args:
        age_days: Age of each item, shape (n,). Negative ages (clock skew) count as 0.
        half_life_days: Age at which freshness is 0.5; one for all, or one per item, shape (n,).
            Must be positive; infinity means that items never age.

    Raises:
        ConfigError: If a half-life is not positive.

    >>> decayed_freshness(np.array([0.0, 30.0]), half_life_days=30.0)
    array([1. , 0.5])
    """
    half_lives = np.asarray(half_life_days, dtype=np.float64)
    if not np.all(half_lives > 0):
        wrong = float(half_lives[~(half_lives > 0)].flat[0])
        raise ConfigError(
            f"half_life_days is {wrong}, must be positive. Use infinity for items that never age.",
            key="half_life_days",
            value=wrong,
        )
    ages = np.maximum(np.asarray(age_days, dtype=np.float64), 0.0)
    # Infinite age over infinite half-life is not a number; such an item never ages.
    lives = np.where(
        np.isinf(half_lives), 0.0, ages / np.where(np.isinf(half_lives), 1, half_lives)
    )
    return np.asarray(np.exp2(-lives))
