"""One thing that speaks for an item, or against it, as it is told to a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class SignalKind(StrEnum):
    """What may decide."""

    WORDS = "words"
    """Words of the query are in the text."""
    MEANING = "meaning"
    """Its vector is near the query's."""
    GIVEN = "given"
    """The caller gave its relevance."""
    LISTED = "listed"
    """Its place in a retriever's list."""
    RERANKED = "reranked"
    """Its place in the reranker's order."""
    NEIGHBOUR = "neighbour"
    """It stands next to an item that matches better."""
    NEWER = "newer"
    """It says something newer than an item that matches."""
    NEWEST_EXCHANGE = "newest_exchange"
    """It is of the newest exchanges of the conversation."""
    ORDER = "order"
    """Its place is asked for, such as the first or the one before."""
    STANDING = "standing"
    """Its importance makes it a standing instruction, whatever is asked."""
    IMPORTANCE = "importance"
    """How important it is."""
    FRESHNESS = "freshness"
    """How new it is."""
    RAISED = "raised"
    """Its length, heading, speaker, time or links count for it more than its match."""
    LOWERED = "lowered"
    """Its length, heading, speaker, time or links count against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of an item.

    Attributes:
        kind: What it is.
        strength: In [0, 1]; for a match a part of the pool's best.
        of: The words that are met, or the ids of the items that it is about.

    >>> print(Signal(kind=SignalKind.WORDS, strength=0.8, of=("Kate", "skis")))
    words: Kate, skis
    >>> print(Signal(kind=SignalKind.MEANING, strength=0.63))
    meaning 63%
    """

    kind: SignalKind
    strength: float
    of: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = _SAID[self.kind]
        if self.of:
            return f"{said}{', '.join(self.of)}"
        return f"{said} {self.strength:.0%}" if self.kind in _IN_PERCENT else said

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"kind": self.kind.value, "strength": self.strength, "of": list(self.of)}


_SAID = {
    SignalKind.WORDS: "words: ",
    SignalKind.MEANING: "meaning",
    SignalKind.GIVEN: "relevance given",
    SignalKind.LISTED: "place in a list",
    SignalKind.RERANKED: "reranker",
    SignalKind.NEIGHBOUR: "beside ",
    SignalKind.NEWER: "newer than ",
    SignalKind.NEWEST_EXCHANGE: "newest exchange",
    SignalKind.ORDER: "asked for by its place",
    SignalKind.STANDING: "standing instruction",
    SignalKind.IMPORTANCE: "importance",
    SignalKind.FRESHNESS: "freshness",
    SignalKind.RAISED: "raised by context",
    SignalKind.LOWERED: "lowered by context",
}
_IN_PERCENT = frozenset(
    {
        SignalKind.MEANING,
        SignalKind.GIVEN,
        SignalKind.LISTED,
        SignalKind.RERANKED,
        SignalKind.IMPORTANCE,
        SignalKind.FRESHNESS,
    }
)
