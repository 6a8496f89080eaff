"""Where the terms of a text stand, sentence by sentence.

Made once for a text and remembered, since the same texts are candidates again and again; cut into
terms when one is first asked for, since most of them are looked at for the number of their
sentences alone. Only what may stand alone counts as a sentence: a heading goes with each of them.

>>> index = index_of("Oslo\\nThe harbour froze. The harbour opened in May.")
>>> len(index), index.places_of("harbour"), index.shown([1])
(2, {0: 1, 1: 1}, 'Oslo\\n[…] The harbour opened in May.')
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from types import MappingProxyType

from mba_integrations.core.derived import Remembered
from mba_integrations.core.search.sentences.spans import (
    Span,
    excerpt,
    has_heading,
    line_spans,
    most_sentences,
    places_in,
    sentence_spans,
)
from mba_integrations.core.search.terms import TermSplitter

_ENDS_PROSE = re.compile(r"[.!?…。！？][\"'”’)\]」』）]*$")
_WORD = re.compile(r"\w+")
_REMEMBERED_BYTES = 48 * 2**20
"""About 8,000 paragraphs."""
_BYTES_PER_CHAR = 8
_BYTES_PER_OTHER_CHAR = 40
"""Of a text whose terms may be pairs of its characters."""
_MAX_CHARS = 50_000
"""How much of a text is read; the rest is one sentence without terms."""
_NOWHERE: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True)
class SentenceIndex:
    """The sentences of a text and the terms of each.

    Attributes:
        text: The text.
        spans: Its spans; the first is a heading where `headed`.
        headed: Whether a heading goes with whatever is shown.
    """

    text: str
    spans: Sequence[Span]
    headed: bool

    def __len__(self) -> int:
        return len(self.spans) - self.headed

    @cached_property
    def sizes(self) -> Sequence[int]:
        """Terms of each sentence."""
        return [len(terms) for terms in self._terms]

    @cached_property
    def words(self) -> Sequence[str]:
        """Words of each sentence as they are written, between spaces."""
        return [f" {' '.join(_WORD.findall(sentence))} " for sentence in self._read()]

    @cached_property
    def is_prose(self) -> bool:
        """Whether most sentences end as sentences do."""
        ends = sum(bool(_ENDS_PROSE.search(sentence)) for sentence in self._read())
        return 2 * ends >= len(self)

    def places_of(self, term: str) -> Mapping[int, int]:
        """How often a term stands in each sentence that has it."""
        if term not in self._all_terms:
            return _NOWHERE
        counts = [terms.count(term) for terms in self._terms]
        return {place: count for place, count in enumerate(counts) if count}

    def _read(self) -> list[str]:
        """The sentences as far as they are read."""
        return [
            self.text[start:end] if start < _MAX_CHARS else ""
            for start, end in self.spans[self.headed :]
        ]

    @cached_property
    def _terms(self) -> Sequence[Sequence[str]]:
        return [splitter().terms(sentence) for sentence in self._read()]

    @cached_property
    def _all_terms(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(self._terms))

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


def at_most(text: str) -> int:
    """No fewer sentences than `index_of` has, at a hundredth of its price."""
    return most_sentences(text) + (len(text) > _MAX_CHARS)


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
    return SentenceIndex(text, spans, headed)


def _size(index: SentenceIndex) -> int:
    """Bytes with all that may be asked for."""
    per_char = _BYTES_PER_CHAR if index.text.isascii() else _BYTES_PER_OTHER_CHAR
    return per_char * len(index.text) + 300 * len(index.spans) + 500


_SENTENCES = Remembered(_sentences, _size, _REMEMBERED_BYTES)
_LINES = Remembered(_lines, _size, _REMEMBERED_BYTES)
