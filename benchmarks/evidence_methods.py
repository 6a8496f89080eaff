"""Ways to rank items for a question under a token budget, and what each selects.

A method gives each item a value; items are taken in order of value (or of value per token) as long
as they fit, and those that do not fit are skipped. All see the same items, tokens and embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.evidence_data import EvidencePool, EvidenceQuery
from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.times import SECONDS_PER_DAY
from mba_integrations.core.value.freshness import decayed_freshness
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.mem0_score import weighted_sum
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.relevance import estimate_relevance
from mba_integrations.core.value.usefulness import UsefulnessModel, estimate_usefulness

Method = Callable[[EvidencePool, EvidenceQuery], FloatArray]
HALF_LIFE_DAYS = 30.0
_RRF_CONSTANT = 60.0  # Cormack, Clarke and Buettcher (2009)


def newest_first(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """Input order backwards: sets with dates are in chronological order."""
    return np.arange(len(pool.tokens), dtype=float)


def bm25(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """BM25."""
    return pool.corpus.lexical.scores(query.text).astype(float)


def cosine(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """Embedding top-k: what `InMemoryVectorStore` and the like return, filled to the budget."""
    if pool.corpus.vectors is None or query.vector is None:
        raise ValueError(f"{pool.set_name} has no embeddings")
    return pool.corpus.vectors.dot(query.vector).astype(float)


def reciprocal_ranks(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """Reciprocal rank fusion of BM25 and cosine."""
    ranks = [_ranks(bm25(pool, query)), _ranks(cosine(pool, query))]
    return np.asarray(sum(1.0 / (_RRF_CONSTANT + rank) for rank in ranks))


def min_max_hybrid(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """BM25 and cosine, each from 0 to 1 over the pool, averaged."""
    return (_min_max(bm25(pool, query)) + _min_max(cosine(pool, query))) / 2.0


def mem0_published(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """mem0 2.x: cosine plus BM25 through a logistic, halved; only items over a cosine of 0.1.

    Written from its description. The entity boost is left out: it needs a model to find entities.
    """
    dense, terms = cosine(pool, query), len(query.text.split())
    middle, steepness = next((m, s) for limit, m, s in _MEM0_LOGISTIC if terms <= limit)
    raw = bm25(pool, query) * 2.2  # bm25s leaves out the constant factor k1 + 1
    lexical = np.where(raw > 0.0, 1.0 / (1.0 + np.exp(-steepness * (raw - middle))), 0.0)
    return np.where(dense >= 0.1, (dense + lexical) / 2.0, -1.0)


_MEM0_LOGISTIC = ((3, 5.0, 0.7), (6, 7.0, 0.6), (9, 9.0, 0.5), (15, 10.0, 0.5), (10**9, 12.0, 0.5))


def mem0_weighted_sum(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """The weighted sum of relevance, importance and freshness, half-life 30 days."""
    return weighted_sum(
        relevance_only(pool, query),
        pool.corpus.importance,
        freshness(pool, query),
        relevance_weight=0.5,
        importance_weight=0.25,
        freshness_weight=0.25,
    )


def relevance_only(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """The library's relevance."""
    match = match_of(question(query), pool.corpus)
    return estimate_relevance(match, pool.corpus, query.text)


def usefulness(models: Mapping[str, UsefulnessModel] | None = None) -> Method:
    """Usefulness per token; *models* other than the shipped ones for held-out figures."""

    def per_token(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
        asked = question(query)
        value = estimate_usefulness(
            asked,
            pool.corpus,
            match_of(asked, pool.corpus),
            freshness=freshness(pool, query),
            models=models,
        )
        return np.asarray(value / pool.tokens)

    return per_token


def question(query: EvidenceQuery) -> Question:
    """A question of a set as the library takes it."""
    return Question(
        text=query.text,
        vector=query.vector,
        now_seconds=query.asked_seconds,
        nameless=query.nameless,
        tokens=query.tokens,
    )


def freshness(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
    """Freshness at the time of the question; 0.5 where either time is unknown."""
    created = pool.corpus.created_seconds
    now = float("nan") if query.asked_seconds is None else query.asked_seconds
    ages = (now - created) / SECONDS_PER_DAY
    known = np.isfinite(ages)
    decayed = decayed_freshness(np.where(known, ages, 0.0), half_life_days=HALF_LIFE_DAYS)
    return np.where(known, decayed, 0.5)


def selections(values: FloatArray, tokens: IntArray, budgets: Sequence[int]) -> list[BoolArray]:
    """What is taken at each budget: by falling value, skipping what does not fit."""
    order = np.argsort(-values, kind="stable")
    return [_taken(order, tokens, budget) for budget in budgets]


def _taken(order: IntArray, tokens: IntArray, budget: int) -> BoolArray:
    taken = np.zeros(len(tokens), dtype=bool)
    costs = tokens[order]
    start, left = 0, budget
    while start < len(order):
        fits = start + int(np.searchsorted(np.cumsum(costs[start:]), left, side="right"))
        taken[order[start:fits]] = True
        left -= int(costs[start:fits].sum())
        later = np.flatnonzero(costs[fits:] <= left)
        if not len(later):
            break
        start = fits + int(later[0])
    return taken


def _ranks(scores: FloatArray) -> FloatArray:
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def _min_max(scores: FloatArray) -> FloatArray:
    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else scores * 0.0
