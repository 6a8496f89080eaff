"""Which language a text is in, its stop words and its stemmer; found by counting, without a model.

The first words of a text are looked up among the stop words of fourteen languages. The language of
most hits has the text if two of its words are hits, an eighth of all, and more than are English;
where some are English it takes three, since "door of" is two words of Dutch. Else the text is
English, which is also what identifiers, lists and single words are taken for. Of languages that are
written in a script of their own the first letter decides. Words are compared without accents, since
many type none.

"Wo ist der Schlüssel" has three hits in German ("wo", "ist", "der") and none in English:

>>> LANGUAGES[language_of("Wo ist der Schlüssel".split())], LANGUAGES[language_of(["Schlüssel"])]
('german', 'english')

The hits of all languages are one number, a byte for each language, so a word costs one look-up and
one addition: 4 microseconds for a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module, resources

from mba_integrations.core.search.words.accents import without_latin_accents

_ENGLISH_WORDS = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could d did do does doing don down during each few for from
further had has have having he her here hers herself him himself his how i if in into is it its
itself just ll m me more most my myself no nor not now of off on once only or other our ours
ourselves out over own re s same she should so some such t than that the their theirs them
themselves then there these they this those through to too under until up ve very was we were
what when where which while who whom whose why will with would you your yours yourself
yourselves arent im ive id dont didnt doesnt isnt wasnt cant couldnt wouldnt thats whats theres
youre theyre weve theyve wont wouldve hes shes
"""
STOP_WORDS = frozenset(_ENGLISH_WORDS.split())
"""The English ones."""
_LISTED = (
    *("spanish", "french", "german", "portuguese", "italian", "russian", "dutch", "turkish"),
    *("swedish", "danish", "norwegian", "finnish", "hungarian"),
)
"""Those that have a list; of two with as many hits the one that is named first is taken."""
_OF_SCRIPTS = {
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "russian": "\u0400-\u052f",
    "armenian": "\u0531-\u058f",
    "arabic": "\u0600-\u06ff",
    "hindi": "\u0900-\u097f",
    "tamil": "\u0b80-\u0bff",
}
LANGUAGES = ("english", *_LISTED, *(name for name in _OF_SCRIPTS if name not in _LISTED))
"""Names of the languages by their codes; those of Snowball."""
ENGLISH = 0
_SCRIPTS = [
    (re.compile(f"[{letters}]"), LANGUAGES.index(name)) for name, letters in _OF_SCRIPTS.items()
]
_WORDS_READ = 64
"""Of a text, the first; a byte counts to 255."""
_LEAST_HITS = 2
_LEAST_BESIDE_ENGLISH = 3
_LEAST_SHARE = 1 / 8
"""Running text has a third or more; names and titles in a text of another language have less."""


def language_of(words: Sequence[str]) -> int:
    """Code of the language of a text, by its first words."""
    read = " ".join(words[:_WORDS_READ]).lower()
    parts = read.replace("'", " ").split()
    total = sum(filter(None, map(_hits().get, parts[:_WORDS_READ])))
    if total > 0xFF:  # else all hits are in English, whose byte is the lowest
        hits = total.to_bytes(len(LANGUAGES), "little")
        most = max(hits)
        fewest = _LEAST_BESIDE_ENGLISH if hits[ENGLISH] else _LEAST_HITS
        least = max(fewest, min(len(parts), _WORDS_READ) * _LEAST_SHARE)
        if most >= least and most > hits[ENGLISH]:
            return hits.index(most)
    return ENGLISH if total & 0xFF or read.isascii() else _by_script(read)


def _by_script(text: str) -> int:
    """The language that is written in the script of a text's first word that is not Latin."""
    found = [(met.start(), code) for script, code in _SCRIPTS if (met := script.search(text))]
    return min(found)[1] if found else ENGLISH


@cache
def _hits() -> dict[str, int]:
    """For each stop word a number with a 1 in the byte of each language that has it."""
    hits: dict[str, int] = {}
    for code in range(len(LANGUAGES)):
        for word in _written(code) | stop_words(code):
            # One letter without a mark is as often a name in code, or an initial.
            if len(word) > 1 or code == ENGLISH or not word.isascii():
                hits[word] = hits.get(word, 0) + (1 << 8 * code)
    return hits


@cache
def stop_words(language: int) -> frozenset[str]:
    """Stop words of a language, in lower case and without accents; none where there is no list."""
    return frozenset(without_latin_accents(word) for word in _written(language))


def _written(language: int) -> frozenset[str]:
    return STOP_WORDS if language == ENGLISH else _lists().get(LANGUAGES[language], frozenset())


@cache
def _lists() -> dict[str, frozenset[str]]:
    file = resources.files("mba_integrations.core.search.words") / "stop_words.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    return {name: frozenset(words.split()) for name, _, words in pairs}


@cache
def stemmer(language: int) -> Callable[[str], str]:
    """From a word in lower case to its stem."""
    stemmers = import_module("Stemmer")  # a compiled extension; imported when first needed
    stem: Callable[[str], str] = stemmers.Stemmer(LANGUAGES[language]).stemWord
    return stem
