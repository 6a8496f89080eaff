"""Features of an item and a question by themselves: lexical, dense, length, headings.

Every feature has shape (n,), is finite, and is free of the pool's scale: a share of the best, a
distance to the best in standard deviations, a rank. O(n d) for vectors of length d, O(n log n) for
ranks.

Ranks are 10 / (10 + rank), so the first places differ most. Three items, of which the first and the
last match equally well and better than the second:

>>> _rank_feature(np.array([0.8, 0.2, 0.8])).round(3).tolist()
[1.0, 0.833, 1.0]

What stands beside an item is left to `neighbour_features`, `context_features` and
`feedback_features`.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, nothing, ranks_of
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.match import Match, filled_by_lexical, standardised
from mba_integrations.core.value.question import Question

# All of it is better where words say nothing, and costs where they say something: two points in
# small pools, one where the names of those who talk are left out already.
_COMMON_PART = 0.25

Features = dict[str, FloatArray]
"""What is known of the items, by name, each of shape (n,)."""


def match_features(question: Question, corpus: Corpus, match: Match) -> Features:
    """Features of every item for *question*; those named `dense_...` only where something is
    known of similarity.
    """
    lexical = match.lexical
    similarity = _similarity(match, corpus, common_part=_COMMON_PART)
    # The best by its words is the best of nothing where they find nothing; without vectors there is
    # nothing else to go by.
    told = 1.0 if similarity is None else match.words_tell**2
    traits = corpus.lexical.traits
    features = {
        "lexical_share": lexical * (told / max(float(lexical.max(initial=0.0)), 1e-12)),
        "lexical_rank": _rank_feature(lexical) * told,
        "substance": traits.substance,
        "excess_length": traits.excess_length,
        "named_in_query": _row_values(traits.headings.named_in(question.text), len(lexical)),
        "asks": traits.asks,
    }
    if similarity is not None:
        features |= _dense_features(similarity)
        features |= _features_alone(features, match, corpus)
    return features


def _features_alone(features: Features, match: Match, corpus: Corpus) -> Features:
    """Rank and share by vectors as far as words find nothing."""
    untold = 1.0 - match.words_tell
    whole = _similarity(match, corpus, common_part=1.0) if untold > 0.0 else None
    dense = features if whole is None else _dense_features(whole)
    return {f"{name}_alone": dense[name] * untold for name in ("dense_rank", "dense_share")}


def _similarity(match: Match, corpus: Corpus, *, common_part: float) -> FloatArray | None:
    """Nearness of every item; of a cosine without a part of what the item has in common with all of
    the pool. None where nothing is known of it."""
    nearness = match.nearness
    if nearness is None:
        return None
    if match.cosine is not None and corpus.vectors is not None:
        nearness = np.asarray(match.cosine - common_part * corpus.vectors.likeness_to_mean)
    return filled_by_lexical(nearness, match.lexical)


def _dense_features(similarity: FloatArray) -> Features:
    z = standardised(similarity)
    top = float(z.max(initial=0.0))
    return {
        "dense_z": z,
        "dense_gap": z - top,
        "dense_share": np.clip(z, 0.0, None) / max(top, 1.0),
        "dense_rank": _rank_feature(z - z.min(initial=0.0)),
    }


def _rank_feature(scores: FloatArray) -> FloatArray:
    """`10 / (10 + rank)`: 1 for the best, 0 for a score of 0. Equal scores share the best rank."""
    result = np.zeros(len(scores))
    # No score of 0 is above another one, so only the others need be sorted.
    above = np.flatnonzero(scores > 0.0)
    result[above] = 10.0 / (10.0 + ranks_of(scores[above]))
    return result


def _row_values(values: dict[int, float], size: int) -> FloatArray:
    if not values:
        return nothing(size)
    result = np.zeros(size)
    result[list(values)] = list(values.values())
    return result
