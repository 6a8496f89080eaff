"""Features of how an item hangs together with the items that look strongest so far.

What a question needs second is often named by, or similar to, what it needs first, and not similar
to the question. A second round, from the new strongest items, changes recall at 1,024 tokens by
-0.8 to +0.2 points on four sets, so there is one round. Cost: a few BM25 queries and one matrix
product of the vectors with the strongest items; O(n d).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from functools import cache, partial

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, best_rows
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.search.words.names import names_in
from mba_integrations.core.value.features.match_features import Features
from mba_integrations.core.value.match import cosine_with, standardised
from mba_integrations.core.value.question import Question

_STRONG_ITEMS = 5  # that links and similarity start from
_RARE_TERMS = 12  # of a strong item that its links go by
_FULL_LINK_BM25 = 10.0  # about three rare terms in common
_LEAST_SHARED, _SHARED_PART = 10, 100  # items that may share a name: so many, or a part of all
_RIVALS = 20  # best items among which a newer one can outdate an older one
_SAME_SUBJECT_COSINE = 0.8
_NEAR_STEPS = (-4, -3, -2, 2, 3, 4)


def feedback_features(
    question: Question,
    corpus: Corpus,
    estimate: FloatArray,
    names: Container[str] | None = None,
) -> Features:
    """Features of every item.

    Args:
        question: The question.
        corpus: The candidates.
        estimate: Their usefulness so far, shape (n,), in [0, 1].
        names: Those that are wanted; None for all. One of them costs as much as a search by
            vectors, so none is worked out that nobody weighs.
    """
    around = corpus.around
    share = estimate / max(float(estimate.max(initial=0.0)), 1e-12)
    ranked = best_rows(share, _RIVALS)
    strong = ranked[:_STRONG_ITEMS]
    weights = share[strong]
    telling = cache(partial(_telling, question, corpus))
    made: dict[str, Callable[[], FloatArray]] = {
        "before_estimate": lambda: around.shifted(share, -1),
        "after_estimate": lambda: around.shifted(share, 1),
        "source_estimate": lambda: around.best_of_source(share),
        "wider_estimate": lambda: around.mean_shifted(share, _NEAR_STEPS),
        "named_by_strong": lambda: _named_by(corpus, telling, strong, weights),
        "shares_names": lambda: _names_shared(question, corpus, telling, strong, weights),
        "shares_rare_terms": lambda: _rare_terms_shared(question, corpus, strong, weights),
        "like_strong": lambda: _like_strong(question, corpus, strong, weights),
        "outdated": lambda: _outdated(corpus, ranked),
    }
    return {name: make() for name, make in made.items() if names is None or name in names}


def _named_by(
    corpus: Corpus, telling: Callable[[int], str], strong: IntArray, weights: FloatArray
) -> FloatArray:
    """Highest weight of a strong item whose text has the item's heading."""
    found = np.zeros(len(corpus.lexical))
    headings = corpus.lexical.traits.headings
    for row, weight in zip(strong.tolist(), weights.tolist(), strict=True):
        for named, share in headings.named_in(telling(row)).items():
            if named != row:
                found[named] = max(found[named], share * weight)
    return found


def _telling(question: Question, corpus: Corpus, row: int) -> str:
    """The text of a strong item; of a table only the rows that have a word of the question.

    The row on Oslo answers a question about Oslo. That the table has Porto too says nothing of the
    page on Porto.
    """
    text = corpus.texts[row]
    if "\n|" not in text:
        return text
    asked = set(corpus.lexical.terms(question.text))
    return "\n".join(
        line
        for line in text.split("\n")
        if not line.startswith("|") or not asked.isdisjoint(corpus.lexical.terms(line))
    )


def _names_shared(
    question: Question,
    corpus: Corpus,
    telling: Callable[[int], str],
    strong: IntArray,
    weights: FloatArray,
) -> FloatArray:
    """Highest weight of a strong item times the rarity of a name that both have, in [0, 1].

    What a question needs second is often told of somebody whom it does not name. A name that the
    question has, or that more than a hundredth of the items have, links nothing.
    """
    lexical, size = corpus.lexical, len(corpus.lexical)
    asked = set(lexical.terms(question.text))
    most = max(_LEAST_SHARED, size // _SHARED_PART)
    found = np.zeros(size)
    for row, weight in zip(strong.tolist(), weights.tolist(), strict=True):
        for name in names_in(telling(row)):
            terms = set(lexical.terms(name))
            if terms <= asked:
                continue
            rows = lexical.rows_with_all(terms)
            rows = rows[rows != row]
            if 0 < len(rows) < most:
                rarity = math.log(size / (len(rows) + 1)) / math.log(size)
                found[rows] = np.maximum(found[rows], weight * rarity)
    return found


def _rare_terms_shared(
    question: Question, corpus: Corpus, strong: IntArray, weights: FloatArray
) -> FloatArray:
    """BM25 for the rare terms of a strong item that the query does not have, in [0, 1]."""
    rows = strong.tolist()
    found = corpus.lexical.scores_of_rare_terms(rows, besides=question.text, count=_RARE_TERMS)
    total = np.zeros(len(corpus.lexical))
    for row, weight, scores in zip(rows, weights.tolist(), found, strict=True):
        scores[row] = 0.0  # an item is no link to itself
        linked = np.flatnonzero(scores != 0.0)  # few, since the terms are rare
        share = scores[linked]
        share /= max(float(share.max(initial=0.0)), _FULL_LINK_BM25)
        total[linked] = np.maximum(total[linked], weight * share)
    return total


def _like_strong(
    question: Question, corpus: Corpus, strong: IntArray, weights: FloatArray
) -> FloatArray:
    """Cosine with query and strong items together (Rocchio), in standard deviations."""
    vectors = corpus.vectors
    if vectors is None or question.vector is None or not weights.sum() > 0.0:
        return np.zeros(len(corpus.lexical))
    query = np.asarray(question.vector, dtype=np.float32).reshape(-1)
    centre = query / max(float(np.linalg.norm(query)), 1e-12)
    centre = centre + (weights / weights.sum()) @ vectors.take(strong)
    cosine = cosine_with(corpus, centre)
    if cosine is None:
        return np.zeros(len(corpus.lexical))
    known = np.isfinite(cosine)
    return standardised(np.where(known, cosine, float(np.mean(cosine[known]))))


def _outdated(corpus: Corpus, rivals: IntArray) -> FloatArray:
    """Near 1 for a rival of which a newer rival says almost the same, else 0."""
    result = np.zeros(len(corpus.lexical))
    if corpus.vectors is None or not len(rivals):
        return result
    # Only among rivals: an older item that is far from the question is no matter.
    created = np.asarray(corpus.created_seconds, dtype=np.float64)[rivals]
    vectors = corpus.vectors.take(rivals)
    cosine = vectors @ vectors.T
    excess = np.clip((cosine - _SAME_SUBJECT_COSINE) / (1.0 - _SAME_SUBJECT_COSINE), 0.0, 1.0)
    newer = created[None, :] > created[:, None]  # false where a date is unknown
    result[rivals] = np.where(newer, excess, 0.0).max(axis=1)
    return result
