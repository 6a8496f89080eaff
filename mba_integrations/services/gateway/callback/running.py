"""`Running`: the calls of which the end is awaited.

Somebody else tells when they end, and may never do so: a client goes away before the reply, or
another callback refuses the call without a word. So a call is given up when it has been here too
long, or is the oldest of too many. What a call tells its client stays until then, because its end
may be told first.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mba_integrations.services.gateway.desk.deciding import Decided

MOST = 10_000
EXPIRES_SECONDS = 3_600.0
"""Longer than a reply takes. A call that is given up sooner is charged for what was sent alone."""


@dataclass(slots=True, kw_only=True)
class Call:
    """A call.

    Attributes:
        decided: What was sent on; None after its end, and for one that was not understood.
        headers: What its client is told.
        overhead_ms: What deciding took.
        answered: Whether its reply has begun.
        began: When, in seconds of the clock.
    """

    decided: Decided | None
    headers: Mapping[str, str]
    overhead_ms: float = 0.0
    answered: bool = False
    began: float = field(default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that has ended, once.

    Attributes:
        decided: What was sent on.
        overhead_ms: What deciding took.
        answered: Whether its reply had begun.
    """

    decided: Decided
    overhead_ms: float
    answered: bool


class Running:
    """The calls. Thread-safe.

    Args:
        most: How many are kept.
        seconds: How long one is kept.
        clock: Says the time, in seconds.
    """

    def __init__(
        self,
        *,
        most: int = MOST,
        seconds: float = EXPIRES_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._calls)

    def begin(self, call: Call) -> str:
        """Await the end of a call; its id."""
        call_id = secrets.token_hex(8)
        call.began = self._clock()
        with self._lock:
            self._calls[call_id] = call
        return call_id

    def told(self, call_id: str | None, *, answered: bool) -> Mapping[str, str]:
        """What the client of a call is told; nothing of one that is not here.

        Args:
            call_id: Of the call; None for one that was not decided here.
            answered: Whether its reply begins now.
        """
        with self._lock:
            call = self._calls.get(call_id or "")
            if call is None:
                return {}
            call.answered = call.answered or answered
            return call.headers

    def end(self, call_id: str | None) -> Ended | None:
        """A call that has ended; None for one that had ended before, or is not here."""
        with self._lock:
            call = self._calls.get(call_id or "")
            return None if call is None else _ended(call)

    def given_up(self) -> list[Ended]:
        """Calls that are too old, or too many; they are not here any more."""
        with self._lock:
            found = [_ended(call) for call in self._old()]
        return [one for one in found if one is not None]

    def _old(self) -> Iterator[Call]:
        before = self._clock() - self._seconds
        while self._calls:
            call_id, call = next(iter(self._calls.items()))
            if call.began > before and len(self._calls) <= self._most:
                return
            del self._calls[call_id]
            yield call


def _ended(call: Call) -> Ended | None:
    decided, call.decided = call.decided, None
    if decided is None:
        return None
    return Ended(decided=decided, overhead_ms=call.overhead_ms, answered=call.answered)
