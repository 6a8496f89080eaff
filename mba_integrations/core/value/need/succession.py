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
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot

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
    said = _Said(snapshot)
    found: dict[int, int] = {}
    for older, later in pairs.items():
        if asked.isdisjoint(said[older].terms):
            continue
        alike = {row: _subject(said[row], said[older], asked, says) for row, says in later.items()}
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
    changes = [snapshot.speakers.codes[row] < 0 and _says_change(texts[row]) for row in rows]
    numbers = [frozenset(_NUMBER.findall(texts[row])) for row in rows]
    pairs: dict[int, dict[int, bool]] = {}
    for old, older in enumerate(rows[:_OLDER]):
        for new, newer in enumerate(rows):
            differ = not (numbers[new] <= numbers[old] or numbers[old] <= numbers[new])
            if created[new] > created[old] and (changes[new] or differ):
                pairs.setdefault(older, {})[newer] = changes[new]
    return pairs


def _says_change(text: str) -> bool:
    # A pattern that ignores case takes five times as long as one for lower case.
    return bool(_CHANGE.search(text.lower()) or _CHANGE_UNSPACED.search(text))


class _Said(dict[int, _Statement]):
    """Statements by row, each made when it is first asked for."""

    def __init__(self, snapshot: PoolSnapshot) -> None:
        self._snapshot = snapshot

    def __missing__(self, row: int) -> _Statement:
        weights = self._snapshot.lexical.term_weights(self._snapshot.texts[row])
        terms = {term: weights[term] for term in sorted(weights) if not term[0].isdigit()}
        said = self[row] = _Statement(terms, sum(terms.values()))
        return said


def _subject(new: _Statement, old: _Statement, asked: Set[str], says_change: bool) -> float:
    """How much of its subject a newer statement has in common with an older one, by rarity; 0 if
    that is too little."""
    shared = new.terms.keys() & old.terms.keys()
    if len(shared) < _LEAST_SHARED or shared.isdisjoint(asked):
        return 0.0
    weight = sum(old.terms[term] for term in sorted(shared))
    least = _SAME_SHARE * max(new.weight, old.weight)
    if says_change:
        least = _CHANGED_SHARE * old.weight
    return weight if weight >= least else 0.0
