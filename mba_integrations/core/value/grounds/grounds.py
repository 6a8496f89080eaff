"""What the scores of one call are made of, kept so that they can be explained when somebody asks.

A call keeps the columns that it has worked out anyway; words and neighbours are looked up when the
first explanation is asked for, in about the time of a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.pool.corpus import RankedList
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.grounds.signal import Signal, SignalKind
from mba_integrations.core.value.match import Match
from mba_integrations.core.value.need.standing import standing_probability
from mba_integrations.core.value.need.talk import Exchanges, chances_by_place
from mba_integrations.core.value.opinions.reranked import reranked_places
from mba_integrations.core.value.opinions.retrieved import list_places
from mba_integrations.core.value.relevance import dense_relevance

MOST_SIGNALS = 3
_MOST_WORDS = 32
"""Words of the query that are looked up, the rarest."""
_SHOWN_WORDS = 4
_WEAK = 0.1
"""A signal of less does not decide."""
_LOWERED_BELOW = 0.15
"""An item whose score is less than this part of what items of its match have is lowered."""
_ORDINARY_IMPORTANCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What n scores are made of.

    Attributes:
        topic: What items were matched with by their words.
        match: How they match; None where nothing was matched.
        matched: Usefulness by the match alone, on its level, shape (n,); None for a Mem0 score.
        after: Rows of statements, each with the row of the older one that it comes after.
        dates: Rows of the items whose date is to stand in their line.
        places: Rows whose place is asked for, each with its probability.
        reranked: What the reranker says; None where it says nothing.
        exchanges: The newest exchanges, newest first.
        newest: Probability that the newest one is needed for its place alone.
        standing: Part of the effect of a standing instruction.
        is_empty: Whether the query asks for nothing, so that importance and freshness decide.
    """

    topic: str
    match: Match | None = None
    matched: FloatArray | None = None
    after: Mapping[int, int] = field(default_factory=dict)
    dates: tuple[int, ...] = ()
    places: Mapping[int, float] = field(default_factory=dict)
    reranked: RankedList | None = None
    exchanges: Exchanges = ()
    newest: float = 0.0
    standing: float = 1.0
    is_empty: bool = False


class SignalReader:
    """The signals of each item.

    Args:
        snapshot: The candidates.
        grounds: What their scores are made of.
        relevance, freshness, score: Of each, shape (n,).
    """

    def __init__(
        self,
        snapshot: PoolSnapshot,
        grounds: Grounds,
        *,
        relevance: FloatArray,
        freshness: FloatArray,
        score: FloatArray,
    ) -> None:
        self._snapshot = snapshot
        self._grounds = grounds
        self._relevance = relevance
        self._freshness = freshness
        self._score = score

    def of(self, row: int) -> tuple[Signal, ...]:
        """The signals that decided on an item, the strongest first; at most three."""
        if self._grounds.matched is None:
            return self._of_mem0(row)
        found = [*self._of_match(row), *self._of_place(row), *self._of_importance(row)]
        found.sort(key=lambda pair: -pair[0])
        strongest = [signal for weight, signal in found if weight > 0.0][:MOST_SIGNALS]
        return (*strongest, *self._contradiction(row, strongest))[: MOST_SIGNALS + 1]

    def _of_mem0(self, row: int) -> tuple[Signal, ...]:
        """Relevance or what it comes from, importance and freshness: a Mem0 score is made of
        them."""
        relevance = [signal for _, signal in self._matches(row)][: MOST_SIGNALS - 1]
        return (*relevance, self._importance(row), self._fresh(row))

    def _of_match(self, row: int) -> list[tuple[float, Signal]]:
        if self._grounds.is_empty:
            return []
        level = float(self._matched[row])
        found = [(level * signal.strength, signal) for _, signal in self._matches(row)]
        older = self._grounds.after.get(row)
        if older is not None:
            named = (self._snapshot.items[older].id,)
            found.append((level, Signal(kind=SignalKind.NEWER, strength=1.0, of=named)))
        beside = self._neighbour(row)
        if beside is not None:
            found.append((level * beside.strength, beside))
        return found

    def _matches(self, row: int) -> list[tuple[float, Signal]]:
        """What the match of an item comes from, with its strength."""
        given = float(self._snapshot.columns.given_relevance[row])
        if not np.isnan(given):
            return [(given, Signal(kind=SignalKind.GIVEN, strength=given))]
        found = []
        words = self._words_in(row)
        lexical = 0.0 if self._grounds.match is None else float(self._grounds.match.lexical[row])
        if words:
            found.append(
                (lexical, Signal(kind=SignalKind.WORDS, strength=min(1.0, lexical), of=words))
            )
        near = float(self._meaning[row])
        if near >= _WEAK:
            found.append((near, Signal(kind=SignalKind.MEANING, strength=near)))
        found += [(one.strength, one) for one in self._of_orders(row)]
        return sorted(found, key=lambda pair: -pair[0])

    def _of_orders(self, row: int) -> Iterator[Signal]:
        """Its places in the list of a retriever and in the order of the reranker."""
        orders = (
            (SignalKind.LISTED, list_places, self._snapshot.lists),
            (SignalKind.RERANKED, reranked_places, (self._grounds.reranked,)),
        )
        for kind, places, lists in orders:
            for one in lists:
                if one is not None and (one.rows == row).any():
                    strength = float(places(one)[one.rows == row][0])
                    yield Signal(kind=kind, strength=strength)

    def _neighbour(self, row: int) -> Signal | None:
        """The item before or after, if it matches better by far."""
        own = float(self._strength[row])
        best, steps = max((float(self._beside[steps][row]), steps) for steps in (-1, 1))
        if best < max(2.0 * own, 2.0 * _WEAK):
            return None
        other = int(self._beside_rows[steps][row])
        named = (self._snapshot.items[other].id,)
        return Signal(kind=SignalKind.NEIGHBOUR, strength=best / 2.0, of=named)

    def _of_place(self, row: int) -> list[tuple[float, Signal]]:
        chances = {
            SignalKind.ORDER: self._grounds.places.get(row, 0.0),
            SignalKind.NEWEST_EXCHANGE: self._talk.get(row, 0.0),
        }
        return [(chance, Signal(kind=kind, strength=chance)) for kind, chance in chances.items()]

    def _of_importance(self, row: int) -> list[tuple[float, Signal]]:
        importance = float(self._snapshot.columns.importance[row])
        if self._grounds.is_empty:
            weight = float(self._matched[row])
            fresh = self._fresh(row)
            return [(weight, self._importance(row)), (weight * fresh.strength / 2.0, fresh)]
        standing = float(self._standing[row]) * self._grounds.standing
        if standing > 0.0:
            return [(standing, Signal(kind=SignalKind.STANDING, strength=importance))]
        if importance == _ORDINARY_IMPORTANCE:
            return []
        weight = float(self._matched[row]) * abs(importance - _ORDINARY_IMPORTANCE)
        return [(weight, self._importance(row))]

    def _contradiction(self, row: int, found: list[Signal]) -> tuple[Signal, ...]:
        """A word where relevance is high and the score is low beside others, or the other way
        round."""
        if self._grounds.is_empty or (found and found[0].kind in _BY_PLACE):
            return ()
        if any(signal.kind is SignalKind.GIVEN for signal in found):
            return ()  # it decides, by a scale of its own
        relevance, score = float(self._relevance[row]), float(self._score[row])
        best = float(self._relevance.max(initial=0.0))
        usual = self._score_of_best * relevance / max(best, _WEAK)
        if relevance >= 0.5 and score < _LOWERED_BELOW * usual:
            return (Signal(kind=SignalKind.LOWERED, strength=1.0 - score / usual),)
        is_high = score >= _LOWERED_BELOW * self._score_of_best
        if best >= _WEAK and is_high and usual < _LOWERED_BELOW * score:
            return (Signal(kind=SignalKind.RAISED, strength=1.0 - usual / score),)
        return ()

    def _importance(self, row: int) -> Signal:
        strength = float(self._snapshot.columns.importance[row])
        return Signal(kind=SignalKind.IMPORTANCE, strength=strength)

    def _fresh(self, row: int) -> Signal:
        return Signal(kind=SignalKind.FRESHNESS, strength=float(self._freshness[row]))

    def _words_in(self, row: int) -> tuple[str, ...]:
        if self._grounds.match is None or self._grounds.match.lexical[row] <= 0.0:
            return ()
        met = [word for word, has in self._holders.items() if has[row]]
        return tuple(met[:_SHOWN_WORDS])

    @property
    def _matched(self) -> FloatArray:
        return self._score if self._grounds.matched is None else self._grounds.matched

    @cached_property
    def _holders(self) -> dict[str, BoolArray]:
        """Which items have each word of the query, the rarest word first."""
        return self._snapshot.lexical.holders(self._grounds.topic, most=_MOST_WORDS)

    @cached_property
    def _meaning(self) -> FloatArray:
        match = self._grounds.match
        if match is None or match.cosine is None:
            return np.zeros(len(self._score))
        near = dense_relevance(match.cosine, match.lexical)
        return np.where(np.isfinite(match.cosine), near, 0.0)

    @cached_property
    def _strength(self) -> FloatArray:
        """How well each item matches by itself, in [0, 1]."""
        match = self._grounds.match
        if match is None:
            return self._relevance
        return np.maximum(match.lexical, self._meaning)

    @cached_property
    def _beside(self) -> dict[int, FloatArray]:
        around = self._snapshot.around
        return {steps: around.shifted(self._strength, steps) for steps in (-1, 1)}

    @cached_property
    def _beside_rows(self) -> dict[int, FloatArray]:
        around = self._snapshot.around
        rows = np.arange(len(self._score), dtype=np.float64)
        return {steps: around.shifted(rows, steps) for steps in (-1, 1)}

    @cached_property
    def _talk(self) -> dict[int, float]:
        grounds = self._grounds
        return {
            row: chance
            for rows, chance in chances_by_place(grounds.exchanges, newest=grounds.newest)
            for row in rows.tolist()
        }

    @cached_property
    def _standing(self) -> FloatArray:
        return standing_probability(self._snapshot.columns.importance)

    @cached_property
    def _score_of_best(self) -> float:
        """The highest score of a match, for a relevance of 1."""
        return float(self._matched.max(initial=0.0))


_BY_PLACE = frozenset(
    {
        SignalKind.NEWEST_EXCHANGE,
        SignalKind.ORDER,
        SignalKind.STANDING,
        SignalKind.NEIGHBOUR,
        SignalKind.NEWER,
    }
)
