"""What an answer took from each text of a prompt, told by the words that they share.

Only words that the question has not said tell anything, and only those that say something. A word
counts by what it is and by how few of the texts have it:

    kind      1 for a number of two digits or more, and for a name: a word that begins with a
              capital letter in the answer and in the text; 0.5 for any other word
    rarity    inverse document frequency among the texts, over that of a word which one text has

    question  Where does Kate live?
    answer    Kate has been living in Lisbon since 2019.

    text                              shared beyond the question           strength
    Kate moved to Lisbon in 2019.     lisbon 1 * 0.48, 2019 1 * 1          1.48
    Tom visited Lisbon.               lisbon 1 * 0.48                      0.48
    Kate likes skiing.                                                     0

"Kate" and "living" are in the question; two of three texts have "Lisbon", and
log(1 + 1.5 / 2.5) / log(1 + 2.5 / 1.5) is 0.48.

>>> texts = ["Kate moved to Lisbon in 2019.", "Tom visited Lisbon.", "Kate likes skiing."]
>>> found = overlaps("Kate has been living in Lisbon since 2019.", "Where does Kate live?", texts)
>>> [round(one, 2) for one in found]
[1.48, 0.48, 0.0]

Linear in the length of question, answer and texts. A shared word is no proof: an answer may know it
from elsewhere. An answer that repeats what it read in other words, or in another language, shares
names and numbers at most. In scripts without spaces each pair of characters is a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mba_integrations.core.search.terms import TermSplitter, words_of
from mba_integrations.core.search.words.languages import language_of
from mba_integrations.core.search.words.lexical_columns import inverse_frequency

NAME_OR_NUMBER = 1.0
OTHER_WORD = 0.5
_SHORTEST_NUMBER = 2
"""Digits: one alone counts things, and stands in many texts."""


def overlaps(answer: str, question: str, texts: Sequence[str]) -> list[float]:
    """How much of what an answer says beyond its question is in each text, >= 0.

    Args:
        answer: What was answered.
        question: What was asked.
        texts: What the prompt had.

    Returns:
        For each text the sum over its terms that the answer has and the question has not of kind
        times rarity. 1 is a name or a number that no other text has; 0 nothing.
    """
    splitter = TermSplitter()
    asked = _terms(question, splitter)
    said = {term: strong for term, strong in _terms(answer, splitter).items() if term not in asked}
    shared = [_shared(_terms(text, splitter), said) for text in texts]
    holders = Counter(term for one in shared for term in one)
    rarities = {count: _rarity(count, len(texts)) for count in set(holders.values())}
    return [
        sum((kind * rarities[holders[term]] for term, kind in one.items()), 0.0) for one in shared
    ]


def _terms(text: str, splitter: TermSplitter) -> dict[str, bool]:
    """Terms of a text, and whether each is a name or a number somewhere in it."""
    words = words_of(text)
    language = language_of(words)
    found: dict[str, bool] = {}
    for word in dict.fromkeys(words):
        is_name = word[0].isupper()
        for term in splitter.terms_in([word], language):
            found[term] = found.get(term, False) or is_name or _is_number(term)
    return found


def _is_number(term: str) -> bool:
    return sum(map(str.isdigit, term)) >= _SHORTEST_NUMBER


def _shared(terms: Mapping[str, bool], said: Mapping[str, bool]) -> dict[str, float]:
    """What counts how much of the terms that both have."""
    return {
        term: NAME_OR_NUMBER if strong and said[term] else OTHER_WORD
        for term, strong in terms.items()
        if term in said
    }


def _rarity(count: int, texts: int) -> float:
    """Inverse document frequency of what so many of the texts have, over that of what one has."""
    return inverse_frequency(count, texts) / inverse_frequency(1, texts)
