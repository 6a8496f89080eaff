"""Estimated probability that the answer needs each candidate, in [0, 1].

Two logistic regressions in a row: the first sees how an item matches the query and where it
stands, the second also how it hangs together with the items that the first found strongest. The
coefficients are in `usefulness.json`, with what they were fitted on and the held-out figures; one
set for pools with embeddings or a retriever's relevance, one for lexical signals alone.

No model is called. O(n d) for vectors of length d, plus O(n log n); about as much again as search
itself. Equal input gives equal output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.value.context_features import context_signals
from mba_integrations.core.value.feedback_features import feedback_signals
from mba_integrations.core.value.match_features import Question, Signals, match_signals

# No evidence set has importances, so this weight is set, not fitted: from importance 0 to 1 the
# odds grow by e. Where all items have the same importance it changes nothing.
_IMPORTANCE_LOGIT = 1.0
_MAX_LOGIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticModel:
    """A weighted sum of signals as a probability.

    Attributes:
        intercept: Logit of an item whose signals are all 0.
        weights: Weight of each signal; a signal without one does not count.
    """

    intercept: float
    weights: Mapping[str, float]

    def probability(self, signals: Signals, *, offset: FloatArray | float = 0.0) -> FloatArray:
        """Probability of every item, shape (n,); *offset* is added to its logit."""
        logit = self.intercept + np.zeros(len(next(iter(signals.values())))) + offset
        part = np.empty_like(logit)  # one array for all parts: new ones would cost more than adding
        for name, weight in self.weights.items():
            if name in signals:
                logit += np.multiply(signals[name], weight, out=part)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -_MAX_LOGIT, _MAX_LOGIT))))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsefulnessModel:
    """The two regressions: *first* for match and context, *final* with feedback as well."""

    first: LogisticModel
    final: LogisticModel


def estimate_usefulness(
    query: str,
    corpus: Corpus,
    *,
    query_vector: FloatArray | None,
    freshness: FloatArray,
    now_seconds: float | None,
    models: Mapping[str, UsefulnessModel] | None = None,
) -> FloatArray:
    """Probability that the answer to *query* needs each item, shape (n,), in [0, 1].

    Args:
        query: Any text; one that matches nothing leaves all items about equally improbable.
        corpus: The candidates.
        query_vector: Embedding of the query, shape (d,), or None.
        freshness: Freshness of each item, shape (n,), in [0, 1].
        now_seconds: Unix time of the question in seconds; None makes "last week" mean nothing.
        models: Other coefficients, under "dense" and "lexical"; None for the shipped ones.

    Raises:
        InputError: If the query's embedding has another length than the items'.
    """
    if not len(corpus.lexical):
        return np.zeros(0)
    question = Question(text=query, vector=query_vector, now_seconds=now_seconds)
    signals = first_signals(question, corpus, corpus.around, freshness)
    kind = "dense" if "dense_share" in signals else "lexical"
    model = (models or shipped_models())[kind]
    offset = _IMPORTANCE_LOGIT * (np.asarray(corpus.importance, dtype=np.float64) - 0.5)
    estimate = model.first.probability(signals, offset=offset)
    signals |= feedback_signals(question, corpus, corpus.around, estimate)
    return model.final.probability(signals, offset=offset)


def first_signals(
    question: Question, corpus: Corpus, around: Neighbourhood, freshness: FloatArray
) -> Signals:
    """Signals of match and context, by name."""
    signals = match_signals(question, corpus)
    share = signals["lexical_share"]
    match = (share + signals.get("dense_share", share)) / 2.0
    return signals | context_signals(question, corpus, around, match, freshness)


@cache
def shipped_models() -> Mapping[str, UsefulnessModel]:
    """The coefficients of `usefulness.json`, under "dense" and "lexical"."""
    file = resources.files("mba_integrations.core.value") / "usefulness.json"
    return models_from_dict(json.loads(file.read_text(encoding="utf-8"))["models"])


def models_from_dict(record: Mapping[str, Any]) -> dict[str, UsefulnessModel]:
    """Coefficients from their JSON form."""
    return {
        kind: UsefulnessModel(first=_logistic(stages["first"]), final=_logistic(stages["final"]))
        for kind, stages in record.items()
    }


def _logistic(record: Mapping[str, Any]) -> LogisticModel:
    weights = {str(name): float(weight) for name, weight in record["weights"].items()}
    return LogisticModel(intercept=float(record["intercept"]), weights=weights)
