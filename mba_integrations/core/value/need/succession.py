"""Of two statements about the same thing the newer one counts more than the older one.

"The release is on Thursday" may match a question better than "new rhythm: on Wednesday from March
on", and be wrong. So where a statement is among the likeliest and a newer one says something else
of its subject, the newer one gets the probability of the older one. The older one keeps most of its
own, `OLDER_PART`: two statements that only look alike both stay where there is room, and where
there is not, the older one does not come in alone for being a few tokens shorter.

A newer one says something else of the same subject if both have at least two words in common, one
of them of the question, and

- it is a note, not a message of somebody, and says that something has changed ("from now on", "no
  longer", "moved"; eleven languages), or
- they have nearly all words in common, and numbers that the other one does not have.

Of several newer ones the one with most words in common is meant. Texts of more than 600 characters
are no statements; the conversation and items without a date stand apart. The likeliest 8 are
compared with the likeliest 48, so the cost does not grow with the pool.

Messages say "now" and "new" all the time: with them, recall at 512 tokens fell by 0.9 points on
realtalk and by 0.5 on beam-100k.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, best_rows
from mba_integrations.core.derived import Remembered
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.lexical import LexicalIndex

OLDER_PART = 0.8
"""What of its probability a statement keeps after which a newer one comes. From 0.8 to 0.4 the same
items come in on a hundred situations made by hand."""
_OLDER = 8
_NEWER = 48
_MOST_CHARS = 600
_LEAST_SHARED = 2
_CHANGED_SHARE = 0.1
"""Part of the older one's words, by rarity, that one that says what changed has too."""
_SAME_SHARE = 0.6
"""The same of both for one that does not say so."""
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_CHANGE = re.compile(
    r"\b(?:from now on|now|new|no longer|not any ?more|instead|as of|until further notice"
    r"|changed?|changes|moved?|moves|updated?|postponed|corrected|correction|replace[ds]?"
    r"|ab sofort|jetzt|nun|neue[rmns]?|neu|nicht mehr|kein\w* mehr|statt(?:dessen)?|geändert"
    r"|verlegt|verschoben|ersetzt|désormais|dorénavant|maintenant|nouve(?:au|lle)s?|changé|déplacé"
    r"|reporté|au lieu|ahora|nuev[oa]s?|ya no|cambi(?:ado|an|a|ó)|traslad(?:ado|a|ó)|aplazad[oa]"
    r"|en lugar de|adesso|nuov[oaie]|non più|cambiat[oaie]|spostat[oaie]|invece|d'ora in poi|agora"
    r"|nov[oa]s?|já não|mud(?:ou|ado)|alterad[oa]|adiad[oa]|em vez de|voortaan|nieuwe?|niet meer"
    r"|gewijzigd|verplaatst|теперь|нов(?:ый|ая|ое|ые)|больше не|перенес\w*|измен\w*|вместо)\b"
)
_CHANGE_UNSPACED = re.compile(
    r"改为|改成|改到|现在|新的|不再|调整为|提高到|起生效|変更|新しい|今後|ではなく|延期|異動|이제|변경|새로운"
)


_REMEMBERED_BYTES = 8 * 2**20
"""Of signs, at 1 kB a text: the same items are among the likeliest again and again."""
_SAID_BESIDE, _SAID_PART = 64, 1 / 32
"""Statements that are kept with a pool: so many, and a part of its items. At 1.4 kB each that is
45 bytes an item."""


@dataclass(frozen=True, slots=True)
class _Signs:
    """What shows that a text may say something else than an older one.

    Attributes:
        changes: Whether it says that something has changed.
        numbers: Numbers in it.
    """

    changes: bool
    numbers: frozenset[str]

    def differ_from(self, other: _Signs) -> bool:
        """Whether each text has a number that the other one does not have."""
        return not (self.numbers <= other.numbers or other.numbers <= self.numbers)


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a text says, as far as it is compared.

    Attributes:
        terms: Rarity of its terms without numbers.
        weight: Sum of them.
    """

    terms: Mapping[str, float]
    weight: float


def successors(query: str, snapshot: PoolSnapshot, probability: FloatArray) -> dict[int, int]:
    """Rows of newer statements, each with the row of the likeliest one that it comes after.

    Args:
        query: What is asked.
        snapshot: The candidates.
        probability: That each is needed, shape (n,).
    """
    pairs = _pairs(snapshot, _statements(snapshot, best_rows(probability, _NEWER)))
    if not pairs:
        return {}
    asked = snapshot.lexical.term_weights(query).keys()
    said = _said_of(snapshot)
    found: dict[int, int] = {}
    for older, later in pairs.items():
        old = said[older]
        of_both = asked & old.terms.keys()
        if not of_both:
            continue
        alike = {row: _subject(said[row], old, of_both, says) for row, says in later.items()}
        newer = max(alike, key=lambda row: alike[row])
        if alike[newer] > 0.0 and probability[newer] < probability[older]:
            found.setdefault(newer, older)
    return found


def with_successors(probability: FloatArray, found: Mapping[int, int]) -> FloatArray:
    """Probabilities in which a newer statement has at least that of the older one, and the older
    one a part of it.

    >>> with_successors(np.array([0.4, 0.1]), {1: 0}).round(2).tolist()
    [0.32, 0.4]
    """
    result = probability.copy() if found else probability
    for newer, older in found.items():
        result[newer] = max(result[newer], probability[older])
    result[sorted(set(found.values()))] *= OLDER_PART
    return result


def _statements(snapshot: PoolSnapshot, rows: IntArray) -> list[int]:
    """Rows of dated short texts that are no part of the conversation, in their order."""
    columns = snapshot.columns
    spoken = columns.tier[rows] == MemoryTier.WORKING.code
    dated = rows[~spoken & ~np.isnan(columns.created_seconds[rows])]
    return [row for row in dated.tolist() if len(snapshot.texts[row]) <= _MOST_CHARS]


def _pairs(snapshot: PoolSnapshot, rows: Sequence[int]) -> dict[int, dict[int, bool]]:
    """The likeliest rows, each with the newer ones that may say something else, and whether these
    say that something has changed; found without a term, since most texts are ruled out by it."""
    created, texts = snapshot.columns.created_seconds[rows].tolist(), snapshot.texts
    signs = [_SIGNS.of(texts[row]) for row in rows]
    spoken = (snapshot.speakers.codes[rows] >= 0).tolist()
    # A text without a number has none that the other one does not have.
    newer = [
        (row, created[place], signs[place], signs[place].changes and not spoken[place])
        for place, row in enumerate(rows)
        if signs[place].numbers or (signs[place].changes and not spoken[place])
    ]
    pairs: dict[int, dict[int, bool]] = {}
    for older, since, old in zip(rows[:_OLDER], created, signs, strict=False):
        later = {
            row: changes
            for row, at, new, changes in newer
            if at > since and (changes or new.differ_from(old))
        }
        if later:
            pairs[older] = later
    return pairs


def _says_change(text: str) -> bool:
    # A pattern that ignores case takes five times as long as one for lower case.
    return bool(_CHANGE.search(text.lower()) or _CHANGE_UNSPACED.search(text))


def _signs_of(text: str) -> _Signs:
    return _Signs(_says_change(text), frozenset(_NUMBER.findall(text)))


def _bytes_of(signs: _Signs) -> int:
    return 300 + 80 * len(signs.numbers)


_SIGNS = Remembered(_signs_of, _bytes_of, _REMEMBERED_BYTES)


class _Said(dict[int, _Statement]):
    """Statements by row, each made when it is asked for; some are kept."""

    def __init__(self, lexical: LexicalIndex) -> None:
        self._lexical = lexical
        self._most = _SAID_BESIDE + int(_SAID_PART * len(lexical))

    def __missing__(self, row: int) -> _Statement:
        if len(self) >= self._most:
            self.clear()
        weights = self._lexical.term_weights_of(row)
        terms = {term: weights[term] for term in sorted(weights) if not term[0].isdigit()}
        said = self[row] = _Statement(terms, sum(terms.values()))
        return said


def _said_of(snapshot: PoolSnapshot) -> _Said:
    known: _Said | None = snapshot.derived.get("said")
    if known is None:
        known = snapshot.derived["said"] = _Said(snapshot.lexical)
    return known


def _subject(new: _Statement, old: _Statement, of_both: Set[str], says_change: bool) -> float:
    """How much of its subject a newer statement has in common with an older one, by rarity; 0 if
    that is too little.

    Args:
        new: The newer one.
        old: The older one.
        of_both: Terms that the older one and the question have.
        says_change: Whether the newer one says that something has changed.
    """
    if new.terms.keys().isdisjoint(of_both):
        return 0.0
    shared = new.terms.keys() & old.terms.keys()
    if len(shared) < _LEAST_SHARED:
        return 0.0
    weight = sum(old.terms[term] for term in sorted(shared))
    least = _SAME_SHARE * max(new.weight, old.weight)
    if says_change:
        least = _CHANGED_SHARE * old.weight
    return weight if weight >= least else 0.0
