"""How the candidates match a question by their words and by their vectors, worked out once.

Relevance and the features of usefulness both start from here. O(n d) for vectors of length d, and
a pass over the postings of the question's terms.

An item without a vector is given the cosine that its words lead one to expect: the line of least
squares through those that have one. Two of three are known, at (0, 0.2) and (1, 0.6), so half of
the words are worth 0.4:

>>> filled_by_lexical(np.array([0.2, np.nan, 0.6]), np.array([0.0, 0.5, 1.0])).round(3).tolist()
[0.2, 0.4, 0.6]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.opinions.retrieved import nearness_by_lists
from mba_integrations.core.value.question import Question

# A best hit below this share of the BM25 of a text that has every term of the query once is no full
# match: in an unrelated pool nothing comes near 1.
_FULL_MATCH_SHARE = 0.25
# Of questions whose words are in the answers, nine in ten have a best item above this share; of
# remarks that say a thing in other words, all are below.
_TELLING_SHARE = 0.5
# How many standard deviations the nearest vector is above the mean. Of two dozen vectors that have
# nothing to do with the question the nearest is two above; of remarks that say in other words what
# one item says, nine in ten have one three above.
_NEAREST_BY_CHANCE = 2.0
_NEAREST_STANDS_OUT = 3.0


@dataclass(frozen=True, slots=True)
class Match:
    """How n candidates match a question.

    Attributes:
        lexical: BM25 as a share of the best, shape (n,), in [0, 1]; all 0 where no term matches.
        cosine: Shape (n,), NaN for items without a vector; None where there is nothing to compare.
        nearness: The cosine; without one the places in the lists of retrievers, NaN for items in no
            list; None where there is neither.
        words_tell: How much its words say of the question, in [0, 1]: all where an item has half of
            them or more, by weight; less in proportion, as far as a vector stands out instead.
    """

    lexical: FloatArray
    cosine: FloatArray | None
    nearness: FloatArray | None
    words_tell: float


def match_of(question: Question, corpus: Corpus) -> Match:
    """The match of every candidate.

    Raises:
        InputError: If the question's vector has another length than the items' vectors.
    """
    cosine = cosine_with(corpus, question.vector)
    lexical = corpus.lexical.scores(question.topic).astype(np.float64)
    best, possible = float(lexical.max(initial=0.0)), corpus.lexical.best_possible(question.topic)
    lexical /= max(best, _FULL_MATCH_SHARE * possible, 1e-12)
    nearness = nearness_by_lists(corpus.lists, len(lexical)) if cosine is None else cosine
    untold = 1.0 - min(1.0, best / max(_TELLING_SHARE * possible, 1e-12))
    return Match(lexical, cosine, nearness, 1.0 - untold * _standing_out(nearness))


def _standing_out(nearness: FloatArray | None) -> float:
    """How far the nearest item stands out from the others, in [0, 1]; 0 where none is known.

    >>> _standing_out(np.array([0.1, 0.2, np.nan, 0.3])), _standing_out(np.array([*[0.0] * 19, 1]))
    (0.0, 1.0)
    """
    if nearness is None:
        return 0.0
    known = np.isfinite(nearness)
    z = standardised(nearness if known.all() else nearness[known])
    above_chance = float(z.max(initial=0.0)) - _NEAREST_BY_CHANCE
    return min(max(above_chance / (_NEAREST_STANDS_OUT - _NEAREST_BY_CHANCE), 0.0), 1.0)


def cosine_with(corpus: Corpus, vector: FloatArray | None) -> FloatArray | None:
    """Cosine of every item with a vector, shape (n,), NaN for items without one.

    None where there is nothing to compare: no items, no vectors, or a vector that is missing, zero
    or not finite.

    Raises:
        InputError: If the vector has another length than the items' vectors.
    """
    vectors, has_vector = corpus.vectors, corpus.has_vector
    if vector is None or vectors is None or not len(vectors):
        return None
    direction = np.asarray(vector, dtype=np.float32).reshape(-1)
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or length <= 0.0:
        return None
    if has_vector is not None and not has_vector.any():
        return None
    cosine = vectors.dot(np.asarray(direction / length)).astype(np.float64)
    if has_vector is None or has_vector.all():
        return cosine
    return np.where(has_vector, cosine, np.nan)


def filled_by_lexical(similarity: FloatArray, lexical: FloatArray) -> FloatArray:
    """*similarity* with its NaN entries predicted from *lexical* by least squares.

    All 0 where no entry is known.
    """
    known = np.isfinite(similarity)
    if known.all():
        return similarity
    if not known.any():
        return np.zeros(len(similarity))
    mean_lexical, mean = float(np.mean(lexical[known])), float(np.mean(similarity[known]))
    spread = float(np.var(lexical[known]))
    products = (lexical[known] - mean_lexical) * (similarity[known] - mean)
    # With all words alike there is no line, and the mean is the best guess.
    slope = float(np.mean(products)) / spread if spread > 1e-12 else 0.0
    return np.where(known, similarity, mean + slope * (lexical - mean_lexical))


def standardised(values: FloatArray) -> FloatArray:
    """Distance to the mean in standard deviations; 0 where all values are equal."""
    if not len(values):
        return np.zeros(0)
    away = values - values.mean()
    spread = float(np.sqrt((away * away).mean()))
    return np.asarray(away / spread if spread > 1e-9 else values * 0.0)
