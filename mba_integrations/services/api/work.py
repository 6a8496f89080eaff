"""`Work`: threads for what takes time, so many at once and so many waiting.

What chooses and counts keeps a core busy, so more threads than cores would only slow each other
down. What waits for the disk has threads of its own, and so has what reads files of documents:
one may take half a minute. A request whose caller went away leaves the queue; what has begun is
done to its end, since half a write is none.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Literal, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from mba_integrations.services.api.errand import CURRENT
from mba_integrations.services.api.replies import FULL, ProblemError

P = ParamSpec("P")
R = TypeVar("R")
Kind = Literal["choose", "read", "store", "export"]
STORE_THREADS = 16
EXPORT_THREADS = 4
"""Exports at once: each holds a transaction as long as its caller reads."""
RUNNING: ContextVar[Work] = ContextVar("work")


class Work:
    """The threads of a server.

    Args:
        choosing: Threads for what keeps a core busy, and as many that read files.
        waiting: Requests that may wait for a thread.
    """

    def __init__(self, *, choosing: int, waiting: int) -> None:
        self._limits = {
            "choose": anyio.CapacityLimiter(choosing),
            "read": anyio.CapacityLimiter(choosing),
            "store": anyio.CapacityLimiter(STORE_THREADS),
            "export": anyio.CapacityLimiter(EXPORT_THREADS),
        }
        self._waiting = waiting

    async def run(self, kind: Kind, act: Callable[[], R], *, timed: bool = False) -> R:
        """Do an act in a thread; *timed* counts its time to the phases `queue` and `work`.

        Raises:
            ProblemError: If too many wait already.
        """
        limit = self._limits[kind]
        if limit.statistics().tasks_waiting >= self._waiting:
            raise ProblemError(FULL, f"{self._waiting} requests wait already. Ask again later.")
        came = time.perf_counter()
        errand = CURRENT.get()

        def done() -> R:
            errand.spend("queue", time.perf_counter() - came)
            with errand.timed("work"):
                return act()

        return await anyio.to_thread.run_sync(done if timed else act, limiter=limit)

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread now."""
        return sum(limit.statistics().tasks_waiting for limit in self._limits.values())


def in_thread(kind: Kind) -> Callable[[Callable[P, R]], Callable[P, Coroutine[Any, Any, R]]]:
    """A plain function as one that is awaited while a thread of the server runs it."""

    def decorated(act: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(act)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
            return await RUNNING.get().run(
                kind, functools.partial(act, *args, **kwargs), timed=True
            )

        return awaited

    return decorated
