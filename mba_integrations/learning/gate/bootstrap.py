"""An interval by the bootstrap over sessions.

Turns of one session are alike, so whole sessions are drawn. The percentile interval: with few
sessions it is narrower than it says, see `verdict.LEAST_SESSIONS`.

Source: Efron and Tibshirani, *An Introduction to the Bootstrap* (Chapman & Hall, 1993), chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray

ROUNDS = 4000
_LEVEL = 0.95
_MOST_DRAWS = 4_000_000
"""At a time, so that memory stays at some tens of megabytes however many sessions there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    low: float
    value: float
    high: float


def interval(
    sessions: FloatArray,
    figure: Callable[[FloatArray], FloatArray],
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Interval:
    """The 95 % interval of a figure of sums over sessions.

    Args:
        sessions: Sums of each session, shape (s, k), s at least 1.
        figure: Of sums of shape (r, k) the figures of shape (r,).
        seed: Of the draws; equal seeds give equal intervals.
        rounds: How often as many sessions are drawn as there are.
    """
    value = float(figure(sessions.sum(axis=0, keepdims=True))[0])
    found = np.concatenate([figure(drawn) for drawn in _drawn(sessions, seed, rounds)])
    return _interval(value, found)


def interval_between(
    one: FloatArray,
    other: FloatArray,
    figure: Callable[[FloatArray, FloatArray], FloatArray],
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Interval:
    """The 95 % interval of a figure of two samples, whose sessions are drawn each by itself.

    Args:
        one: Sums of each session of the first sample, shape (s, k), s at least 1.
        other: Of the second, shape (t, k), t at least 1.
        figure: Of sums of both, each of shape (r, k), the figures of shape (r,).
        seed: Of the draws; equal seeds give equal intervals.
        rounds: How often as many sessions are drawn as there are.
    """
    whole = (sample.sum(axis=0, keepdims=True) for sample in (one, other))
    drawn = (
        np.concatenate([*_drawn(sample, (seed, place), rounds)])
        for place, sample in enumerate((one, other))
    )
    return _interval(float(figure(*whole)[0]), figure(*drawn))


def _interval(value: float, found: FloatArray) -> Interval:
    tail = (1.0 - _LEVEL) / 2.0
    low, high = np.quantile(found, (tail, 1.0 - tail))
    return Interval(low=float(low), value=value, high=float(high))


def _drawn(sessions: FloatArray, seed: int | tuple[int, int], rounds: int) -> Iterator[FloatArray]:
    """Sums over drawn sessions, shapes (r, k); r over all is *rounds*."""
    count = len(sessions)
    random = np.random.default_rng(seed)
    step = max(1, min(rounds, _MOST_DRAWS // count))
    for start in range(0, rounds, step):
        now = min(step, rounds - start)
        drawn = random.integers(0, count, (now, count)) + count * np.arange(now)[:, None]
        times = np.bincount(drawn.ravel(), minlength=now * count).reshape(now, count)
        yield times @ sessions
