"""Usefulness where the caller says how relevant an item is: the given relevance decides.

Each 0.1 of relevance doubles the probability that an item is needed, up to 0.99 for a relevance of
1; an item of relevance 0 is not needed. Packing prefers probability per token, so of two items that
are equally long the more relevant one comes first, and 0.1 of relevance make up for twice the
length:

>>> given = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 1.0])
>>> probability_of(given).round(3).tolist()
[0.0, 0.005, 0.03, 0.174, 0.495, 0.99]

Importance and freshness move the odds as they do those of estimates: importance from 0 to 1 as much
as 0.14 of relevance, freshness as much as 0.014. What is joined whatever is asked, standing
instructions and the newest exchange, is joined here too. No text and no vector is looked at: O(n),
and of it only the freshness again for the next question.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.dialogue.follow_up import FOLLOWS, follow_up_points, is_closing
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.grounds.grounds import Grounds
from mba_integrations.core.value.need.standing import standing_of
from mba_integrations.core.value.need.talk import (
    FOLLOWED_PROBABILITY,
    NEWEST_PROBABILITY,
    newest_exchanges,
    with_talk,
)
from mba_integrations.core.value.usefulness import IMPORTANCE_LOGIT

_DOUBLINGS = 10.0
"""From near 0 to 1. With half as many, a text of half the length would come before one that is 0.2
more relevant; with twice as many a relevance of 0.5 would be worth a thousandth, and nothing beside
an estimate."""
_MOST = 0.99
_FRESHNESS_PART = 0.1
"""What the odds grow by from no freshness to all of it, as a part of those without a date. The same
as the weight of freshness in `usefulness.json`, as far as a sum is an exponential."""


def probability_of(relevance: FloatArray) -> FloatArray:
    """Probability that items of a given relevance are needed, shape (n,), in [0, 0.99]."""
    return np.asarray(_MOST * (np.exp2(_DOUBLINGS * relevance) - 1.0) / (2.0**_DOUBLINGS - 1.0))


def with_given(
    probability: FloatArray, given: FloatArray, importance: FloatArray, freshness: FloatArray
) -> FloatArray:
    """Probabilities in which those of a given relevance stand in place of estimates, shape (n,).

    Args:
        probability: As estimated, shape (n,).
        given: In [0, 1]; NaN unknown.
        importance: In [0, 1].
        freshness: In [0, 1].
    """
    rows = np.flatnonzero(np.isfinite(given))
    if not len(rows):
        return probability
    result = probability.copy()
    result[rows] = _at_odds(_lasting_odds(given[rows], importance[rows]), freshness[rows])
    return result


def need_where_all_given(
    query: str, snapshot: PoolSnapshot, freshness: FloatArray
) -> tuple[FloatArray, Grounds]:
    """Probability that each candidate is needed where each brings its relevance, shape (n,), and
    what it is made of.

    Args:
        query: What is asked. It tells whether the question hangs on the newest exchange.
        snapshot: The candidates.
        freshness: Shape (n,), in [0, 1].
    """
    odds, standing = _lasting(snapshot)
    matched = _at_odds(odds, freshness)
    hangs = follow_up_points(query) >= FOLLOWS and not is_closing(query)
    grounds = Grounds(
        topic=query,
        matched=matched,
        exchanges=newest_exchanges(snapshot),
        newest=FOLLOWED_PROBABILITY if hangs else NEWEST_PROBABILITY,
    )
    probability = matched if standing is None else matched + (1.0 - matched) * standing
    return with_talk(probability, grounds.exchanges, newest=grounds.newest), grounds


def _lasting(snapshot: PoolSnapshot) -> tuple[FloatArray, FloatArray | None]:
    """Odds by relevance and importance, and what standing instructions add; None for nothing."""
    known: tuple[FloatArray, FloatArray | None] | None = snapshot.derived.get("given odds")
    if known is None:
        importance = snapshot.columns.importance
        odds = _lasting_odds(snapshot.columns.given_relevance, importance)
        known = snapshot.derived["given odds"] = odds, standing_of(importance)
    return known


def _lasting_odds(relevance: FloatArray, importance: FloatArray) -> FloatArray:
    """The odds of an item without a date."""
    probability = probability_of(relevance)
    return np.asarray(
        probability / (1.0 - probability) * np.exp(IMPORTANCE_LOGIT * (importance - 0.5))
    )


def _at_odds(odds: FloatArray, freshness: FloatArray) -> FloatArray:
    """Probabilities of odds that freshness moves."""
    moved = freshness * _FRESHNESS_PART
    moved += 1.0 - _FRESHNESS_PART / 2.0
    moved *= odds
    return np.asarray(moved / (1.0 + moved))
