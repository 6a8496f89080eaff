"""Of two statements about the same thing the newer one counts at least as much as the older one.

"The release is on Thursday" may match a question better than "new rhythm: on Wednesday from March
on", and be wrong. So where a statement is among the likeliest and a newer one says something else
of its subject, the newer one gets the probability of the older one. Nothing is taken from the older
one: two statements that only look alike both stay.

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
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, best_rows
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot

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
    r"|改为|改成|改到|现在|新的|不再|调整为|提高到|起生效|変更|新しい|今後|ではなく|延期|異動|이제|변경|새로운",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a text says, as far as it is compared.

    Attributes:
        terms: Its terms without numbers.
        weight: Sum of their rarity.
        numbers: Its numbers.
    """

    terms: frozenset[str]
    weight: float
    numbers: frozenset[str]


def successors(query: str, snapshot: PoolSnapshot, probability: FloatArray) -> dict[int, int]:
    """Rows of newer statements, each with the row of the likeliest one that it comes after.

    Args:
        query: What is asked.
        snapshot: The candidates.
        probability: That each is needed, shape (n,).
    """
    rows = _statements(snapshot, best_rows(probability, _NEWER))
    if len(rows) < 2:
        return {}
    asked = frozenset(snapshot.lexical.term_weights(query))
    created = snapshot.columns.created_seconds
    said = {row: _statement(snapshot, row) for row in rows}
    found: dict[int, int] = {}
    for older in rows[:_OLDER]:
        later = [row for row in rows if created[row] > created[older]]
        alike = {row: _subject(snapshot, row, older, said, asked) for row in later}
        newer = max(alike, key=lambda row: alike[row], default=older)
        if alike.get(newer, 0.0) > 0.0 and probability[newer] < probability[older]:
            found.setdefault(newer, older)
    return found


def with_successors(probability: FloatArray, found: Mapping[int, int]) -> FloatArray:
    """Probabilities in which a newer statement has at least that of the older one.

    >>> with_successors(np.array([0.4, 0.1]), {1: 0}).tolist()
    [0.4, 0.4]
    """
    result = probability.copy() if found else probability
    for newer, older in found.items():
        result[newer] = max(result[newer], probability[older])
    return result


def _statements(snapshot: PoolSnapshot, rows: IntArray) -> list[int]:
    """Rows of dated short texts that are no part of the conversation, in their order."""
    columns = snapshot.columns
    spoken = columns.tier[rows] == MemoryTier.WORKING.code
    dated = rows[~spoken & ~np.isnan(columns.created_seconds[rows])]
    return [row for row in dated.tolist() if len(snapshot.texts[row]) <= _MOST_CHARS]


def _statement(snapshot: PoolSnapshot, row: int) -> _Statement:
    text = snapshot.texts[row]
    weights = snapshot.lexical.term_weights(text)
    terms = frozenset(term for term in weights if not term[0].isdigit())
    return _Statement(
        terms, sum(weights[term] for term in sorted(terms)), frozenset(_NUMBER.findall(text))
    )


def _subject(
    snapshot: PoolSnapshot,
    newer: int,
    older: int,
    said: Mapping[int, _Statement],
    asked: frozenset[str],
) -> float:
    """How much of its subject a newer statement has in common with an older one, by rarity; 0 if
    it does not say something else of it."""
    new, old = said[newer], said[older]
    shared = new.terms & old.terms
    if len(shared) < _LEAST_SHARED or not shared & asked:
        return 0.0
    weight = sum(snapshot.lexical.term_weights(" ".join(sorted(shared))).values())
    is_note = snapshot.speakers.codes[newer] < 0
    if is_note and weight >= _CHANGED_SHARE * old.weight and _CHANGE.search(snapshot.texts[newer]):
        return weight
    differ = bool(new.numbers - old.numbers) and bool(old.numbers - new.numbers)
    is_same = differ and weight >= _SAME_SHARE * max(new.weight, old.weight)
    return weight if is_same else 0.0
