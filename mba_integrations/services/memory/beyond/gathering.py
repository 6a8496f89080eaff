"""The candidates of a question in a workspace that is too large for a pool.

A filter that lets no more through than there may be candidates needs no search: all are taken, and
the choice is the exact one. Otherwise, until the candidates are as many as there may be:

    1  pinned, important, newest memories, those of the last prompt
    2  by words: the best of BM25 over the whole workspace
    3  by vectors: the nearest
    4  what the best of 2 and 3 name: texts that share rare words with them
    5  what stands around the best, and whole groups

Everything is read in one scope, so it is of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.search.words.lexical_columns import WholeTexts
from mba_integrations.services.memory.pools.items import pool_of
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import loading, vectors
from mba_integrations.services.store.statements.prefetch import beside, nearest
from mba_integrations.services.store.statements.prefetch.words import WordIndex

_WORDS_PART, _NEAR_PART = 0.6, 0.4
_ALWAYS = 256
_STRONG = 10
"""Candidates whose names lead on, and whose neighbours are taken."""
_STEPS = 4
_AROUND = 100
_RARE_TERMS = 12
_RARE_PART = 100
"""A word that one text of so many has, or fewer, is rare."""
_NAMED_PART = 0.1
_RANKED_TOGETHER = 60.0
_STRETCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What candidates are wanted for.

    Attributes:
        query: What is asked.
        wanted: Which memories count.
        vector: The query's, of the model; None for none.
        model_id: Of which model the vectors are.
        previous: Ids of what the last prompt had.
        most: How many candidates there may be.
    """

    query: str
    wanted: MemoryFilter
    vector: FloatArray | None
    model_id: str | None
    previous: tuple[str, ...]
    most: int


@dataclass(slots=True)
class Gathered:
    """Places of candidates, in the order in which they were found.

    Attributes:
        places: They.
        whole: What is known of all texts; None where the candidates are all that count.
        by_vectors: Whether the nearest are among them.
        gap_texts: How many texts stand in no part; None if that was not looked at.
    """

    places: dict[int, None] = field(default_factory=dict)
    whole: WholeTexts | None = None
    by_vectors: bool = True
    gap_texts: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether they are all memories that count."""
        return self.whole is None

    def add(self, places: Iterable[int], *, most: int) -> None:
        """Take more in, until there are so many."""
        for place in places:
            if len(self.places) >= most:
                return
            self.places[place] = None


def gathered(reading: Reading, question: Question) -> Gathered:
    """Where the candidates stand."""
    few = beside.few(reading, question.wanted, most=question.most)
    if few is not None:
        return Gathered(places=dict.fromkeys(few))
    found = Gathered()
    most, index = question.most, WordIndex.of(reading)
    found.add(beside.of_ids(reading, question.previous, question.wanted), most=most)
    found.add(beside.always(reading, question.wanted, most=min(_ALWAYS, most // 10)), most=most)
    by_words, frequencies = _by_words(reading, question, index)
    by_vectors = _nearest(reading, question)
    strong = _best_of_both(by_words, by_vectors or [])
    named, rare = _named(reading, question, index, strong[:_STRONG])
    near = beside.around(reading, strong[: min(_AROUND, most // 10)], question.wanted, steps=_STEPS)
    for places in (strong[: min(_AROUND, most // 10)], near, named, strong):
        found.add(places, most=most)
    grouped = beside.whole_groups(reading, list(found.places), question.wanted)
    found.places.update(dict.fromkeys(grouped))
    found.whole = index.whole({**rare, **frequencies})
    found.by_vectors, found.gap_texts = by_vectors is not None, index.gap_texts
    return found


def pool_at(reading: Reading, found: Gathered, model_id: str | None) -> MemoryPool:
    """The memories at these places as a pool."""
    loaded = loading.at_places(reading, list(found.places))
    if model_id is None:
        return pool_of(loaded, (), np.zeros((0, 0), dtype=np.float32), found.whole)
    return pool_of(loaded, *vectors.of(reading, model_id, loaded.items["id"]), found.whole)


def _by_words(
    reading: Reading, question: Question, index: WordIndex
) -> tuple[list[int], dict[str, int]]:
    hits = index.search([index.terms_of(question.query)], most=_STRETCH * question.most)
    wanted = max(1, round(_WORDS_PART * question.most))
    return _let_through(
        reading, hits.ranked[0].places.tolist(), question.wanted, wanted
    ), hits.frequencies


def _let_through(
    reading: Reading, places: Sequence[int], wanted: MemoryFilter, most: int
) -> list[int]:
    """The first places whose memory the filter lets through."""
    kept: list[int] = []
    for start in range(0, len(places), most):
        kept += beside.among_places(reading, places[start : start + most], wanted)
        if len(kept) >= most:
            break
    return kept[:most]


def _nearest(reading: Reading, question: Question) -> list[int] | None:
    """The nearest, the nearest first; None where vectors cannot be searched."""
    if question.vector is None or question.model_id is None:
        return []
    if not nearest.is_ready(reading, question.model_id):
        return None
    most = round(_NEAR_PART * question.most)
    return nearest.found(reading, question.model_id, question.vector, question.wanted, most=most)


def _best_of_both(by_words: Sequence[int], by_vectors: Sequence[int]) -> list[int]:
    """Places by their ranks in two lists, the best first."""
    scores: dict[int, float] = {}
    for places in (by_words, by_vectors):
        for rank, place in enumerate(places):
            scores[place] = scores.get(place, 0.0) + 1.0 / (_RANKED_TOGETHER + rank)
    return sorted(scores, key=lambda place: -scores[place])


def _named(
    reading: Reading, question: Question, index: WordIndex, strong: Sequence[int]
) -> tuple[list[int], dict[str, int]]:
    """What shares rare words with the strongest candidates, that the question does not have."""
    asked = index.terms_of(question.query)
    most = max(1, round(_NAMED_PART * question.most / max(len(strong), 1)))
    rarer = max(10, index.texts // _RARE_PART)
    sets = [terms - asked for terms in loading.terms_at_places(reading, strong)]
    hits = index.search(sets, most=most, rarer_than=rarer, most_terms=_RARE_TERMS)
    places = [place for ranked in hits.ranked for place in ranked.places.tolist()]
    places = list(dict.fromkeys(places))
    return beside.among_places(reading, places, question.wanted), hits.frequencies
