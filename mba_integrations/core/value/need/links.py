"""Notes about what the likeliest items speak of: the second step of a question of two.

"How long does the gate wait for customs?" is answered by "the gate asks by the outbound client" and
by "the outbound client reads its limits from limits.yaml", which has no word of the question. So a
note that shares rare words with one of the likeliest items, words that the question does not have,
is needed with `_PART` of that item's probability, in proportion to how much it shares.

A word of the question links nothing, nor does one that more than `_MOST_TEXTS` items have, and one
word in common is chance. Messages of somebody go on from each other anyway. Scripts without spaces
have pairs of characters instead of words, which say too little of a link.

    likeliest           0.8  The gate asks by the outbound client.
    another one         0.01 The outbound client reads limits.yaml.

Of 30 items only these two have "outbound" and "client", so each has a rarity of 0.8, together 1.6
of the 2 that are a whole link: 1 - 0.99 (1 - 0.8 * 0.15 * 0.8) = 0.105.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, best_rows
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.terms import is_unspaced
from mba_integrations.core.value.need.standing import joined

_PART = 0.15
"""That a note is needed which is linked in full to an item that is; 0.1 and 0.2 choose alike."""
_LEADING = 4
_MOST_CHARS = 600
_MOST_TEXTS = 4
_LEAST_SHARED = 1.2
_WHOLE_LINK = 2.0


def with_links(probability: FloatArray, query: str, snapshot: PoolSnapshot) -> FloatArray:
    """Probabilities with what links to the likeliest items add, shape (n,). The cost does not grow
    with the pool, but for finding these.

    Args:
        probability: That each is needed, shape (n,).
        query: What is asked.
        snapshot: The candidates.
    """
    found: dict[int, float] = {}
    for strong in best_rows(probability, _LEADING).tolist():
        for row, share in _linked(strong, query, snapshot).items():
            if probability[row] < probability[strong]:
                chance = _PART * share * float(probability[strong])
                found[row] = max(chance, found.get(row, 0.0))
    if not found:
        return probability
    rows, result = list(found), probability.copy()
    result[rows] = joined(result[rows], np.array(list(found.values())))
    return result


def _linked(row: int, query: str, snapshot: PoolSnapshot) -> dict[int, float]:
    """Rows of the notes that share enough with the item at *row*, each with how much of a whole
    link."""
    text = snapshot.texts[row]
    if len(text) > _MOST_CHARS or is_unspaced(text):
        return {}
    shared = snapshot.lexical.rarity_shared(row, besides=query, most=_MOST_TEXTS)
    return {
        other: min(rarity / _WHOLE_LINK, 1.0)
        for other, rarity in shared.items()
        if rarity >= _LEAST_SHARED and _is_note(snapshot, other)
    }


def _is_note(snapshot: PoolSnapshot, row: int) -> bool:
    if snapshot.columns.tier[row] == MemoryTier.WORKING.code or snapshot.speakers.codes[row] >= 0:
        return False
    return len(snapshot.texts[row]) <= _MOST_CHARS
