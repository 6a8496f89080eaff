"""Which settings are tried, and that every suggestion is valid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tuning_traffic import traffic, wrong_config
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import Feedback
from mba_integrations.learning.tuning.space import (
    SEARCHED,
    SearchSpace,
    changes_between,
    shipped,
)

RECORDS = traffic(3)


class Drawn:
    """Suggests what hypothesis draws."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.names: list[str] = []

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.names.append(name)
        found: float = self._data.draw(st.floats(low, high))
        return found

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        self.names.append(name)
        found: str = self._data.draw(st.sampled_from(choices))
        return found


class Given:
    """Suggests what it was given."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        assert low <= self._values[name] <= high
        return float(self._values[name])

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        assert self._values[name] in choices
        return str(self._values[name])


@given(st.data())
def test_every_suggestion_is_valid_and_changes_only_what_is_searched(data: st.DataObject) -> None:
    now = wrong_config()
    found = SearchSpace(now, RECORDS).suggested(Drawn(data))
    differing = {name for name, value in found if getattr(now, name) != value}
    assert differing <= set(SEARCHED)
    changes = json.loads(json.dumps(changes_between(now, found)))
    assert now.with_changes(**changes) == found


@pytest.mark.parametrize(
    "config", [wrong_config(), shipped(wrong_config())], ids=["now", "shipped"]
)
def test_settings_are_found_again_by_their_parameters(config: WorkspaceConfig) -> None:
    space = SearchSpace(wrong_config(), RECORDS)
    found = space.suggested(Given(space.of_settings(config)))
    for name in ("scoring_method", "half_life_days", "stability", "rag_memory_pct", "token_price"):
        assert getattr(found, name) == getattr(config, name)


def test_what_cannot_matter_is_not_tried() -> None:
    space = SearchSpace(wrong_config(), RECORDS)
    names = space.of_settings(wrong_config()).keys()
    assert "recent_share" not in names
    assert not any(name.startswith("multiplier") for name in names)
    assert "half_life_days_project" not in names


def test_a_half_life_of_a_tier_is_tried_where_it_ages() -> None:
    config = wrong_config().with_changes(tier_half_life_days={MemoryTier.LONG_TERM: 1.0})
    assert "half_life_days_long_term" in SearchSpace(config, RECORDS).of_settings(config)


def test_multipliers_are_tried_where_budgets_follow_from_them() -> None:
    records = [replace(one, budget_given=False) for one in RECORDS]
    names = SearchSpace(wrong_config(), records).of_settings(wrong_config())
    assert {f"multiplier_{level.value}" for level in QueryComplexity} <= names.keys()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("a", True, 0.5)], {"a": 0.5}, id="one-says-so"),
        pytest.param([("a", True, 0.5), ("a", True, 1.0)], {"a": 1.0}, id="at-most-one"),
        pytest.param([("a", True, 0.5), ("a", False, 0.5)], {}, id="for-and-against"),
        pytest.param([("a", True, 0.0)], {}, id="no-weight-says-nothing"),
        pytest.param([("a", None, 1.0)], {}, id="cannot-say"),
        pytest.param([(None, True, 1.0)], {}, id="the-whole-prompt-is-no-memory"),
        pytest.param([("a", False, 1.0)], {}, id="not-needed"),
    ],
)
def test_what_feedback_says_is_needed(
    rows: list[tuple[str | None, bool | None, float]], expected: dict[str, float]
) -> None:
    said = [
        Feedback(memory_id=one, useful=useful, origin="thumb", weight=weight)
        for one, useful, weight in rows
    ]
    assert needed_of(said) == expected
