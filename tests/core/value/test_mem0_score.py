"""Freshness and the Mem0 scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.errors import ConfigError
from mba_integrations.core.value.freshness import decayed_freshness
from mba_integrations.core.value.mem0_score import product, weighted_sum

units = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("age_days", "half_life_days", "expected"),
    [
        pytest.param(0.0, 30.0, 1.0, id="new"),
        pytest.param(30.0, 30.0, 0.5, id="one-half-life"),
        pytest.param(90.0, 30.0, 0.125, id="three-half-lives"),
        pytest.param(-5.0, 30.0, 1.0, id="from-the-future"),
        pytest.param(1e9, float("inf"), 1.0, id="never-ages"),
        pytest.param(float("inf"), float("inf"), 1.0, id="ageless-and-never-ages"),
        pytest.param(float("inf"), 30.0, 0.0, id="infinitely-old"),
    ],
)
def test_freshness_decays(age_days: float, half_life_days: float, expected: float) -> None:
    freshness = decayed_freshness(np.array([age_days]), half_life_days=half_life_days)
    assert freshness.tolist() == [expected]


def test_half_life_may_differ_by_item() -> None:
    half_lives = np.array([10.0, np.inf, 20.0])
    freshness = decayed_freshness(np.full(3, 20.0), half_life_days=half_lives)
    assert freshness.tolist() == [0.25, 1.0, 0.5]


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")], ids=["zero", "negative", "nan"])
def test_half_life_that_is_not_positive_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match=r"half_life_days is .* must be positive") as caught:
        decayed_freshness(np.zeros(2), half_life_days=np.array([30.0, wrong]))
    assert caught.value.key == "half_life_days"


@given(st.floats(-1e6, 1e9), st.floats(1e-3, 1e6))
def test_freshness_stays_in_zero_to_one(age_days: float, half_life_days: float) -> None:
    value = decayed_freshness(np.array([age_days]), half_life_days=half_life_days)[0]
    assert 0.0 <= value <= 1.0


@given(units, units, units, units, units)
def test_scores_stay_in_zero_to_one(r: float, i: float, f: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    columns = [np.array([value]) for value in (r, i, f)]
    total = weighted_sum(
        *columns, relevance_weight=low, importance_weight=high - low, freshness_weight=1.0 - high
    )[0]
    assert min(r, i, f) - 1e-9 <= total <= max(r, i, f) + 1e-9
    assert 0.0 <= total <= 1.0
    assert product(*columns)[0] == pytest.approx(r * i * f)


def test_each_weight_belongs_to_its_signal() -> None:
    columns = (np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))
    total = weighted_sum(
        *columns, relevance_weight=0.5, importance_weight=0.3, freshness_weight=0.2
    )
    assert total.tolist() == [0.5, 0.3, 0.2]
