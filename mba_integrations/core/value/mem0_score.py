"""The two published forms of the Mem0 score.

Arithmetic on arrays of shape (n,); signals in [0, 1] give scores in [0, 1]. O(n).
Where the signals come from is left to `relevance`, `freshness` and the items; whether the weights
sum to 1 is checked by the workspace's configuration.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.pool.snapshot import PoolSnapshot


def mem0_score(
    relevance: FloatArray, snapshot: PoolSnapshot, freshness: FloatArray, config: WorkspaceConfig
) -> FloatArray:
    """The score by the workspace's method and weights, shape (n,), in [0, 1].

    Where relevance is what the items brought, the part of the weighted sum that neither query nor
    time changes is worked out once for the items.
    """
    importance = snapshot.columns.importance
    if config.scoring_method is ScoringMethod.PRODUCT:
        return product(relevance, importance, freshness)
    weights = (config.relevance_weight, config.importance_weight)
    is_given = relevance is snapshot.columns.given_relevance
    key = ("lasting part", *weights)
    lasting: FloatArray | None = snapshot.derived.get(key) if is_given else None
    if lasting is None:
        lasting = lasting_part(
            relevance, importance, relevance_weight=weights[0], importance_weight=weights[1]
        )
    if is_given:
        snapshot.derived[key] = lasting
    return with_freshness(lasting, freshness, freshness_weight=config.freshness_weight)


def weighted_sum(
    relevance: FloatArray,
    importance: FloatArray,
    freshness: FloatArray,
    *,
    relevance_weight: float,
    importance_weight: float,
    freshness_weight: float,
) -> FloatArray:
    """Mem0 score as the weighted sum of the three signals, shape (n,), in [0, 1].

    The weights are at least 0 and sum to 1.

    >>> one = np.array([1.0])
    >>> weighted_sum(one, one, one * 0, relevance_weight=0.5, importance_weight=0.25,
    ...              freshness_weight=0.25)
    array([0.75])
    """
    lasting = lasting_part(
        relevance,
        importance,
        relevance_weight=relevance_weight,
        importance_weight=importance_weight,
    )
    return with_freshness(lasting, freshness, freshness_weight=freshness_weight)


def lasting_part(
    relevance: FloatArray,
    importance: FloatArray,
    *,
    relevance_weight: float,
    importance_weight: float,
) -> FloatArray:
    """The part of the weighted sum that does not change with time, shape (n,)."""
    lasting = relevance_weight * np.asarray(relevance, dtype=np.float64)
    lasting += importance_weight * np.asarray(importance, dtype=np.float64)
    return lasting


def with_freshness(
    lasting: FloatArray, freshness: FloatArray, *, freshness_weight: float
) -> FloatArray:
    """The weighted sum from the part that does not change with time, shape (n,)."""
    total = freshness_weight * np.asarray(freshness, dtype=np.float64)
    total += lasting
    # Weights that sum to 1 in decimals may exceed it by rounding in binary.
    return np.minimum(total, 1.0, out=total)


def product(relevance: FloatArray, importance: FloatArray, freshness: FloatArray) -> FloatArray:
    """Mem0 score as the product of the three signals, shape (n,), in [0, 1].

    >>> product(np.array([0.5]), np.array([0.5]), np.array([1.0]))
    array([0.25])
    """
    score = np.asarray(relevance, dtype=np.float64) * importance * freshness
    return np.asarray(score, dtype=np.float64)
