"""What can be said of the memories of a prompt: by what an answer cites, what it says, a person.

    oslo: Kate lives in Oslo.   tram: Kate takes the tram.   bread: Bread needs salt.
    Where does Kate live?       In Oslo; she takes a bus.

    origin   given                    oslo          tram              bread
    cited    ["oslo"]                 useful, 1.0   not useful, 0.5   not useful, 0.5
    overlap  the answer               useful, 0.5   cannot say, 0.0   not useful, 0.5
    thumb    bread: down                                              not useful, 1.0

An answer does not name all that it used, nor does it repeat it, so silence weighs less than words.
A memory whose overlap is above 0 and below `ENOUGH`, as that of "tram" by "takes", could be either.
Where no memory has enough, the answer knew it from elsewhere or said it in other words, and of none
can be said whether it was of use. The weight of enough is overlap / (overlap + 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mba_integrations.core.search.words.overlap import overlaps
from mba_integrations.services.store.rows.allocations import FeedbackOrigin

ENOUGH = 1.0
"""Overlap from which a memory counts as used: a name or a number that no other text has."""
SAID = 1.0
UNSAID = 0.5
"""Weight of what follows from an answer's silence."""


class Thumb(StrEnum):
    """What a person thinks of a recall, or of one memory in it."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether a memory was of use: see `FeedbackRow`."""

    memory_id: str | None
    origin: FeedbackOrigin
    useful: bool | None
    weight: float


def by_citations(prompt: Sequence[str], cited: Collection[str]) -> list[Judgement]:
    """What an answer that names memories says of those of the prompt; nothing if it names none."""
    named = set(prompt) & set(cited)
    if not named:
        return []
    return [
        Judgement(
            memory_id=one,
            origin=FeedbackOrigin.CITED,
            useful=one in named,
            weight=SAID if one in named else UNSAID,
        )
        for one in prompt
    ]


def by_overlap(texts: Mapping[str, str], answer: str, question: str) -> list[Judgement]:
    """What the words of an answer say of memories, by their ids; see `overlaps`."""
    strengths = overlaps(answer, question, list(texts.values()))
    is_told = any(one >= ENOUGH for one in strengths)
    return [
        _by_strength(memory_id, strength, is_told=is_told)
        for memory_id, strength in zip(texts, strengths, strict=True)
    ]


def by_thumbs(whole: Thumb | None, thumbs: Mapping[str, Thumb]) -> list[Judgement]:
    """What a person says of the whole prompt and of memories."""
    given: Iterable[tuple[str | None, Thumb]] = thumbs.items()
    if whole is not None:
        given = [(None, whole), *given]
    return [
        Judgement(memory_id=one, origin=FeedbackOrigin.THUMB, useful=thumb is Thumb.UP, weight=SAID)
        for one, thumb in given
    ]


def _by_strength(memory_id: str, strength: float, *, is_told: bool) -> Judgement:
    useful, weight = None, 0.0
    if strength >= ENOUGH:
        useful, weight = True, strength / (strength + 1.0)
    elif is_told and strength == 0.0:
        useful, weight = False, UNSAID
    return Judgement(
        memory_id=memory_id, origin=FeedbackOrigin.OVERLAP, useful=useful, weight=weight
    )
