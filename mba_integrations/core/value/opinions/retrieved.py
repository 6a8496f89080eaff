"""What the lists of retrievers say of items: their order, list by list.

Where no vectors tell how near items are to the question, the place in a list stands in for it;
where they do, the order of the list moves the estimates.

Recall in percent at 256 / 512 / 1,024 / 2,048 tokens, REALTALK, 60 questions, beside the best 50 of
a retriever, whose list is one of three: the same cosine, words and cosine, labels with some noise.

    items          order       none         cosine       both         labels
    all, MiniLM    power 1.0   55 64 71 80  54 64 72 79  54 61 74 80  62 75 84 89
                   power 1.5                54 65 73 78  55 61 74 79  67 81 87 92
                   power 2.0                54 62 72 79  55 61 72 79  71 83 87 92
    listed, words  its own                  44 54 62 64  56 60 67 69  80 92 96 96
                   none                     51 59 62 64  52 60 66 68  56 71 88 94
                   stands in                50 58 61 64  55 59 66 69  73 85 94 96
                   order moves              51 58 60 64  53 60 67 68  67 83 94 96

On 40 questions of HotpotQA none of this moves recall by more than 5 points at 256 tokens and 2 from
512 on, but the list's own order, which is up to 20 below. "all" is in part what was fitted.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import RankedList
from mba_integrations.core.value.opinions.order import places, with_order, with_places

_HALF = 10
"""The eleventh has half the place of the first: a retriever's best is not that sure."""
_POWER = 1.5
_WEIGHT = 0.3
"""Of places beside a relevance; set, not measured."""


def list_places(found: RankedList) -> FloatArray:
    """Places in a retriever's list, in (0, 1], shape (m,)."""
    return places(found.scores, half=_HALF)


def nearness_by_lists(lists: tuple[RankedList, ...], size: int) -> FloatArray | None:
    """What stands in for a cosine, shape (n,), NaN for items in no list; None without lists.

    >>> found = RankedList(np.array([0, 2]), np.array([-3.5, 12.0]))
    >>> nearness_by_lists((found,), 3).round(2).tolist()
    [0.91, nan, 1.0]
    """
    if not lists:
        return None
    nearness = np.full(size, np.nan)
    for one in lists:
        nearness[one.rows] = list_places(one)
    return nearness


def probability_with_lists(probability: FloatArray, lists: tuple[RankedList, ...]) -> FloatArray:
    """Probabilities that the order of each list has moved, shape (n,)."""
    for one in lists:
        probability = with_order(probability, one.rows, list_places(one), power=_POWER)
    return probability


def relevance_with_lists(relevance: FloatArray, lists: tuple[RankedList, ...]) -> FloatArray:
    """The same of a relevance."""
    for one in lists:
        relevance = with_places(relevance, one.rows, list_places(one), weight=_WEIGHT)
    return relevance
