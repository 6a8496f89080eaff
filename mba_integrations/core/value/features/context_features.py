"""Features of who says an item, and of the time that the question asks for.

Every feature has shape (n,) and is finite. Items without a speaker or a date have 0 in the features
that need it, so they are neither helped nor harmed. O(n).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, nothing
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.search.speaker_names import (
    ANSWERER_ROLES,
    ASKER_ROLES,
    is_role,
    name_before_colon,
    words_of_name,
)
from mba_integrations.core.times import SECONDS_PER_DAY
from mba_integrations.core.value.asked_time import asked_time
from mba_integrations.core.value.features.match_features import Features
from mba_integrations.core.value.question import Question

_NEAR_PERIOD_DAYS = 7.0
_MAX_PERIODS = 50
_MAX_YEARS = 10
_FAR_FUTURE_SECONDS = 4e9  # the year 2096; calendars end before floats do
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|i'd|me|my|mine|we|our)\b", re.I)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours)\b", re.I)
_WHEN = re.compile(
    r"\b(?:when|how long|how old|how soon|what (?:date|day|time|year|month))\b", re.I
)
_MAX_CUE_CHARS = 20_000


def context_features(
    question: Question, corpus: Corpus, strength: FloatArray, freshness: FloatArray
) -> Features:
    """Features of every item.

    Args:
        question: The question.
        corpus: The candidates.
        strength: How well each item matches by itself, shape (n,), in [0, 1].
        freshness: Shape (n,), in [0, 1].
    """
    text = question.text[:_MAX_CUE_CHARS]
    return {
        "freshness": np.asarray(freshness, dtype=np.float64) - 0.5,
        **_speaker_features(text, corpus),
        **_time_features(question, corpus, strength),
    }


def _speaker_features(text: str, corpus: Corpus) -> Features:
    """The query is about a speaker whom it names, or about the asker ("my") or answerer ("you")."""
    names = [name.lower() for name in corpus.speaker_names]
    # A line of the talk itself, "Kate: I am tired.", is said by Kate, and asks for nothing of hers.
    said_by = name_before_colon(text)
    if said_by is not None and said_by.lower() in names:
        text = re.split("[:：]", text, maxsplit=1)[1]
    words = set(re.findall(r"\w+", text.lower()))
    asker, answerer = bool(_FIRST_PERSON.search(text)), bool(_SECOND_PERSON.search(text))
    meant = [
        _is_named(name, words)
        or (asker and name in ASKER_ROLES)
        or (answerer and name in ANSWERER_ROLES)
        for name in names
    ]
    # Where nobody is meant, nobody is another: else every item would be lowered alike.
    is_somebody = any(meant)
    others = [is_somebody and not one for one in meant]
    return {
        "speaker_meant": _by_speaker(corpus, meant),
        "other_speaker_meant": _by_speaker(corpus, others),
        "asker_role": _by_speaker(corpus, [name in ASKER_ROLES for name in names]),
    }


def _is_named(name: str, words: set[str]) -> bool:
    return not is_role(name) and any(part in words for part in words_of_name(name))


def _by_speaker(corpus: Corpus, values: list[bool]) -> FloatArray:
    if True not in values:
        return nothing(len(corpus.speaker))
    # Code -1, no speaker, reads the 0 at the end.
    return np.array([*values, False], dtype=np.float64)[np.asarray(corpus.speaker, dtype=np.int64)]


def _time_features(question: Question, corpus: Corpus, strength: FloatArray) -> Features:
    created = np.asarray(corpus.created_seconds, dtype=np.float64)
    dated = np.isfinite(created)
    zero = nothing(len(created))
    if not dated.any():
        return {"near_period": zero, "latest_asked": zero, "first_asked": zero}
    known = created if dated.all() else created[dated]
    asked = asked_time(question.text, now_seconds=question.now_seconds, years=_years(known))
    features: Features = {"near_period": zero, "latest_asked": zero, "first_asked": zero}
    if asked.periods:
        days = _days_from_periods(created, asked.periods)
        features["near_period"] = np.where(dated, np.exp(-days / _NEAR_PERIOD_DAYS), 0.0)
    if asked.latest or asked.first:
        newer = (_age_rank(created, dated) - 0.5) * strength
        features |= {"latest_asked": newer} if asked.latest else {"first_asked": -newer}
    return features


def _years(created: FloatArray) -> tuple[int, ...]:
    ends = np.clip([created.min(), created.max()], 0.0, _FAR_FUTURE_SECONDS)
    low, high = (datetime.fromtimestamp(float(end), UTC).year for end in ends)
    return tuple(range(max(low, high - _MAX_YEARS), high + 1))


def _age_rank(created: FloatArray, dated: BoolArray) -> FloatArray:
    """Place in time, from 0 for the oldest to 1 for the newest; 0.5 for items without a date."""
    low, high = float(created[dated].min()), float(created[dated].max())
    if high <= low:
        return np.full(len(created), 0.5)
    return np.where(dated, (created - low) / (high - low), 0.5)


def _days_from_periods(created: FloatArray, periods: tuple[tuple[float, float], ...]) -> FloatArray:
    distance = np.full(len(created), np.inf)
    for start, end in periods[:_MAX_PERIODS]:
        outside = np.maximum(np.maximum(start - created, created - end), 0.0)
        distance = np.fmin(distance, outside / SECONDS_PER_DAY)
    return distance
