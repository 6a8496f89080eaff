"""A reranker's second look at the best candidates.

It reads the question with each text, which takes too long for all of them; so it is asked about the
best by the estimates, and its order moves theirs. How it is called, and how long it may take, is
the caller's business.

The figures are from simulated rerankers, whose scores are the labels and noise, over the best 100:
no model was measured. Recall in percent at 256 / 512 / 1,024 tokens, 60 questions of REALTALK and
40 of HotpotQA, by how many pairs of a needed and another item the reranker puts in order; "half"
and "power" are those of `order`:

    half  power   realtalk 86 %  92 %      96 %      hotpot 86 %  92 %       96 %
    without       55 64 71                           70 96 100
    alone         40 51 69       48 59 68  60 68 78  30 43 63     40 53 66   64 76 89
    10    1.5     63 71 78       66 74 78  67 75 81  76 98 100    79 98 100  75 99 100
    10    2.5     63 71 79       66 74 78  68 76 81  79 98 100    80 98 100  78 99 100
    3     1.5     64 70 79       68 75 78  69 76 82  79 98 100    80 98 100  76 99 100
    3     2.5     59 68 79       62 71 78  62 76 81  78 96 100    80 98 100  79 99 100
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, best_rows
from mba_integrations.core.pool.corpus import Corpus, RankedList
from mba_integrations.core.value.opinions.order import places, with_order, with_places

_HALF = 3
_POWER = 1.5
_WEIGHT = 0.5
"""Of places beside a relevance; set, not measured."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A reranker, as it is asked in one call.

    Attributes:
        scores: Scores of texts for a query, finite, shape (m,), higher is better; None where there
            are none in time.
        candidates: How many texts it is asked about at most.
    """

    scores: Callable[[str, list[str]], FloatArray | None]
    candidates: int


def second_look(
    look: SecondLook | None, estimates: FloatArray, query: str, corpus: Corpus
) -> RankedList | None:
    """The best candidates with their scores; None where nothing is asked or answered.

    Args:
        look: The reranker; None for none.
        estimates: By which they are the best, shape (n,). Where the relevance of an item is given,
            it needs no second look.
        query: What is asked; if it has no text, nothing is.
        corpus: The candidates.
    """
    if look is None or not query.strip():
        return None
    unknown = np.flatnonzero(np.isnan(corpus.given_relevance))
    rows = unknown[best_rows(estimates[unknown], look.candidates)]
    if len(rows) < 2:
        return None
    scores = look.scores(query, [corpus.texts[row] for row in rows.tolist()])
    return None if scores is None else RankedList(rows, scores)


def reranked_places(found: RankedList) -> FloatArray:
    """Places in a reranker's order, in (0, 1], shape (m,)."""
    return places(found.scores, half=_HALF)


def probability_reranked(probability: FloatArray, found: RankedList | None) -> FloatArray:
    """Probabilities that the reranker's order has moved, shape (n,)."""
    if found is None:
        return probability
    return with_order(probability, found.rows, reranked_places(found), power=_POWER)


def relevance_reranked(relevance: FloatArray, found: RankedList | None) -> FloatArray:
    """The same of a relevance."""
    if found is None:
        return relevance
    return with_places(relevance, found.rows, reranked_places(found), weight=_WEIGHT)
