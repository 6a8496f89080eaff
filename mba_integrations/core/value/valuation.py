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

import numpy as np

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
from mba_integrations.core.value.need.given import need_where_all_given
from mba_integrations.core.value.need.need import need_of
from mba_integrations.core.value.need.trace import Trace
from mba_integrations.core.value.opinions.reranked import SecondLook
from mba_integrations.core.value.question import Asked, question_of, unmatched_question
from mba_integrations.core.value.relevance import estimate_relevance
from mba_integrations.core.value.usefulness import models_of
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
        trace: The steps of an agent that is at work on the question; None for none.
    """

    signals: Signals
    asked: Asked
    doubt: float
    may_be_unread: bool
    grounds: Grounds
    trace: Trace | None = None

    @property
    def recent_counts(self) -> bool:
        """Whether the newest exchange comes in first: not where a text only greets or thanks."""
        return self.grounds.matched is None or self.grounds.newest > 0.0


def evaluate(
    query: str,
    snapshot: PoolSnapshot,
    config: WorkspaceConfig,
    *,
    query_embedding: Sequence[float] | FloatArray | None,
    embedder: Embedder | None,
    now: datetime,
    look: SecondLook | None = None,
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
        look: The reranker; None for none. Like the embedder it is not asked where the relevance of
            every item is given.
        token_embedder: Makes the vectors of tokens; None for none.

    Raises:
        InputError: If a vector is no list of numbers, or if times with and without a zone are
            mixed.
    """
    freshness = freshness_of(snapshot, config, now=now)
    useful = config.scoring_method is ScoringMethod.USEFULNESS
    grounds, doubt, may_be_unread = Grounds(topic=query), 0.0, False
    trace = None
    if snapshot.all_relevance_given:
        asked = unmatched_question(query, query_embedding, now=now)
        relevance = snapshot.columns.given_relevance
        if useful:
            score, grounds = need_where_all_given(query, snapshot, freshness)
        else:
            score = mem0_score(relevance, snapshot, freshness, config)
    else:
        asked = question_of(
            query, query_embedding, snapshot, embedder, now=now, token_embedder=token_embedder
        )
        vectors = None if asked.vectors is None else asked.vectors.column
        corpus = snapshot.corpus(vectors, token_embedder)
        match = match_of(asked.question, corpus)
        if useful:
            relevance = estimate_relevance(match, corpus, query)
            runs = config.recent_share > 0.0
            need = need_of(
                asked.question,
                snapshot,
                corpus,
                match,
                freshness,
                look,
                talk_runs=runs,
                models=models_of(config.usefulness),
            )
            score, grounds, trace = need.probability, need.grounds, need.trace
            doubt, may_be_unread = need.doubt, need.may_be_unread
        else:
            relevance = estimate_relevance(match, corpus, query, look)
            score = mem0_score(relevance, snapshot, freshness, config)
            grounds = Grounds(topic=asked.question.topic, match=match)
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
        trace=trace,
    )


USEFULNESS_PRICE = 2e-5
"""Usefulness that a token has to be worth where the workspace names no price and `USUAL_NEED` items
are expected to be needed.

The price goes by the square of that number. Once, because with all estimates twice as high the same
items should come in; once more, because where less is expected than usual the estimates are less
sure, as with questions of several steps, and more is left to be found behind the first items. See
docs/token_price.md for what it costs and saves.
"""
USUAL_NEED = 1.5
LEAST_PRICE = 3e-6
"""What doubt is counted in, however little is expected to be needed."""
MOST_NEED = 3.0
"""Beyond so many the price stays: a sum of scores that estimate no need says nothing."""
DOUBTED_PRICE = 33.0
"""How many times the price of a token is added to it for each unit of doubt."""


def price_of_token(evaluation: Evaluation, config: WorkspaceConfig, *, free: bool = False) -> float:
    """What a token has to be worth: the workspace's price, and more where there is doubt.

    A Mem0 score has no price unless the workspace names one: a product may be 0 for all items.

    Args:
        evaluation: What the items are worth.
        config: The workspace.
        free: Whether there is no price unless the workspace names one.
    """
    doubted = DOUBTED_PRICE * evaluation.doubt
    if config.token_price is not None:
        return config.token_price * (1.0 + doubted)
    if free or config.scoring_method is not ScoringMethod.USEFULNESS:
        return 0.0
    return usual_price(evaluation.signals.score) + LEAST_PRICE * doubted


def usual_price(usefulness: FloatArray) -> float:
    """What a token has to be worth where the workspace names no price.

    >>> import numpy as np
    >>> usual_price(np.array([0.9, 0.6])), usual_price(np.array([0.5, 0.25]))
    (2e-05, 5e-06)
    """
    needed = min(float(usefulness.sum()), MOST_NEED)
    return USEFULNESS_PRICE * (needed / USUAL_NEED) ** 2


def packing_worth(evaluation: Evaluation, config: WorkspaceConfig) -> Worth:
    """What packing adds up; of a step of an agent at work its score at the usual length."""
    score, trace = evaluation.signals.score, evaluation.trace
    if config.scoring_method is not ScoringMethod.USEFULNESS:
        return Worth(of_item=score, per_token=True)
    if trace is None:
        return Worth(of_item=score, per_token=False)
    sized = np.zeros(len(score), dtype=np.bool_)
    sized[trace.rows] = True
    of_item = np.where(sized, score / trace.usual_tokens, score)
    return Worth(of_item=of_item, per_token=False, sized=sized)
