"""Correct estimated counts by what providers report.

Where the model's own tokenizer is not at hand, the count of a request may be too low. After each
call the reported input tokens are set against the estimate; the largest of the latest ratios scales
the next budgets down. It never scales them up, since a provider may report cached tokens apart.
Counts by the model's own tokenizer are left alone. Thread-safe.
"""

from __future__ import annotations

import threading
from collections import deque

LATEST = 8
"""How many ratios are remembered for each model."""
LARGEST_RATIO = 4.0
"""Beyond it a report is taken for an error."""


class UsageCalibration:
    """Ratios of reported to estimated tokens, by model.

    >>> calibration = UsageCalibration()
    >>> calibration.observe("some-model", reported=120, estimated=100)
    >>> calibration.scaled("some-model", 600)
    500
    """

    def __init__(self) -> None:
        self._ratios: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def observe(self, model: str, *, reported: int, estimated: int) -> None:
        """Remember what a call cost; ratios beyond 4 are ignored."""
        if estimated < 1 or not 0 < reported <= LARGEST_RATIO * estimated:
            return
        with self._lock:
            ratios = self._ratios.setdefault(model, deque(maxlen=LATEST))
            ratios.append(reported / estimated)

    def ratio(self, model: str) -> float:
        """The largest of the latest ratios, at least 1."""
        with self._lock:
            ratios = self._ratios.get(model)
            return max(1.0, *ratios) if ratios else 1.0

    def scaled(self, model: str, budget_tokens: int) -> int:
        """A budget in the provider's tokens as one in estimated tokens."""
        return int(budget_tokens / self.ratio(model))
