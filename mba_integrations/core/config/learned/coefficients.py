"""Coefficients that a workspace has learned from its own traffic, in place of those shipped.

They are numbers alone: no text of a workspace is in them. Where none are set the shipped ones hold.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.group import SettingsGroup

LARGEST_COEFFICIENT = 100.0
USEFULNESS_FEATURES = (
    *("lexical_share", "lexical_rank", "substance", "excess_length", "named_in_query", "asks"),
    *("dense_z", "dense_gap", "dense_rank", "dense_rank_alone", "dense_share_alone", "around_z"),
    *("before", "after", "two_before", "wider", "source_best", "answers", "asks_before_match"),
    *("freshness", "speaker_meant", "other_speaker_meant", "asker_role", "near_period"),
    *("latest_asked", "first_asked", "before_estimate", "wider_estimate", "named_by_strong"),
    *("shares_names", "shares_rare_terms", "outdated"),
)
"""What the shipped coefficients of usefulness weigh."""


class UsefulnessKind(StrEnum):
    """What usefulness is estimated from; each has coefficients of its own."""

    TOKENS = "tokens"
    """Words, vectors, and vectors of tokens."""
    DENSE = "dense"
    """Words and vectors, or a retriever's relevance."""
    LEXICAL = "lexical"
    """Words alone."""


def _check_features(weights: dict[str, float]) -> dict[str, float]:
    unknown = sorted(weights.keys() - set(USEFULNESS_FEATURES))
    if unknown:
        known = ", ".join(USEFULNESS_FEATURES)
        raise ValueError(f"has no feature {unknown[0]!r}; known are {known}")
    return weights


Coefficient = Annotated[
    float, Field(ge=-LARGEST_COEFFICIENT, le=LARGEST_COEFFICIENT, allow_inf_nan=False)
]
SignalWeight = Annotated[float, Field(ge=0.0, le=LARGEST_COEFFICIENT, allow_inf_nan=False)]
FeatureWeights = Annotated[dict[str, Coefficient], AfterValidator(_check_features)]


class UsefulnessCoefficients(SettingsGroup):
    """The second of the two regressions of usefulness; a feature that is not named has no weight.

    The first, which only finds the items that others are compared with, stays as it is shipped.
    """

    intercept: Coefficient
    weights: FeatureWeights


class UsefulnessSettings(SettingsGroup):
    """How usefulness is estimated; a kind that is not named keeps the shipped coefficients."""

    learned: dict[UsefulnessKind, UsefulnessCoefficients] = Field(default={})


class ComplexityCoefficients(SettingsGroup):
    """The logit that a query takes several steps: the intercept, and a weight for each unit of a
    signal. A signal that is not named has no weight."""

    intercept: Coefficient
    weights: dict[ComplexitySignal, SignalWeight]
