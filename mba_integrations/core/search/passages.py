"""The part of a long text that a query is about: its best sentences, in their order.

A text is cut at sentence ends and line breaks. Sentences are taken by the weight of the query's
terms that they add, per character, each with nothing but itself; the first sentence of the text
counts a little, because it says what the text is about. What is left out is marked. Nothing is
rewritten: every sentence stands as in the text.

Linear in the text, but for the order of the sentences: n log n.

Three sentences, and room for two of them with the marks. "key" weighs 2 and "Monday" 1. The second
has both words in 26 characters, so it is taken first; then the third adds nothing, since its word
is had, and the first counts because it leads:

>>> found = best_passage(
...     "On keys. Rotate the key on Mondays. Then wait until the next Monday.",
...     weights={"key": 2.0, "monday": 1.0}, max_chars=55,
...     terms_of=lambda text: text.lower().replace("s.", ".").strip(".").split())
>>> found.text, found.share
('On keys. Rotate the key on Mondays. […]', 1.0)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import chain

from mba_integrations.core.search.sentences.spans import OMISSION, sentence_spans

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
    # Dictionaries, not sets: sums of floats must not depend on the order that hashes give.
    found = [
        dict.fromkeys(term for term in terms_of(text[start:end]) if term in weights)
        for start, end in spans
    ]
    present = dict.fromkeys(chain.from_iterable(found))
    if not present:
        return None
    taken = _taken(spans, found, weights, max_chars)
    held = set(chain.from_iterable(found[place] for place in taken))
    if not held:
        return None
    part = sum(weights[term] for term in present if term in held)
    share = part / sum(weights[term] for term in present)
    return Passage(text=_joined(text, spans, sorted(taken)), share=min(1.0, share))


def _taken(
    spans: list[tuple[int, int]],
    found: list[dict[str, None]],
    weights: Mapping[str, float],
    max_chars: int,
) -> list[int]:
    """Places of the sentences to take, by what they add per character."""
    lead = _LEAD_WEIGHT * sum(weights.values()) / len(weights)
    room = max_chars - 2 * (len(OMISSION) + 1)
    sizes = [end - start + len(OMISSION) + 2 for start, end in spans]
    taken: dict[int, None] = {}
    held: set[str] = set()

    def gain(place: int) -> float:
        added = sum(weights[term] for term in found[place] if term not in held)
        return (added + (lead if place == 0 and taken else 0.0)) / sizes[place]

    # What a sentence adds only falls as others are taken, so an old gain is a bound: the first of
    # the queue whose gain still stands is the best of all. Of equal gains the earlier sentence is.
    queue = [(-gain(place), place) for place in range(len(spans)) if found[place]]
    heapify(queue)
    while queue:
        bound, place = heappop(queue)
        if place in taken or sizes[place] > room:
            continue
        current = gain(place)
        if current < -bound:
            if current > 0.0:
                heappush(queue, (-current, place))
            continue
        taken[place] = None
        held.update(found[place])
        room -= sizes[place]
        if len(taken) == 1 and place != 0:
            heappush(queue, (-gain(0), 0))  # the one gain that rises: now it leads others
    return list(taken)


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
