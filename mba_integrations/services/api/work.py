"""`Work`: threads for what takes time, so many at once and so many waiting.

A choice among memories that are at hand is Python from end to end, and threads of one Python run in
turns: two of them answer no more questions than one, and each takes twice as long for its own. So
there is one such thread. What takes long has others, so that no short question waits behind it:
choices among what is not in memory yet, many questions at once, past recalls asked again. What
waits for the disk has threads of its own, and so has what reads files of documents: one may take
half a minute. A request whose caller went away leaves the queue; what has begun is done to its end,
since half a write is none.
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
Kind = Literal["choose", "long", "read", "store", "export"]
STORE_THREADS = 16
EXPORT_THREADS = 4
"""Exports at once: each holds a transaction as long as its caller reads."""
RUNNING: ContextVar[Work] = ContextVar("work")


class Work:
    """The threads of a server.

    Args:
        choosing: Threads for short choices.
        lasting: Threads for those that take long, and as many that read files.
        waiting: Requests that may wait for a thread.
    """

    def __init__(self, *, choosing: int, lasting: int, waiting: int) -> None:
        self._limits = {
            "choose": anyio.CapacityLimiter(choosing),
            "long": anyio.CapacityLimiter(lasting),
            "read": anyio.CapacityLimiter(lasting),
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


def in_thread(
    kind: Kind | Callable[..., Kind],
) -> Callable[[Callable[P, R]], Callable[P, Coroutine[Any, Any, R]]]:
    """A plain function as one that is awaited while a thread of the server runs it.

    Args:
        kind: Which thread; or what says so, of the arguments of a call.
    """

    def decorated(act: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(act)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
            chosen = kind(*args, **kwargs) if callable(kind) else kind
            return await RUNNING.get().run(
                chosen, functools.partial(act, *args, **kwargs), timed=True
            )

        return awaited

    return decorated
