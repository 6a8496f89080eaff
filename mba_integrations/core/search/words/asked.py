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

from mba_integrations.core.search.terms import is_near_stop_word
from mba_integrations.core.search.words.languages import language_of
from mba_integrations.core.search.words.lexical_columns import LexicalColumns
from mba_integrations.core.search.words.spellings import can_be_misspelt

RESPELT_PART = 0.7
"""What a word counts that is met in its nearest spelling only."""
_MOST_RESPELT = 16
"""Words of a query, the first, whose nearest spelling is looked for."""


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
        part: What it counts.
    """

    text: str
    terms: tuple[AskedTerm, ...] = ()
    frequency: int = 0
    part: float = 1.0


def asked_words(
    words: Sequence[str], columns: LexicalColumns, languages: Sequence[int]
) -> tuple[AskedWord, ...]:
    """Words of a query that say something, each once; in their order.

    Args:
        words: The words.
        columns: Of the texts.
        languages: Codes of the languages of the texts, at least one.
    """
    language = language_of(words)
    found: dict[tuple[int, ...] | str, AskedWord] = {}
    tries = _MOST_RESPELT
    for word, terms, is_whole in _spelt(words, columns, language, languages):
        asked = _as_written(word, terms, columns, languages)
        if is_whole and tries and not asked.frequency and _may_be_slip(word, terms, language):
            tries -= 1
            asked = _nearest(word, terms, columns) or asked
        key: tuple[int, ...] | str = min(terms)
        if asked.terms:
            key = tuple(term.number for term in asked.terms)
        # As it is written a word counts in full, also where a slip before it means the same.
        if key not in found or asked.part > found[key].part:
            found[key] = asked
    return tuple(found.values())


def _spelt(
    words: Sequence[str], columns: LexicalColumns, language: int, languages: Sequence[int]
) -> Iterator[tuple[str, Mapping[str, frozenset[int]], bool]]:
    """Words with their terms and the languages of the texts in which each is their term; and
    whether they are words, not parts of an identifier."""
    splitter = columns.numbers.splitter
    for word in words:
        if language not in languages and not splitter.terms_in([word], language):
            continue
        cuts = {code: splitter.terms_in([word], code) for code in languages}
        if language in cuts and not cuts[language]:
            continue
        if all(len(cut) <= 1 for cut in cuts.values()):
            terms = _languages_of_terms(cuts)
            if terms:
                yield word, terms, True
        else:
            for term, codes in _languages_of_terms(cuts).items():
                yield term, {term: codes}, False


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
    languages: Sequence[int],
) -> AskedWord:
    met = []
    for term, codes in terms.items():
        number = columns.numbers.number(term)
        if number is not None and columns.has(number):
            met.append(AskedTerm(term, number, codes if len(codes) < len(languages) else None))
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
    return AskedWord(word, tuple(met), min(texts, columns.slots.size), part)
