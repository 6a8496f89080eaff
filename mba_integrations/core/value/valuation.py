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
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.value.freshness import freshness_of
from mba_integrations.core.value.grounds.grounds import Grounds
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.mem0_score import mem0_score
from mba_integrations.core.value.need.need import need_of
from mba_integrations.core.value.question import Asked, question_of
from mba_integrations.core.value.relevance import estimate_relevance
from mba_integrations.core.value.worth import Worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known of each candidate.

    Attributes:
        relevance, importance, freshness, score: Each of shape (n,), in [0, 1].
    """

    relevance: FloatArray
    importance: FloatArray
    freshness: FloatArray
    score: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The signals of the candidates, and what could not be read.

    Attributes:
        signals: The signals.
        asked: The question, with the vectors that it was compared with.
        doubt: That anything is needed, from 0; see `need.Need`.
        may_be_unread: Whether something is asked in words that no item has.
        grounds: What the scores are made of.
    """

    signals: Signals
    asked: Asked
    doubt: float
    may_be_unread: bool
    grounds: Grounds


def evaluate(
    query: str,
    snapshot: PoolSnapshot,
    config: WorkspaceConfig,
    *,
    query_embedding: Sequence[float] | FloatArray | None,
    embedder: Embedder | None,
    now: datetime,
    token_embedder: CachedTokenEmbedder | None = None,
) -> Evaluation:
    """Score every candidate.

    Args:
        query: Any text.
        snapshot: The candidates.
        config: Method, weights and half-lives.
        query_embedding: Vector of the query, shape (d,); else the embedder makes it.
        embedder: Makes the embeddings that query and items lack; None for none.
        now: The time that ages are counted from.
        token_embedder: Makes the vectors of tokens; None for none.

    Raises:
        InputError: If a vector is no list of numbers, or if times with and without a zone are
            mixed.
    """
    asks = matches_query(snapshot, config)
    embedder = embedder if asks else None
    freshness = freshness_of(snapshot, config, now=now)
    asked = question_of(
        query,
        query_embedding,
        snapshot,
        embedder,
        now=now,
        is_matched=asks,
        token_embedder=token_embedder if asks else None,
    )
    question = asked.question
    doubt, may_be_unread, grounds = 0.0, False, Grounds(topic=question.topic)
    if not asks:
        relevance = snapshot.columns.given_relevance
        score = mem0_score(relevance, snapshot, freshness, config)
    else:
        corpus = snapshot.corpus(asked.vectors.column, token_embedder)
        match = match_of(question, corpus)
        relevance = estimate_relevance(match, corpus.given_relevance)
        if config.scoring_method is ScoringMethod.USEFULNESS:
            need = need_of(question, snapshot, corpus, match, freshness)
            score, doubt, may_be_unread = need.probability, need.doubt, need.may_be_unread
            grounds = need.grounds
        else:
            grounds = Grounds(topic=question.topic, match=match)
            score = mem0_score(relevance, snapshot, freshness, config)
    signals = Signals(
        relevance=relevance,
        importance=snapshot.columns.importance,
        freshness=freshness,
        score=score,
    )
    return Evaluation(
        signals=signals,
        asked=asked,
        doubt=doubt,
        may_be_unread=may_be_unread,
        grounds=grounds,
    )


def matches_query(snapshot: PoolSnapshot, config: WorkspaceConfig) -> bool:
    """Whether scores depend on how items match the query: not where a Mem0 score takes relevance
    that is given for every item. Otherwise texts are indexed and embedded."""
    return config.scoring_method is ScoringMethod.USEFULNESS or not snapshot.all_relevance_given


USEFULNESS_PRICE = 3e-6
"""Usefulness that a token has to be worth where the workspace names no price.

On samples of 60 questions each of realtalk, beam-100k and three pools of questions of several
steps, recall falls by it by 0 to 2.2 points at 4,096 tokens and by 0 to 1.3 at 1,024; questions of
another set fill 1 to 20 % of the budget, and all of it without a price.
"""
DOUBTED_PRICE = 33.0
"""How many times the price of a token is added to it for each unit of doubt."""


def price_of_token(evaluation: Evaluation, config: WorkspaceConfig) -> float:
    """What a token has to be worth: the workspace's price, and more where there is doubt.

    A Mem0 score has no price unless the workspace names one: a product may be 0 for all items.
    """
    price = config.token_price
    if price is None:
        useful = config.scoring_method is ScoringMethod.USEFULNESS
        price = USEFULNESS_PRICE if useful else 0.0
    return price * (1.0 + DOUBTED_PRICE * evaluation.doubt)


def packing_worth(score: FloatArray, config: WorkspaceConfig) -> Worth:
    """What packing adds up."""
    useful = config.scoring_method is ScoringMethod.USEFULNESS
    return Worth(of_item=score, per_token=not useful)
