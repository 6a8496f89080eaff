"""The interval over sessions, beside one that is drawn in a loop, and how often it is right."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mba_integrations.core.arrays import FloatArray
from mba_integrations.learning.gate import bootstrap
from mba_integrations.learning.gate.bootstrap import interval


def ratio(sums: FloatArray) -> FloatArray:
    return np.asarray(sums[:, 0] / sums[:, 1])


def sessions_of(seed: int, count: int) -> FloatArray:
    """Sums of sessions whose ratio is 0.5 in the mean; sessions differ in size and in ratio."""
    lots = np.random.default_rng(seed)
    size = lots.integers(5, 40, count).astype(float)
    return np.stack([size * lots.beta(4, 4, count), size], axis=1)


def by_loop(sessions: FloatArray, rounds: int, seed: int) -> tuple[float, float]:
    lots = random.Random(seed)
    rows = [(float(above), float(below)) for above, below in sessions]
    found = []
    for _ in range(rounds):
        drawn = [lots.choice(rows) for _ in rows]
        found.append(sum(one[0] for one in drawn) / sum(one[1] for one in drawn))
    found.sort()
    return found[int(0.025 * rounds)], found[int(0.975 * rounds)]


def test_interval_is_that_of_a_loop() -> None:
    sessions = sessions_of(3, 25)
    found = interval(sessions, ratio, rounds=20_000)
    low, high = by_loop(sessions, 20_000, seed=5)
    width = high - low
    assert found.low == pytest.approx(low, abs=0.03 * width)
    assert found.high == pytest.approx(high, abs=0.03 * width)
    assert found.value == pytest.approx(sessions[:, 0].sum() / sessions[:, 1].sum())


def test_ninety_five_percent_intervals_hold_the_truth_about_as_often() -> None:
    held = 0
    for seed in range(400):
        found = interval(sessions_of(seed, 40), ratio, seed=seed, rounds=600)
        held += found.low <= 0.5 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_equal_seeds_give_equal_intervals() -> None:
    sessions = sessions_of(1, 30)
    assert interval(sessions, ratio, seed=7) == interval(sessions, ratio, seed=7)
    assert interval(sessions, ratio, seed=7) != interval(sessions, ratio, seed=8)


def test_one_session_gives_its_own_figure() -> None:
    found = interval(np.array([[3.0, 6.0]]), ratio)
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_many_sessions_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = sessions_of(2, 50)
    whole = interval(sessions, ratio, rounds=3000)
    monkeypatch.setattr(bootstrap, "_MOST_DRAWS", 700)
    parts = interval(sessions, ratio, rounds=3000)
    assert parts.low == pytest.approx(whole.low, abs=0.01)
    assert parts.high == pytest.approx(whole.high, abs=0.01)
