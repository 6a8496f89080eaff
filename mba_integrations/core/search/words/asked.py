"""The words of a query as they are met in texts of several languages.

A text is cut into terms by the rules of its own language, so each word of a query is cut by the
rules of every language that a text of the pool is in: "Häuser" is "haus" in German texts and
"hauser" in English ones, and is looked for as the one in these and as the other in those. What says
nothing in the query's language is no word of it. In a pool of one language there is one term.

A word that is met nowhere is taken in its nearest spelling (see `spellings`), for less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mba_integrations.core.search.terms import TermSplitter, is_near_stop_word
from mba_integrations.core.search.words.languages import language_of
from mba_integrations.core.search.words.lexical_columns import LexicalColumns
from mba_integrations.core.search.words.spellings import can_be_misspelt

RESPELT_PART = 0.7
"""What a word counts that is met in its nearest spelling only."""
_MOST_RESPELT = 16
"""Words of a query, the first, whose nearest spelling is looked for."""
_MOST_KNOWN = 16_384
"""Words that are known once they are met, at most 12 MB."""


@dataclass(frozen=True, slots=True)
class AskedTerm:
    """A term that texts are compared with.

    Attributes:
        text: The term.
        number: Its number.
        languages: Codes of the languages of the texts that it is looked for in; None for all.
    """

    text: str
    number: int
    languages: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of a query.

    Attributes:
        text: How the query writes it, or the term of a word that has several.
        terms: What it is in the languages of the texts; none if no text has it.
        frequency: Texts that have it.
        rarity: Inverse document frequency.
        part: What it counts.
        weight: Rarity times part.
    """

    text: str
    terms: tuple[AskedTerm, ...]
    frequency: int
    rarity: float
    part: float
    weight: float


_Means = tuple[int, ...] | str
"""What tells words apart: the numbers of their terms; of one that no text has, a term."""


class AskedWords:
    """Finds the words of queries in texts. A word that it has met it knows the next time.

    Args:
        columns: Of the texts.
        languages: Codes of the languages of the texts, at least one.
    """

    def __init__(self, columns: LexicalColumns, languages: Sequence[int]) -> None:
        self._columns, self._languages = columns, languages
        self._known: dict[int, dict[str, tuple[tuple[_Means, AskedWord], ...]]] = {}

    def of(self, words: Sequence[str], language: int | None = None) -> tuple[AskedWord, ...]:
        """Words of a query that say something, each once; in their order.

        Args:
            words: The words.
            language: Code of their language; None where it is to be found.
        """
        if language is None:
            language = language_of(words)
        known = self._known.setdefault(language, {})
        tries = iter(range(_MOST_RESPELT))
        found: dict[_Means, AskedWord] = {}
        for word in dict.fromkeys(words):
            asked = known.get(word)
            if asked is None:
                asked = tuple(self._looked_up(word, language, tries))
                # What no text has may never be asked for again.
                if len(known) < _MOST_KNOWN and all(_is_met(one) for _, one in asked):
                    known[word] = asked
            for means, one in asked:
                # As it is written a word counts in full, also where a slip before it means the
                # same.
                if found.setdefault(means, one).part < one.part:
                    found[means] = one
        return tuple(found.values())

    def _looked_up(
        self, word: str, language: int, tries: Iterator[int]
    ) -> Iterator[tuple[_Means, AskedWord]]:
        """What a word of a query is; nothing if it says nothing in the query's language."""
        columns = self._columns
        cuts = _cuts(word, columns.numbers.splitter, language, self._languages)
        for text, terms, is_whole in _spelt(word, cuts):
            asked = _as_written(text, terms, columns, len(self._languages))
            may_be_slip = is_whole and not asked.terms and _may_be_slip(word, terms, language)
            if may_be_slip and next(tries, None) is not None:
                asked = _nearest(word, terms, columns) or asked
            yield tuple([term.number for term in asked.terms]) or min(terms), asked


def _is_met(asked: AskedWord) -> bool:
    """Whether a text has a word as it is written."""
    return bool(asked.terms) and asked.part == 1.0


def _spelt(
    word: str, cuts: Mapping[int, Sequence[str]]
) -> Iterator[tuple[str, Mapping[str, frozenset[int]], bool]]:
    """A word with its terms and the languages of the texts in which each is its term, or several
    parts of an identifier; and whether it is a word."""
    terms = _languages_of_terms(cuts)
    if any(len(cut) > 1 for cut in cuts.values()):
        for term, codes in terms.items():
            yield term, {term: codes}, False
    elif terms:
        yield word, terms, True


def _cuts(
    word: str, splitter: TermSplitter, language: int, languages: Sequence[int]
) -> Mapping[int, Sequence[str]]:
    """Terms of a word in each of the languages; none if it has none in its own."""
    if language not in languages and not splitter.terms_in([word], language):
        return {}
    cuts = {code: splitter.terms_in([word], code) for code in languages}
    return {} if language in cuts and not cuts[language] else cuts


def _languages_of_terms(cuts: Mapping[int, Sequence[str]]) -> dict[str, frozenset[int]]:
    terms: dict[str, frozenset[int]] = {}
    for code, cut in cuts.items():
        for term in cut:
            terms[term] = terms.get(term, frozenset()) | {code}
    return terms


def _as_written(
    word: str,
    terms: Mapping[str, frozenset[int]],
    columns: LexicalColumns,
    languages: int,
) -> AskedWord:
    """What a word is in texts of so many languages."""
    met = []
    for term, codes in terms.items():
        number = columns.numbers.number(term)
        if number is not None and columns.has(number):
            met.append(AskedTerm(term, number, codes if len(codes) < languages else None))
    return _asked(word, met, columns)


def _may_be_slip(word: str, terms: Mapping[str, frozenset[int]], language: int) -> bool:
    """Whether a word that no text has may be another one that is written wrongly."""
    return all(map(can_be_misspelt, terms)) and not is_near_stop_word(word, language)


def _nearest(
    word: str, terms: Mapping[str, frozenset[int]], columns: LexicalColumns
) -> AskedWord | None:
    for term in terms:
        number = columns.numbers.nearest(term, frequencies=columns.frequencies)
        if number is not None:
            meant = columns.numbers.term(number)
            met = [AskedTerm(meant, number, None)]
            return _asked(f"{word} ~ {meant}", met, columns, part=RESPELT_PART)
    return None


def _asked(
    word: str, met: Sequence[AskedTerm], columns: LexicalColumns, *, part: float = 1.0
) -> AskedWord:
    texts = sum(int(columns.frequencies[term.number]) for term in met)
    frequency = min(texts, columns.text_count)
    rarity = columns.rarity(frequency)
    return AskedWord(word, tuple(met), frequency, rarity, part, part * rarity)
