"""Correct estimated counts by what providers report.

Where the model's own tokenizer is not at hand, the count of a request may be too low, by a part
that every request has (tools and instructions that the provider adds) and by one that grows with
the request (another tokenizer). After each call the reported input tokens are set against the
estimate, and the next budgets are made smaller by a line, `offset + slope * estimate`, on or above
which all the latest reports lie. Counts by the model's own tokenizer are left alone. Thread-safe.

- Until reports differ in size, what is reported too much counts as fixed, up to `MOST_FIXED`: a
  greeting that costs 31 instead of 8 tokens says nothing about a long prompt. For a budget below
  the reports it counts as growing, which takes less of it.
- What is more than that grows with the request.
- Reports that lie apart say how much grows; the line through them is moved up to the highest.

The slope is never below 1, and no budget becomes larger, since a provider may report cached tokens
apart.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

LATEST = 8
"""How many reports are remembered for each model."""
LARGEST_SLOPE = 4.0
"""Reports beyond it are taken for errors."""
MOST_FIXED = 512
"""Instructions for the use of tools, the largest fixed part that is published, are 346 tokens at
Anthropic."""
LEAST_SPREAD = 512
"""Estimates that lie nearer together say too little about the slope."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a provider counts for an estimate.

    Attributes:
        offset: Tokens of every request, >= 0.
        slope: Tokens for each estimated one, >= 1.
    """

    offset: int = 0
    slope: float = 1.0

    def scaled(self, budget_tokens: int) -> int:
        """A budget in the provider's tokens as one in estimated tokens, >= 0."""
        return max(0, int((budget_tokens - self.offset) / self.slope))

    def __str__(self) -> str:
        """As part of a sentence."""
        if not self.offset:
            return f"by {self.slope:.2f}"
        return f"less {self.offset:,}, by {self.slope:.2f}"


class UsageCalibration:
    """What providers reported, by model.

    >>> calibration = UsageCalibration()
    >>> calibration.observe("some-model", reported=31, estimated=8)
    >>> calibration.scaled("some-model", 75_000)
    74977
    >>> calibration.observe("some-model", reported=12_023, estimated=10_000)
    >>> calibration.scaled("some-model", 75_000)
    62473
    """

    def __init__(self) -> None:
        self._reports: dict[str, deque[tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def observe(self, model: str, *, reported: int, estimated: int) -> None:
        """Remember what a call cost; four times the estimate and more than that is ignored."""
        if estimated < 1 or not 0 < reported <= LARGEST_SLOPE * estimated + MOST_FIXED:
            return
        with self._lock:
            reports = self._reports.setdefault(model, deque(maxlen=LATEST))
            reports.append((estimated, reported))

    def correction(self, model: str, budget_tokens: int) -> Correction:
        """The line over the latest reports; of those that they allow, the one that leaves most."""
        with self._lock:
            reports = list(self._reports.get(model, ()))
        return max(_lines_over(reports), key=lambda line: line.scaled(budget_tokens))

    def scaled(self, model: str, budget_tokens: int) -> int:
        """A budget in the provider's tokens as one in estimated tokens."""
        return self.correction(model, budget_tokens).scaled(budget_tokens)


def _lines_over(reports: Sequence[tuple[int, int]]) -> list[Correction]:
    """Lines on or above all reports, as many as they leave open."""
    if not reports:
        return [Correction()]
    least = max((reported - MOST_FIXED) / estimated for estimated, reported in reports)
    growth = _growth(reports)
    lines = [_line_over(reports, max(least, growth or 1.0))]
    if growth is None:
        lines.append(_line_over(reports, max(two / one for one, two in reports)))
    return lines


def _line_over(reports: Sequence[tuple[int, int]], slope: float) -> Correction:
    slope = min(max(1.0, slope), LARGEST_SLOPE)
    # The quotient of a report times its estimate may miss it by the last bit of a float.
    over = [reported - slope * estimated - 1e-6 for estimated, reported in reports]
    return Correction(max(0, *map(ceil, over)), slope)


def _growth(reports: Sequence[tuple[int, int]]) -> float | None:
    """The slope by least squares; None where the estimates lie too near together."""
    estimated = np.array([one for one, _ in reports], dtype=np.float64)
    if np.ptp(estimated) < LEAST_SPREAD:
        return None
    reported = np.array([max(pair) for pair in reports], dtype=np.float64)
    apart = estimated - estimated.mean()
    return float(apart @ (reported - reported.mean()) / (apart @ apart))
