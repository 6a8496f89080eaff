"""The part of a long text that a query is about: its best sentences, in their order.

A text is cut at sentence ends and line breaks. Sentences are taken by the weight of the query's
terms that they add, per character, each with nothing but itself; the first sentence of the text
counts a little, because it says what the text is about. What is left out is marked. Nothing is
rewritten: every sentence stands as in the text.

Linear in the text, and in the sentences times those that are taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

OMISSION = "[…]"
"""Stands where text is left out."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\s*\n\s*|(?<=[。！？])")
_LEAD_WEIGHT = 0.5
"""What the first sentence is worth beside the query's terms, as a part of the mean term weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Part of a text.

    Attributes:
        text: The sentences, with a mark where others are left out.
        share: Part of the weight of the query's terms in the whole text that it holds, in (0, 1].
    """

    text: str
    share: float


def best_passage(
    text: str,
    *,
    weights: Mapping[str, float],
    terms_of: Callable[[str], Sequence[str]],
    max_chars: int,
) -> Passage | None:
    """The best sentences of a text that together have at most *max_chars* characters.

    Args:
        text: The whole text.
        weights: Weight of each term of the query, > 0.
        terms_of: Cuts a sentence into terms.
        max_chars: Room for the sentences and the marks.

    Returns:
        None if no term of the query is in the text, if no sentence that has one fits, or if the
        whole text fits.
    """
    if len(text) <= max_chars:
        return None
    spans = sentence_spans(text)
    found = [
        {term for term in terms_of(text[start:end]) if term in weights} for start, end in spans
    ]
    present: set[str] = set().union(*found) if found else set()
    if not present:
        return None
    taken = _taken(spans, found, weights, max_chars)
    held: set[str] = set().union(*(found[place] for place in taken)) if taken else set()
    if not held:
        return None
    share = sum(weights[term] for term in held) / sum(weights[term] for term in present)
    return Passage(text=_joined(text, spans, sorted(taken)), share=min(1.0, share))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of each sentence that holds more than white space.

    >>> sentence_spans("One. Two!")
    [(0, 4), (5, 9)]
    """
    spans, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        spans.append((start, end.start()))
        start = end.end()
    spans.append((start, len(text)))
    return [(begin, stop) for begin, stop in spans if text[begin:stop].strip()]


def _taken(
    spans: list[tuple[int, int]],
    found: list[set[str]],
    weights: Mapping[str, float],
    max_chars: int,
) -> list[int]:
    """Places of the sentences to take, by what they add per character."""
    lead = _LEAD_WEIGHT * sum(weights.values()) / len(weights)
    room = max_chars - 2 * (len(OMISSION) + 1)
    taken: list[int] = []
    held: set[str] = set()
    while True:
        best, best_gain = -1, 0.0
        for place, (start, end) in enumerate(spans):
            size = end - start + len(OMISSION) + 2
            if place in taken or size > room:
                continue
            gain = sum(weights[term] for term in found[place] - held)
            gain = (gain + (lead if place == 0 and taken else 0.0)) / size
            if gain > best_gain:
                best, best_gain = place, gain
        if best < 0:
            return taken
        taken.append(best)
        held |= found[best]
        room -= spans[best][1] - spans[best][0] + len(OMISSION) + 2


def _joined(text: str, spans: list[tuple[int, int]], places: list[int]) -> str:
    parts: list[str] = [] if places[0] == 0 else [OMISSION]
    for before, place in zip([-1, *places], places, strict=False):
        if before >= 0 and place > before + 1:
            parts.append(OMISSION)
        start, end = spans[place]
        parts.append(text[start:end].strip())
    if places[-1] < len(spans) - 1:
        parts.append(OMISSION)
    return " ".join(parts)
