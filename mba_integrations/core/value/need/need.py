"""How probably each item is needed, and how much doubt there is that anything is.

Usefulness says how items compare; what is needed hangs on more: on how much of the pool fits the
question at all, on the talk that runs, and on what holds whatever is asked. The steps are

1. usefulness of the question, and where it hangs on the newest exchange, of both together;
2. its level: the number of items that the answer needs (`level`), and what others say of the order
   (`opinions`);
3. the steps of an agent at work have theirs from what its last steps speak of (`trace`);
4. what a newer statement changes (`succession`), and notes that say more of what the likeliest
   items speak of (`links`);
5. where an item's relevance is given, that instead (`given`);
6. what the question asks for by its place (`order`);
7. standing instructions (`standing`);
8. the newest exchanges of the conversation (`talk`).

An empty query, or one of stop words and signs alone, has no match: importance and freshness stand
for the first two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.dialogue.follow_up import is_closing
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.grounds.grounds import Grounds
from mba_integrations.core.value.match import Match, match_of
from mba_integrations.core.value.need.dates import rows_with_dates
from mba_integrations.core.value.need.given import with_given
from mba_integrations.core.value.need.level import expected_needed, levelled
from mba_integrations.core.value.need.links import with_links
from mba_integrations.core.value.need.order import places_asked, with_places
from mba_integrations.core.value.need.standing import of_empty_query, with_standing
from mba_integrations.core.value.need.succession import successors, with_successors
from mba_integrations.core.value.need.talk import (
    FOLLOWED_PROBABILITY,
    NEWEST_PROBABILITY,
    Exchanges,
    follows,
    newest_exchanges,
    with_exchange,
    with_talk,
)
from mba_integrations.core.value.need.trace import Trace, trace_of
from mba_integrations.core.value.opinions.reranked import (
    SecondLook,
    probability_reranked,
    second_look,
)
from mba_integrations.core.value.opinions.retrieved import probability_with_lists
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.usefulness import UsefulnessModel, estimate_usefulness

_CLOSING_NEEDS = 0.05
"""Items that a greeting or a word of thanks needs, at most."""
_CLOSING_STANDING = 0.2
"""What a standing instruction counts there, as a part."""
_CLOSING_DOUBT = 15.0
"""So much that a standing instruction of 40 tokens still comes in."""
_SURE_OF = 0.45
"""Expected items from which there is no doubt that something is needed.

At 0.5 answerable questions of chats lose another 1.4 points of recall; at 0.4 a third more comes in
where nothing is needed.
"""
_MOST_DOUBT = 20.0
"""So much that what all items are expected to give is worth 80 tokens, and an instruction of
importance 0.7 comes in all the same. With 100 it did not."""


_JOINT_PART = 0.7
"""Weight of the question with the exchange that it hangs on, beside the question alone."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is known of the need for n items.

    Attributes:
        probability: That the answer needs each, shape (n,), in [0, 1].
        doubt: That anything is needed: 0 for none, up to 20.
        may_be_unread: Whether something is asked all the same, in words that no item has or that
            are spelt otherwise. Not so where a text only greets or thanks.
        grounds: What the probabilities are made of.
        trace: The steps of an agent that is at work on the question; None for none.
    """

    probability: FloatArray
    doubt: float
    grounds: Grounds
    may_be_unread: bool = False
    trace: Trace | None = None


def need_of(
    question: Question,
    snapshot: PoolSnapshot,
    corpus: Corpus,
    match: Match,
    freshness: FloatArray,
    look: SecondLook | None = None,
    *,
    talk_runs: bool = True,
    models: Mapping[str, UsefulnessModel] | None = None,
) -> Need:
    """The need for each candidate.

    Args:
        question: What is asked.
        snapshot: The candidates.
        corpus: The same as usefulness takes them.
        match: How they match.
        freshness: Shape (n,), in [0, 1].
        look: The reranker; None for none.
        talk_runs: Whether working memory ends with what was said last.
        models: Coefficients of usefulness; None for those shipped.
    """
    if not len(snapshot):
        return Need(np.zeros(0), 0.0, Grounds(topic=question.topic))
    exchanges = newest_exchanges(snapshot) if talk_runs else ()
    importance = snapshot.columns.importance
    closing = is_closing(question.text)
    # A greeting is short and has no term of the pool, as questions that hang on something have.
    hangs = not closing and follows(question, corpus, exchanges)
    if not (hangs or _asks(question, corpus, match)):
        return _of_nothing(question, exchanges, importance, freshness)
    both = with_exchange(question, corpus, exchanges[0]) if hangs else None
    estimate = _usefulness(question, corpus, match, freshness, both, models)
    expected = expected_needed(question, corpus, match, estimate)
    expected = min(expected, _CLOSING_NEEDS) if closing else expected
    matched = levelled(estimate, expected)
    if match.cosine is not None:
        matched = probability_with_lists(matched, corpus.lists)
    found = second_look(look, matched, (both or question).text, corpus)
    matched = probability_reranked(matched, found)
    trace = trace_of(question, snapshot) if talk_runs else None
    matched = _with_trace(matched, trace)
    followed = successors(question.topic, snapshot, matched)
    matched = with_links(with_successors(matched, followed), question.topic, snapshot)
    matched = with_given(matched, corpus.given_relevance, importance, freshness)
    grounds = Grounds(
        topic=question.topic,
        match=match,
        places=places_asked(question.text, snapshot, match),
        matched=matched,
        after=followed,
        reranked=found,
        exchanges=exchanges,
        newest=0.0 if closing else FOLLOWED_PROBABILITY if hangs else NEWEST_PROBABILITY,
        standing=_CLOSING_STANDING if closing else 1.0,
    )
    probability = _joined(matched, grounds, importance)
    if closing and np.isnan(corpus.given_relevance).all():
        return Need(probability, _CLOSING_DOUBT, grounds)
    dates = rows_with_dates(question, snapshot, probability, followed)
    grounds = replace(grounds, dates=dates)
    sure = hangs or _is_known(match, corpus)
    doubt = 0.0 if sure else doubt_of(expected)
    return Need(probability, doubt, grounds, may_be_unread=doubt > 0.0, trace=trace)


def _with_trace(probability: FloatArray, trace: Trace | None) -> FloatArray:
    if trace is None:
        return probability
    result = probability.copy()
    result[trace.rows] = trace.probability
    return result


def _of_nothing(
    question: Question, exchanges: Exchanges, importance: FloatArray, freshness: FloatArray
) -> Need:
    """The need where nothing is asked."""
    matched = of_empty_query(importance, freshness)
    grounds = Grounds(
        topic=question.topic,
        matched=matched,
        exchanges=exchanges,
        newest=FOLLOWED_PROBABILITY,
        is_empty=True,
    )
    return Need(_joined(matched, grounds, importance), 0.0, grounds)


def _joined(matched: FloatArray, grounds: Grounds, importance: FloatArray) -> FloatArray:
    """The probability of the match with what importance and the running talk add."""
    placed = with_places(matched, grounds.places)
    standing = with_standing(placed, importance, weight=grounds.standing)
    return with_talk(standing, grounds.exchanges, newest=grounds.newest)


def _asks(question: Question, corpus: Corpus, match: Match) -> bool:
    """Whether anything says what is asked: a word, a vector, or what retrievers found."""
    if match.nearness is not None or np.isfinite(corpus.given_relevance).any():
        return True
    return bool(corpus.lexical.terms(question.text))


def _usefulness(
    question: Question,
    corpus: Corpus,
    match: Match,
    freshness: FloatArray,
    both: Question | None,
    models: Mapping[str, UsefulnessModel] | None,
) -> FloatArray:
    """Usefulness for the question; if it hangs on an exchange, a mean of logits with that of *both*
    together."""
    alone = estimate_usefulness(question, corpus, match, freshness=freshness, models=models)
    if both is None:
        return alone
    together = match_of(both, corpus)
    joint = estimate_usefulness(both, corpus, together, freshness=freshness, models=models)
    odds = (alone / (1.0 - alone)) ** (1.0 - _JOINT_PART) * (joint / (1.0 - joint)) ** _JOINT_PART
    return np.asarray(odds / (1.0 + odds))


def _is_known(match: Match, corpus: Corpus) -> bool:
    """Whether something else says that there is something to find: a retriever found it; or, where
    there are no vectors to tell, words of the question are met."""
    if corpus.lists or np.isfinite(corpus.given_relevance).any():
        return True
    return match.cosine is None and bool(match.lexical.max(initial=0.0) > 0.0)


def doubt_of(expected: float) -> float:
    """Doubt that anything is needed where *expected* items are, in [0, 20].

    >>> doubt_of(0.45), round(doubt_of(0.225), 6), doubt_of(0.05)
    (0.0, 7.0, 20.0)
    """
    return float(min(max((_SURE_OF / expected) ** 3 - 1.0, 0.0), _MOST_DOUBT))
