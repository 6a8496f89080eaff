"""Features of how the tokens of an item match those of a question (late interaction).

Each token of the question looks for the nearest token of an item. The mean of those cosines, in
which a token that few items are near weighs more, is `tokens_share`, as a share of the best. In
`around_...` a token may also be met by the item before or after in the same source, for nine
tenths: the parts of an answer stand in several messages.

Only the items that match best by words and vectors are compared, so that the cost does not grow
with the pool; the others have the lowest match of those. Every feature has shape (n,), is finite,
and is free of the scale of the model, as those of `match_features`.

Three items; the second stands behind the first, and meets the first token of the question by it:

>>> nearest = np.array([[0.9, 0.2, 0.1], [0.1, 0.8, 0.1]])
>>> beside = np.array([[-1, 0, -1], [1, -1, -1]])  # places of the items before and after
>>> _met_around(nearest, beside).round(2).tolist()
[[0.9, 0.81, 0.1], [0.72, 0.8, 0.1]]
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, best_rows, ranks_of
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.search.tokens.late_interaction import nearest_tokens
from mba_integrations.core.value.match import standardised
from mba_integrations.core.value.question import Question

# From 100 to all, recall at 1,024 tokens moves by 0.5 points.
_MOST_COMPARED = 300
_MOST_CHARACTERS = 80_000  # about 20,000 tokens, which are compared in 5 ms
_BESIDE_PART = 0.9
# A text has a token not at all below a cosine of 0.5, and fully from 0.9 on.
_FAR, _NEAR = 0.5, 0.9


def token_features(
    question: Question, corpus: Corpus, match: FloatArray, *, told: float
) -> dict[str, FloatArray]:
    """Features of every item; none where there are no vectors of tokens to compare.

    Args:
        question: The question.
        corpus: The candidates.
        match: How well each matches by words and vectors, shape (n,).
        told: How much the words of the question find, in [0, 1]. Where they find nothing, their
            tokens find the likes of "I" and "was", so all features fall with it.
    """
    if corpus.tokens is None or question.tokens is None or not len(question.tokens):
        return {}
    rows = _compared(corpus, match)
    vectors = corpus.tokens([corpus.texts[row] for row in rows.tolist()])
    nearest = nearest_tokens(question.tokens, vectors)
    known = np.isfinite(nearest[0])
    rows, nearest = rows[known], nearest[:, known]
    if not len(rows):
        return {}
    weights = _weights(nearest)
    met = _met_around(nearest, _places_beside(corpus, rows))
    alone, around = standardised(weights @ nearest), standardised(weights @ met)
    top, low, size = float(around.max()), float(around.min()), len(match)
    ranks = np.where(around > low, 10.0 / (10.0 + ranks_of(around)), 0.0)
    share = np.clip(alone, 0.0, None) / max(float(alone.max()), 1.0)
    return {
        "tokens_share": _spread(told * share, rows, size, others=0.0),
        "around_z": _spread(told * around, rows, size, others=told * low),
        "around_gap": _spread(told * (around - top), rows, size, others=told * (low - top)),
        "around_rank": _spread(told * ranks, rows, size, others=0.0),
    }


def _compared(corpus: Corpus, match: FloatArray) -> IntArray:
    """Rows of the best matches, as many as are compared in a few milliseconds."""
    rows = best_rows(match, _MOST_COMPARED)
    characters = np.cumsum([len(corpus.texts[row]) for row in rows.tolist()])
    return rows[: max(1, int(np.searchsorted(characters, _MOST_CHARACTERS, side="right")))]


def _weights(nearest: FloatArray) -> FloatArray:
    """Weight of each token asked, by how few items are near it; they sum to 1."""
    near = np.clip((nearest - _FAR) / (_NEAR - _FAR), 0.0, 1.0).sum(axis=1)
    weights = np.log1p(nearest.shape[1] / (near + 0.5))
    return np.asarray(weights / weights.sum())


def _places_beside(corpus: Corpus, rows: IntArray) -> IntArray:
    """Places among *rows* of the items before and after each, shape (2, k); -1 for others."""
    order = np.argsort(rows)
    beside = corpus.around.beside(rows)
    places = order[np.minimum(np.searchsorted(rows, beside, sorter=order), len(rows) - 1)]
    return np.where(rows[places] == beside, places, -1)


def _met_around(nearest: FloatArray, beside: IntArray) -> FloatArray:
    """Cosines with the nearest token of the item, or for a part of one beside it."""
    met = nearest.copy()
    for places in beside:
        found = np.flatnonzero(places >= 0)
        met[:, found] = np.maximum(met[:, found], _BESIDE_PART * nearest[:, places[found]])
    return met


def _spread(values: FloatArray, rows: IntArray, size: int, *, others: float) -> FloatArray:
    """The values of the rows, and of the others the lowest, shape (size,)."""
    full = np.full(size, others)
    full[rows] = values
    return full
