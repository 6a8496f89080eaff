"""What each candidate is worth for a query, by the workspace's scoring method.

Relevance, importance and freshness become a score in [0, 1]; the score becomes the value that
packing adds up. A usefulness is a probability, so values of several items add up to the expected
number of needed items. A Mem0 score is no probability: summing it would fill the prompt with
short items, so its value is the score times the tokens, which ranks items by their score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import ScoringMethod
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.times import seconds_of
from mba_integrations.core.value.freshness import freshness_of
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.mem0_score import lasting_part, product, with_freshness
from mba_integrations.core.value.question import Question, check_length, vector_of
from mba_integrations.core.value.relevance import estimate_relevance
from mba_integrations.core.value.usefulness import estimate_usefulness
from mba_integrations.core.value.worth import Worth


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
    query_embedding: Sequence[float] | FloatArray | None,
    embedder: Embedder | None,
    now: datetime,
) -> Signals:
    """Score every candidate.

    Args:
        query: Any text.
        snapshot: The candidates.
        config: Method, weights and half-lives.
        query_embedding: Vector of the query, shape (d,); else the embedder makes it.
        embedder: Makes the embeddings that query and items lack; None for none.
        now: The time that ages are counted from.

    Raises:
        InputError: If vectors differ in length or hold what is no finite number, or if times with
            and without a zone are mixed.
    """
    freshness = freshness_of(snapshot, config, now=now)
    if not matches_query(snapshot, config):
        return _by_given_relevance(snapshot, config, freshness, query_embedding)
    vector = vector_of(query, query_embedding, embedder if len(snapshot) else None)
    question = Question(text=query, vector=vector, now_seconds=seconds_of(now))
    return _by_match(question, snapshot, config, freshness, embedder)


def matches_query(snapshot: PoolSnapshot, config: WorkspaceConfig) -> bool:
    """Whether scores depend on how items match the query: not where a Mem0 score takes relevance
    that is given for every item. Otherwise texts are indexed and embedded."""
    return config.scoring_method is ScoringMethod.USEFULNESS or not snapshot.all_relevance_given


def packing_worth(score: FloatArray, config: WorkspaceConfig) -> Worth:
    """What packing adds up."""
    useful = config.scoring_method is ScoringMethod.USEFULNESS
    return Worth(of_item=score, per_token=not useful)


def _by_match(
    question: Question,
    snapshot: PoolSnapshot,
    config: WorkspaceConfig,
    freshness: FloatArray,
    embedder: Embedder | None,
) -> Signals:
    corpus = snapshot.corpus(embedder)
    match = match_of(question, corpus)
    relevance = estimate_relevance(match, corpus.given_relevance)
    if config.scoring_method is ScoringMethod.USEFULNESS:
        score = estimate_usefulness(question, corpus, match, freshness=freshness)
    elif config.scoring_method is ScoringMethod.PRODUCT:
        score = product(relevance, corpus.importance, freshness)
    else:
        lasting = _lasting_part(relevance, corpus.importance, config)
        score = with_freshness(lasting, freshness, freshness_weight=config.freshness_weight)
    return Signals(
        relevance=relevance, importance=corpus.importance, freshness=freshness, score=score
    )


def _by_given_relevance(
    snapshot: PoolSnapshot,
    config: WorkspaceConfig,
    freshness: FloatArray,
    query_embedding: Sequence[float] | FloatArray | None,
) -> Signals:
    """A Mem0 score without a look at the query; a vector that is given is checked all the same."""
    if query_embedding is not None:
        _check_vector(query_embedding, snapshot)
    columns = snapshot.columns
    relevance, importance = columns.given_relevance, columns.importance
    if config.scoring_method is ScoringMethod.PRODUCT:
        score = product(relevance, importance, freshness)
    else:
        lasting = _kept_lasting_part(snapshot, config)
        score = with_freshness(lasting, freshness, freshness_weight=config.freshness_weight)
    return Signals(relevance=relevance, importance=importance, freshness=freshness, score=score)


def _check_vector(query_embedding: Sequence[float] | FloatArray, snapshot: PoolSnapshot) -> None:
    vector = vector_of("", query_embedding, None)
    vectors, _ = snapshot.vectors(None)
    if vector is not None and vectors is not None:
        check_length(vector, vectors.shape[1])


def _kept_lasting_part(snapshot: PoolSnapshot, config: WorkspaceConfig) -> FloatArray:
    """The part of the weighted sum that neither query nor time changes, made once for the items."""
    key = ("lasting part", config.relevance_weight, config.importance_weight)
    known: FloatArray | None = snapshot.derived.get(key)
    if known is None:
        columns = snapshot.columns
        known = _lasting_part(columns.given_relevance, columns.importance, config)
        snapshot.derived[key] = known
    return known


def _lasting_part(
    relevance: FloatArray, importance: FloatArray, config: WorkspaceConfig
) -> FloatArray:
    return lasting_part(
        relevance,
        importance,
        relevance_weight=config.relevance_weight,
        importance_weight=config.importance_weight,
    )
