"""Estimated probability that the answer needs each candidate, in [0, 1].

Two logistic regressions in a row: the first sees how an item matches the query and where it
stands, the second also how it hangs together with the items that the first found strongest. The
coefficients are in `usefulness.json`, with what they were fitted on and the held-out figures: one
set for lexical features alone, one for pools with embeddings or a retriever's relevance, one where
vectors of tokens are compared as well.

No model is called. O(n d) for vectors of length d, plus O(n log n); about as much again as search
itself. Equal input gives equal output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray, is_nothing
from mba_integrations.core.config.learned.coefficients import UsefulnessSettings
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.features.context_features import context_features
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.features.match_features import Features, match_features
from mba_integrations.core.value.features.neighbour_features import neighbour_features
from mba_integrations.core.value.features.token_features import token_features
from mba_integrations.core.value.match import Match
from mba_integrations.core.value.question import Question

# No evidence set has importances, so this weight is set, not fitted: from importance 0 to 1 the
# odds grow by e. Where all items have the same importance it changes nothing.
IMPORTANCE_LOGIT = 1.0
_MAX_LOGIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticModel:
    """A weighted sum of features as a probability.

    Attributes:
        intercept: Logit of an item whose features are all 0.
        weights: Weight of each feature; a feature without one does not count.
    """

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Features, *, offset: FloatArray | float = 0.0) -> FloatArray:
        """Probability of every item, shape (n,); *offset* is added to its logit."""
        logit = np.full(len(next(iter(features.values()))), self.intercept)
        logit += offset
        part = np.empty_like(logit)  # one array for all parts: new ones would cost more than adding
        for name, weight in self.weights.items():
            if name in features and not is_nothing(features[name]):
                logit += np.multiply(features[name], weight, out=part)
        np.clip(logit, -_MAX_LOGIT, _MAX_LOGIT, out=logit)
        odds_against = np.exp(np.negative(logit, out=logit), out=logit)
        odds_against += 1.0
        return np.asarray(np.divide(1.0, odds_against, out=odds_against))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsefulnessModel:
    """The two regressions: *first* for match and context, *final* with feedback as well."""

    first: LogisticModel
    final: LogisticModel


def estimate_usefulness(
    question: Question,
    corpus: Corpus,
    match: Match,
    *,
    freshness: FloatArray,
    models: Mapping[str, UsefulnessModel] | None = None,
) -> FloatArray:
    """Probability that the answer to *question* needs each item, shape (n,), in [0, 1].

    Args:
        question: One that matches nothing leaves all items about equally improbable.
        corpus: The candidates.
        match: How they match the question.
        freshness: Freshness of each item, shape (n,), in [0, 1].
        models: Other coefficients, under "tokens", "dense" and "lexical"; None for those shipped.
    """
    if not len(corpus.lexical):
        return np.zeros(0)
    features = first_features(question, corpus, match, freshness)
    model = (models or shipped_models())[kind_of(features)]
    offset = importance_offset(corpus)
    estimate = model.first.probability(features, offset=offset)
    features |= feedback_features(question, corpus, estimate, model.final.weights)
    return model.final.probability(features, offset=offset)


def importance_offset(corpus: Corpus) -> FloatArray:
    """What each item's importance adds to its logit, shape (n,)."""
    return IMPORTANCE_LOGIT * (np.asarray(corpus.importance, dtype=np.float64) - 0.5)


def first_features(
    question: Question, corpus: Corpus, match: Match, freshness: FloatArray
) -> Features:
    """Features of match and context, by name."""
    features = match_features(question, corpus, match)
    strength = features["lexical_share"]
    if "dense_share" in features:
        match_so_far = strength + features["dense_share"]
        features |= token_features(question, corpus, match_so_far, told=match.words_tell)
        strength = match_so_far / 2.0
    if "tokens_share" in features:
        strength = (2.0 * strength + features["tokens_share"]) / 3.0
    asks = corpus.lexical.traits.asks
    features |= neighbour_features(corpus.around, strength, asks)
    return features | context_features(question, corpus, strength, freshness)


def kind_of(features: Features) -> str:
    """Which coefficients go with the features."""
    if "tokens_share" in features:
        return "tokens"
    return "dense" if "dense_share" in features else "lexical"


@cache
def shipped_models() -> Mapping[str, UsefulnessModel]:
    """The coefficients of `usefulness.json`, under "tokens", "dense" and "lexical"."""
    file = resources.files("mba_integrations.core.value") / "usefulness.json"
    return models_from_dict(json.loads(file.read_text(encoding="utf-8"))["models"])


@lru_cache(maxsize=64)
def models_of(settings: UsefulnessSettings) -> Mapping[str, UsefulnessModel]:
    """The shipped coefficients, with those that a workspace has learned in their place."""
    learned = {
        kind.value: UsefulnessModel(
            first=shipped_models()[kind].first,
            final=LogisticModel(intercept=one.intercept, weights=dict(one.weights)),
        )
        for kind, one in settings.learned.items()
    }
    return {**shipped_models(), **learned}


def models_from_dict(record: Mapping[str, Any]) -> dict[str, UsefulnessModel]:
    """Coefficients from their JSON form."""
    return {
        kind: UsefulnessModel(first=_logistic(stages["first"]), final=_logistic(stages["final"]))
        for kind, stages in record.items()
    }


def _logistic(record: Mapping[str, Any]) -> LogisticModel:
    weights = {str(name): float(weight) for name, weight in record["weights"].items()}
    return LogisticModel(intercept=float(record["intercept"]), weights=weights)
