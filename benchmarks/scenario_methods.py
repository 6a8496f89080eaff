"""Simple ways to choose, beside which the library is measured on scenarios.

Each ranks the items; units are taken in that order, a group as one, and what does not fit is
skipped. They write the same lines and headings as the library's default. The first item of a tier
pays for its heading.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.scenario_data import Choice, Scenario
from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import RenderingSettings
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.layout.renderer import Renderer

_COUNTER = counter_for_model("gpt-4o")
_LAYOUT = Renderer(RenderingSettings())
_K1, _B = 1.2, 0.75  # Robertson and Zaragoza (2009)
_WITHOUT_SPACES = r"\u3040-\u30ff\u3400-\u9fff"
_RUN = re.compile(rf"[^\W_{_WITHOUT_SPACES}]+|[{_WITHOUT_SPACES}]+")

Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores of items by id; those at or below the floor are never taken."""

    scores: Scores
    floor: float = -math.inf


Method = Callable[[Scenario], Ranking]


def words(text: str) -> list[str]:
    """Words in lower case; Chinese and Japanese as pairs of characters.

    >>> words("Port 8080, 大小上限")
    ['port', '8080', '大小', '小上', '上限']
    """
    found: list[str] = []
    for run in _RUN.findall(text.lower()):
        if re.match(f"[{_WITHOUT_SPACES}]", run):
            found += [run[at : at + 2] for at in range(len(run) - 1)] or [run]
        else:
            found.append(run)
    return found


def bm25(scenario: Scenario) -> Ranking:
    """BM25 over plain words, without stemming and stop words."""
    texts = {item.id: Counter(words(item.content)) for item in scenario.items}
    mean = sum(count.total() for count in texts.values()) / len(texts)
    containing = Counter(word for count in texts.values() for word in count)
    asked = set(words(scenario.query))

    def score(count: Counter[str]) -> float:
        norm = _K1 * (1.0 - _B + _B * count.total() / mean)
        return sum(
            _rarity(len(texts), containing[word]) * count[word] * (_K1 + 1.0) / (count[word] + norm)
            for word in asked & count.keys()
        )

    return Ranking({item_id: score(count) for item_id, count in texts.items()}, floor=0.0)


def _rarity(texts: int, containing: int) -> float:
    return math.log(1.0 + (texts - containing + 0.5) / (containing + 0.5))


def newest_first(scenario: Scenario) -> Ranking:
    """By time, then position; items without a time last."""
    order = sorted(
        scenario.items,
        key=lambda item: (
            item.created_at.timestamp() if item.created_at else -math.inf,
            item.position or 0.0,
        ),
    )
    return Ranking({item.id: float(place) for place, item in enumerate(order)})


def by_cosine(vectors: FloatArray, query: FloatArray) -> Method:
    """By cosine of unit vectors, shape (n, d) and (d,)."""
    cosine = np.asarray(vectors) @ np.asarray(query)
    return lambda scenario: Ranking(
        {item.id: float(value) for item, value in zip(scenario.items, cosine, strict=True)}
    )


def at_random(seed: int) -> Method:
    """A lot for each item."""

    def ranking(scenario: Scenario) -> Ranking:
        dice = random.Random(f"{scenario.id}/{seed}")
        return Ranking({item.id: dice.random() for item in scenario.items})

    return ranking


def line_tokens(scenario: Scenario) -> dict[str, int]:
    """Tokens of each item's line, by id."""
    counts = _LAYOUT.item_tokens(scenario.items, _COUNTER)
    return {item.id: tokens for item, tokens in zip(scenario.items, counts, strict=True)}


def filled(
    scenario: Scenario, ranking: Ranking, limit_tokens: int, tokens: Mapping[str, int]
) -> Choice:
    """What a ranking puts into so many tokens."""
    heading = dict(zip(MemoryTier, _LAYOUT.opening_tokens(scenario.items, _COUNTER), strict=True))
    taken: list[str] = []
    opened: set[MemoryTier] = set()
    used = 0
    for score, unit in _ranked_units(scenario, ranking.scores):
        if score <= ranking.floor:
            break
        tier = unit[0].tier
        cost = sum(tokens[item.id] for item in unit) + (0 if tier in opened else heading[tier])
        if used + cost <= limit_tokens:
            taken += [item.id for item in unit]
            opened.add(tier)
            used += cost
    ids = frozenset(taken)
    return Choice(ids=ids, whole=ids, used_tokens=used, tokens=tokens)


def _ranked_units(scenario: Scenario, scores: Scores) -> Sequence[tuple[float, list[MemoryItem]]]:
    """Groups and single items with the best of their scores, best first."""
    units: dict[tuple[str, str], list[MemoryItem]] = defaultdict(list)
    for item in scenario.items:
        units[("group", item.group) if item.group else ("item", item.id)].append(item)
    scored = [(max(scores[item.id] for item in unit), unit) for unit in units.values()]
    return sorted(scored, key=lambda entry: -entry[0])
