"""Features of what stands beside an item in its source: how its neighbours match.

Every feature has shape (n,) and is finite; items without a source have 0. O(n).

A question in a conversation often matches what is asked now better than its answer does, so what
follows a match that asks is raised by `answers`:

>>> import numpy as np
>>> around = Neighbourhood(source=np.array([0, 0]), position=np.array([1.0, 2.0]))
>>> found = neighbour_features(around, np.array([0.9, 0.1]), np.array([1.0, 0.0]))
>>> found["answers"].tolist(), found["source_best"].tolist()
([0.0, 0.9], [0.9, 0.9])
"""

from __future__ import annotations

from mba_integrations.core.arrays import FloatArray, nothing
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.value.features.match_features import Features

_NAMES = (
    *("before", "after", "two_before", "two_after"),
    *("wider", "source_best", "answers", "asks_before_match"),
)
_WIDER_STEPS = (-5, -4, -3, 3, 4, 5)


def neighbour_features(around: Neighbourhood, strength: FloatArray, asks: FloatArray) -> Features:
    """Features of every item.

    Args:
        around: Order of the items within their sources.
        strength: How well each item matches by itself, shape (n,), in [0, 1].
        asks: 1 where the item asks a question, shape (n,).
    """
    if around.is_empty:
        return dict.fromkeys(_NAMES, nothing(len(strength)))
    before, after = around.shifted(strength, -1), around.shifted(strength, 1)
    return {
        "before": before,
        "after": after,
        "two_before": around.shifted(strength, -2),
        "two_after": around.shifted(strength, 2),
        "wider": around.mean_shifted(strength, _WIDER_STEPS),
        "source_best": around.best_of_source(strength),
        "answers": before * around.shifted(asks, -1),
        "asks_before_match": after * asks,
    }
