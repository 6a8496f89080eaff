"""What each sentence of an item is worth, as a part of the item.

If the answer needs the item, it needs few of its sentences: those that have the words of the query,
that name another of the strongest items, or that lead where one does, since the first says what the
text is about.
Each gets a number of points. The weight of a sentence is the exponential of its points less 1, and
one part of `BACKGROUND`, which is for the whole item, however long it is: so of a thousand
sentences the one that answers is worth most of the item.

Words weigh by how few of all the sentences here have them, up to 1 for a single one. So a pool of
five items and one of a hundred thousand give the same points.

Points were set by hand, and moved one at a time: recall of labelled sentences at 512 tokens stays
within a point for words from 0.6 to 1.2, leading from 0.5 to 1.1 and names from 1 to 2. The cosine
of sentences with the query adds nothing to them: 97.0 with and 97.0 without on
2wikimultihopqa-merged, 94.3 and 94.3 on hotpotqa-merged; so no sentence is embedded at the time of
the call.

Two sentences; the second has the only word that is asked for, which half of them have.

>>> from mba_integrations.core.search.sentences.index import index_of
>>> [shares] = sentence_shares([index_of("It snows in May. The key is red.")], ["key"], [])
>>> shares.round(2).tolist()
[0.47, 0.53]
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.headings import heading_words
from mba_integrations.core.search.sentences.index import SentenceIndex

WORD_POINTS = 0.9
NAME_POINTS = 1.5
LEAD_POINTS = 0.8
BACKGROUND = 1.0
_MOST_POINTS = 8.0
_K1, _B = 1.2, 0.75


def sentence_shares(
    items: Sequence[SentenceIndex], terms: Sequence[str], strongest: Sequence[str]
) -> list[FloatArray]:
    """Shares of the sentences of each item, which sum to 1.

    Args:
        items: Sentences of each item.
        terms: Terms of the query.
        strongest: Texts of the strongest items; a sentence that has the heading of one of them
            names it.
    """
    points = [[0.0] * len(item) for item in items]
    _add_words(points, items, terms)
    _add_names(points, items, strongest)
    for of_item in points:
        of_item[0] += LEAD_POINTS * any(of_item)
    return [_shares(np.array(of_item)) for of_item in points]


def _shares(points: FloatArray) -> FloatArray:
    background = BACKGROUND / len(points)
    weights = np.expm1(np.minimum(points, _MOST_POINTS)) + background
    return np.asarray(weights / weights.sum())


def _add_words(
    points: list[list[float]], items: Sequence[SentenceIndex], terms: Sequence[str]
) -> None:
    """BM25 of each sentence among all of them, with weights of terms from 0 to 1."""
    count = sum(map(len, items))
    mean = max(sum(sum(item.sizes) for item in items) / max(1, count), 1e-9)
    rarest = _rarity(count, 1)
    for term in dict.fromkeys(terms):
        found = [item.places_of(term) for item in items]
        having = sum(map(len, found))
        weight = _rarity(count, having) / rarest
        for of_item, item, places in zip(points, items, found, strict=True):
            for place, times in places.items():
                norm = _K1 * (1.0 - _B + _B * item.sizes[place] / mean)
                of_item[place] += WORD_POINTS * weight * times * (_K1 + 1.0) / (times + norm)


def _rarity(count: int, having: int) -> float:
    return math.log1p((count - having + 0.5) / (having + 0.5))


def _add_names(
    points: list[list[float]], items: Sequence[SentenceIndex], strongest: Sequence[str]
) -> None:
    names = {text: f" {' '.join(words)} " for text in strongest if (words := heading_words(text))}
    for of_item, item in zip(points, items, strict=True):
        others = [name for text, name in names.items() if text != item.text]
        for place, sentence in enumerate(item.words):
            if any(name in sentence for name in others):
                of_item[place] += NAME_POINTS
