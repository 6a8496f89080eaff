"""What each candidate is worth for a query, by the workspace's scoring method.

Relevance, importance and freshness become a score in [0, 1]; the score becomes the value that
packing adds up. A usefulness is a probability, so values of several items add up to the expected
number of needed items. A Mem0 score is no probability: summing it would fill the prompt with
short items, so its value is the score times the tokens, which ranks items by their score.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot, seconds_of
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.value.mem0_score import (
    decayed_freshness,
    lasting_part,
    product,
    with_freshness,
)
from mba_integrations.core.value.relevance import estimate_relevance
from mba_integrations.core.value.usefulness import estimate_usefulness
from mba_integrations.core.value.worth import Worth

SECONDS_PER_DAY = 86_400.0
UNKNOWN_FRESHNESS = 0.5
"""Freshness of an item without a date: neither new nor old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known of each candidate, each of shape (n,), in [0, 1]."""

    relevance: FloatArray
    importance: FloatArray
    freshness: FloatArray
    score: FloatArray


def evaluate(
    query: str,
    snapshot: PoolSnapshot,
    config: WorkspaceConfig,
    *,
    query_vector: FloatArray | None,
    embedder: Embedder | None,
    now: datetime,
) -> Signals:
    """Score every candidate.

    Args:
        query: Any text.
        snapshot: The candidates.
        config: Method, weights and half-lives.
        query_vector: Embedding of the query, shape (d,), or None.
        embedder: Makes the embeddings that items lack; None for none.
        now: The time that ages are counted from.
    """
    columns = snapshot.columns
    freshness = freshness_of(snapshot, config, now=now)
    given = snapshot.all_relevance_given
    useful = config.scoring_method is ScoringMethod.USEFULNESS
    if not matches_query(snapshot, config):
        relevance = columns.given_relevance
    else:
        corpus = snapshot.corpus(embedder)
        relevance = (
            columns.given_relevance
            if given
            else estimate_relevance(query, corpus, query_vector=query_vector)
        )
    if useful:
        score = estimate_usefulness(
            query,
            corpus,
            query_vector=query_vector,
            freshness=freshness,
            now_seconds=seconds_of(now),
        )
    else:
        score = _mem0_score(relevance, snapshot, freshness, config)
    return Signals(
        relevance=relevance, importance=columns.importance, freshness=freshness, score=score
    )


def matches_query(snapshot: PoolSnapshot, config: WorkspaceConfig) -> bool:
    """Whether scores depend on how items match the query: not where a Mem0 score takes relevance
    that is given for every item. Otherwise texts are indexed and embedded."""
    return config.scoring_method is ScoringMethod.USEFULNESS or not snapshot.all_relevance_given


def freshness_of(snapshot: PoolSnapshot, config: WorkspaceConfig, *, now: datetime) -> FloatArray:
    """Freshness of every candidate, shape (n,), in [0, 1]; 0.5 without a date."""
    half_lives = np.array([config.tier_half_life(tier) for tier in MemoryTier])
    present, latest = seconds_of(now), snapshot.latest_created_seconds
    if latest > present or np.isinf(latest):
        return _freshness_at(present, snapshot, half_lives)
    # All have aged alike since the newest one, so one factor brings them up to date.
    at_latest = snapshot.remembered(
        ("freshness", *half_lives), lambda: _freshness_at(latest, snapshot, half_lives)
    )
    since = np.full(len(half_lives), (present - latest) / SECONDS_PER_DAY)
    factors = decayed_freshness(since, half_life_days=half_lives)
    is_one = (half_lives == half_lives[0]).all()
    freshness = at_latest * (factors[0] if is_one else factors[snapshot.columns.tier])
    freshness[snapshot.undated_rows] = UNKNOWN_FRESHNESS
    return freshness


def _freshness_at(seconds: float, snapshot: PoolSnapshot, half_lives: FloatArray) -> FloatArray:
    columns = snapshot.columns
    ages = (seconds - columns.created_seconds) / SECONDS_PER_DAY
    ages[snapshot.undated_rows] = 0.0
    freshness = decayed_freshness(ages, half_life_days=half_lives[columns.tier])
    freshness[snapshot.undated_rows] = UNKNOWN_FRESHNESS
    return freshness


def packing_worth(score: FloatArray, config: WorkspaceConfig) -> Worth:
    """What packing adds up."""
    useful = config.scoring_method is ScoringMethod.USEFULNESS
    return Worth(of_item=score, per_token=not useful)


def _mem0_score(
    relevance: FloatArray, snapshot: PoolSnapshot, freshness: FloatArray, config: WorkspaceConfig
) -> FloatArray:
    importance = snapshot.columns.importance
    if config.scoring_method is ScoringMethod.PRODUCT:
        return product(relevance, importance, freshness)
    weights = {
        "relevance_weight": config.relevance_weight,
        "importance_weight": config.importance_weight,
    }

    def lasting() -> FloatArray:
        return lasting_part(relevance, importance, **weights)

    if relevance is snapshot.columns.given_relevance:
        kept = snapshot.remembered(("lasting part", *weights.values()), lasting)
    else:
        kept = lasting()
    return with_freshness(kept, freshness, freshness_weight=config.freshness_weight)
