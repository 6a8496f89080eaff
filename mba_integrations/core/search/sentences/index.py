"""Where the terms of a text stand, sentence by sentence.

Made once for a text and remembered, since the same texts are candidates again and again. Only what
may stand alone counts as a sentence: a heading goes with each of them.

>>> index = index_of("Oslo\\nThe harbour froze. The harbour opened in May.")
>>> len(index), index.places["harbour"], index.shown([1])
(2, {0: 1, 1: 1}, 'Oslo\\n[…] The harbour opened in May.')
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mba_integrations.core.derived import Remembered
from mba_integrations.core.search.sentences.spans import (
    Span,
    excerpt,
    has_heading,
    line_spans,
    places_in,
    sentence_spans,
)
from mba_integrations.core.search.terms import TermSplitter

_ENDS_PROSE = re.compile(r"[.!?…。！？][\"'”’)\]」』）]*$")
_WORD = re.compile(r"\w+")
_REMEMBERED_BYTES = 48 * 2**20
"""About 10,000 paragraphs."""
_BYTES_PER_TERM = 250
"""Of a term with the places where it stands, about."""
_MAX_CHARS = 50_000
"""How much of a text is read; the rest is one sentence without terms."""


@dataclass(frozen=True, slots=True)
class SentenceIndex:
    """The sentences of a text and the terms of each.

    Attributes:
        text: The text.
        spans: Its spans; the first is a heading where `headed`.
        headed: Whether a heading goes with whatever is shown.
        places: For each term, how often it stands in each sentence that has it.
        sizes: Terms of each sentence.
        words: Words of each sentence as they are written, between spaces.
        is_prose: Whether most sentences end as sentences do.
    """

    text: str
    spans: Sequence[Span]
    headed: bool
    places: Mapping[str, Mapping[int, int]]
    sizes: Sequence[int]
    words: Sequence[str]
    is_prose: bool

    def __len__(self) -> int:
        return len(self.sizes)

    def chars(self) -> list[int]:
        """Characters of each sentence with what stands before the next one."""
        ends = [start for start, _ in self.spans[1:]]
        spans = list(zip(self.spans, [*ends, self.spans[-1][1]], strict=True))
        return [following - start for (start, _), following in spans[self.headed :]]

    def heading_chars(self) -> int:
        """Characters of the heading; 0 without one."""
        return self.spans[1][0] - self.spans[0][0] if self.headed else 0

    def sentence(self, place: int) -> str:
        """The sentence at a place."""
        start, end = self.spans[place + self.headed]
        return self.text[start:end]

    def shown(self, places: Sequence[int]) -> str:
        """The text with its heading and only these sentences; all of them are the text."""
        if len(places) == len(self):
            return self.text
        heading = [0] if self.headed else []
        return excerpt(self.text, self.spans, [*heading, *(at + self.headed for at in places)])

    def standing_in(self, passage: str) -> list[int]:
        """Places of the sentences that stand in what `shown` gave."""
        found = places_in(self.text, self.spans, passage)
        return [at - self.headed for at in found if at >= self.headed]


def index_of(text: str) -> SentenceIndex:
    """The sentences of a text."""
    return _SENTENCES.of(text)


def line_index_of(text: str) -> SentenceIndex:
    """The lines of a text, in the place of sentences."""
    return _LINES.of(text)


@cache
def splitter() -> TermSplitter:
    """Cuts sentences, and the queries that are compared with them, into terms."""
    return TermSplitter()


def _sentences(text: str) -> SentenceIndex:
    spans = sentence_spans(text[:_MAX_CHARS])
    return _indexed(text, spans, headed=has_heading(text, spans))


def _lines(text: str) -> SentenceIndex:
    return _indexed(text, line_spans(text[:_MAX_CHARS]), headed=False)


def _indexed(text: str, spans: list[Span], *, headed: bool) -> SentenceIndex:
    if len(text) > _MAX_CHARS and text[_MAX_CHARS:].strip():
        spans = [*spans, (_MAX_CHARS, len(text))]
    read = [text[start:end] if start < _MAX_CHARS else "" for start, end in spans[headed:]]
    cut = [splitter().terms(sentence) for sentence in read]
    places: dict[str, dict[int, int]] = {}
    for place, terms in enumerate(cut):
        for term in terms:
            of_term = places.setdefault(term, {})
            of_term[place] = of_term.get(place, 0) + 1
    return SentenceIndex(
        text=text,
        spans=spans,
        headed=headed,
        places=places,
        sizes=[len(terms) for terms in cut],
        words=[f" {' '.join(_WORD.findall(sentence))} " for sentence in read],
        is_prose=2 * sum(bool(_ENDS_PROSE.search(sentence)) for sentence in read) >= len(read),
    )


def _size(index: SentenceIndex) -> int:
    return _BYTES_PER_TERM * sum(index.sizes) + 1000


_SENTENCES = Remembered(_sentences, _size, _REMEMBERED_BYTES)
_LINES = Remembered(_lines, _size, _REMEMBERED_BYTES)
