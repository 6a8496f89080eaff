"""Where records are replayed: `Executor`, and several processes of this machine.

An executor gives what `replay` gives, in the order of the records, whatever it runs on: records are
independent of each other. They go out by batches, as many at a time as there are workers and one
more for each, so that neither the records nor the results are in memory at once.

Settings that are refused, and records that are, raise here as they raise in `replay`.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from mba_integrations.core.arguments import checked_whole
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import Again, Replayed
from mba_integrations.learning.replay.settings import Settings

Sent = TypeVar("Sent")
BATCH = 64
"""Records that go to a worker at once."""
_AHEAD = 2
"""Batches for each worker that are on their way or waiting to be taken."""


class Executor(Protocol):
    """Replays records somewhere. It does not decide what they are replayed under.

    1. `replay` gives what `mba_integrations.learning.replay.replay.replay` gives for the same
       records and settings, in their order.
    2. It takes records as it needs them, and holds only so many at a time.
    3. What is not taken to its end leaves nothing that runs on.
    """

    def replay(
        self, records: Iterable[ReplayRecord], settings: Settings = None
    ) -> Iterator[Replayed]: ...


def batches(records: Iterable[ReplayRecord], size: int = BATCH) -> Iterator[list[ReplayRecord]]:
    """Records by so many; the last batch may have fewer."""
    left = iter(records)
    while batch := list(islice(left, size)):
        yield batch


def replay_batch(batch: Sequence[ReplayRecord], settings: Settings) -> list[Replayed]:
    """What a worker does with a batch."""
    if not _LAST or _LAST[0][0] != settings:
        _LAST[:] = [(settings, Again(settings))]
    return [*map(_LAST[0][1].decided, batch)]


_LAST: list[tuple[Settings, Again]] = []
"""What the last batch of this process was replayed by: it has counted the texts already."""


def in_order(
    given: Iterable[list[ReplayRecord]],
    workers: int,
    *,
    send: Callable[[list[ReplayRecord]], Sent],
    take: Callable[[Sent], Iterable[Replayed]],
    cancel: Callable[[Sent], object],
) -> Iterator[Replayed]:
    """Results of batches that are sent to so many workers, in the order of the batches.

    Args:
        given: The batches.
        workers: How many work at once.
        send: Has a batch replayed, and does not wait.
        take: Waits for its results.
        cancel: Ends what nobody takes any more.
    """
    waiting: deque[Sent] = deque()
    try:
        for batch in given:
            waiting.append(send(batch))
            if len(waiting) >= _AHEAD * workers:
                yield from take(waiting.popleft())
        while waiting:
            yield from take(waiting.popleft())
    finally:
        for one in waiting:
            cancel(one)


class Processes:
    """Processes of this machine.

    They are started anew, not forked: a process that has threads cannot be forked safely. A script
    that uses them does so under `if __name__ == "__main__":`.

    Args:
        workers: How many, >= 1; None for one on each core. With one nothing is started.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None:
            checked_whole("workers", workers, at_least=1)
        self.workers = workers or _cores()

    def replay(
        self, records: Iterable[ReplayRecord], settings: Settings = None
    ) -> Iterator[Replayed]:
        """See `Executor`."""
        if self.workers == 1:
            for batch in batches(records):
                yield from replay_batch(batch, settings)
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context) as pool:
            yield from in_order(
                batches(records),
                self.workers,
                send=lambda batch: pool.submit(replay_batch, batch, settings),
                take=Future.result,
                cancel=Future.cancel,
            )


def _cores() -> int:
    """Those that this process is bound to, where the system says so."""
    bound = getattr(os, "sched_getaffinity", None)
    return len(bound(0)) if bound else os.cpu_count() or 1
