"""`Rates`: how often somebody may ask in a minute, by a window that slides.

What was asked in the minute before counts as far as it lies within the last 60 seconds, as if it
had been spread evenly over its minute. With 100 in the minute before, and 30 since a full minute 15
seconds ago:

    100 * 45 / 60 + 30 = 105 in the last 60 seconds

Counts of two minutes are kept and no others, whoever asks. A library with a clock or a thread for
each count costs more than the request that is counted.
"""

from __future__ import annotations

import time
from collections import Counter

_SECONDS = 60


class Rates:
    """Counts what each caller asks. For one thread.

    Args:
        most: Of one caller in a minute.

    >>> rates = Rates(60_000)
    >>> rates.left_after("kate"), rates.left_after("kate"), rates.left_after("tom")
    (59999, 59998, 59999)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._minute = 0
        self._now: Counter[str] = Counter()
        self._before: Counter[str] = Counter()

    def left_after(self, caller: str) -> int | None:
        """Count a request; how many more may follow, or None if it is one too many."""
        minute, second = divmod(time.time(), _SECONDS)
        self._turn_to(int(minute))
        from_before = self._before[caller] * (_SECONDS - second) / _SECONDS
        left = self.most - int(from_before + self._now[caller]) - 1
        if left < 0:
            return None
        self._now[caller] += 1
        return left

    def _turn_to(self, minute: int) -> None:
        if minute == self._minute:
            return
        # A clock that was set back begins anew: nobody waits until it has caught up.
        self._before = self._now if minute == self._minute + 1 else Counter()
        self._now, self._minute = Counter(), minute
