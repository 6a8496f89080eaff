"""The running talk: the newest exchanges of working memory, and a question that hangs on them.

The newest exchange is found from the newest item of working memory: the items of its source, from
the end back to and with the last one that a user says. Where no item has a role, an exchange is two
items. At most eight items count, so a long round of tools does not hide the question.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.dialogue.exchanges import begins_exchange
from mba_integrations.core.dialogue.follow_up import FOLLOWS, follow_up_points
from mba_integrations.core.dialogue.spoken import spoken
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need.standing import joined
from mba_integrations.core.value.question import Question

Exchanges = tuple[IntArray, ...]
"""Rows of the newest exchange, of the one before it, and so on."""

_EXCHANGES = 3
_MOST_ITEMS = 8
_ITEMS_WITHOUT_ROLES = 2
_FALLS_BY = 0.1
"""An exchange further back counts a tenth."""
NEWEST_PROBABILITY = 0.002
"""That the newest exchange is needed by a question that does not hang on it. With 0.005 two short
lines of talk came in before an item whose words or vector match little."""
FOLLOWED_PROBABILITY = 0.5
"""The same for a question that does, and for an empty one."""
_TERMS = 8
_MOST_CHARS = 4_000


def newest_exchanges(snapshot: PoolSnapshot) -> Exchanges:
    """The newest exchanges of working memory, newest first; none where it is empty."""
    known: Exchanges | None = snapshot.derived.get("newest exchanges")
    if known is None:
        rows = snapshot.talk.running[-_EXCHANGES * _MOST_ITEMS :]
        known = snapshot.derived["newest exchanges"] = _exchanges(snapshot, rows)
    return known


def _exchanges(snapshot: PoolSnapshot, rows: IntArray) -> Exchanges:
    asks = [_asks(snapshot, row) for row in rows.tolist()]
    found: list[IntArray] = []
    end = len(rows)
    while end and len(found) < _EXCHANGES:
        start = _start(asks, end)
        found.append(rows[start:end])
        end = start
    return tuple(found)


def _start(asks: list[bool], end: int) -> int:
    if not any(asks):
        return max(0, end - _ITEMS_WITHOUT_ROLES)
    start = end - 1
    while start > max(0, end - _MOST_ITEMS) and not asks[start]:
        start -= 1
    return start


def _asks(snapshot: PoolSnapshot, row: int) -> bool:
    said = spoken(snapshot.items[row].metadata)
    return said is not None and begins_exchange(said)


def follows(question: Question, corpus: Corpus, exchanges: Exchanges) -> bool:
    """Whether a question hangs on the newest exchange."""
    if not exchanges:
        return False
    knows = bool(corpus.lexical.term_weights(question.text))
    return follow_up_points(question.text, knows_terms=knows) >= FOLLOWS


def with_exchange(question: Question, corpus: Corpus, exchange: IntArray) -> Question:
    """The question together with the rarest terms of an exchange and the mean of its vectors."""
    text = " ".join(corpus.texts[row][:_MOST_CHARS] for row in exchange.tolist())
    weights = corpus.lexical.term_weights(text)
    rarest = sorted(weights, key=lambda term: -weights[term])[:_TERMS]
    asked = replace(
        question,
        text=" ".join([question.text, *rarest]),
        nameless=" ".join([question.topic, *rarest]),
    )
    if question.vector is None or corpus.vectors is None:
        return asked
    mean = corpus.vectors.take(exchange).mean(axis=0)
    return replace(asked, vector=_unit(np.asarray(question.vector)) + _unit(mean))


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    return vector / length if np.isfinite(length) and length > 0.0 else vector * 0.0


def with_talk(probability: FloatArray, exchanges: Exchanges, *, newest: float) -> FloatArray:
    """Probabilities with what the place in the running talk adds, shape (n,).

    Args:
        probability: That each item is needed, shape (n,).
        exchanges: The newest exchanges, newest first.
        newest: Probability that the newest one is needed for its place alone.
    """
    result = probability.copy() if exchanges else probability
    for rows, chance in chances_by_place(exchanges, newest=newest):
        result[rows] = joined(result[rows], chance)
    return result


def chances_by_place(exchanges: Exchanges, *, newest: float) -> list[tuple[IntArray, float]]:
    """The rows of each exchange with the probability that its place alone gives them."""
    return [(rows, newest * _FALLS_BY**back) for back, rows in enumerate(exchanges)]
