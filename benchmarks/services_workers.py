"""Kill workers in the middle of jobs: is each job done once in effect, and is none stuck?

    python -m benchmarks.services_workers WHERE --kills 100

WHERE is a path or a URL of Postgres. In each round a new workspace gets memories, which are
embedded by a job, and messages, of which an extractor makes memories by another; a third puts it in
order. One to three processes after each other do these jobs and are killed with SIGKILL at a random
moment; the last is not. Clocks of later processes are ahead by the lease of those before them. A
kill counts where a job was left behind as running.

At the end of a round each memory must have one vector, made once; each batch of messages must have
been extracted once, though the extractor never says the same twice; and every job must be done.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks.services_crash import forked
from mba_integrations.core.arrays import FloatArray
from mba_integrations.services import MemoryService
from mba_integrations.services.memory.embedding import job as embed_job
from mba_integrations.services.memory.organising.extraction import AUTHOR
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.store import utc_now
from mba_integrations.testing import WordEmbedder

TEXTS = 40
MESSAGES = 5
SMALL_BATCH = 8
"""Of the embedding job, so that it has a middle."""
STEP_S = 0.01
"""How long embedder and extractor take for a batch."""
MOST_KILLS_OF_A_ROUND = 3
LEASE_AND_MORE = timedelta(seconds=70)


@dataclass(slots=True)
class WorkersReport:
    """What became of jobs whose workers were killed.

    Attributes:
        kills: How many workers were killed with a job in their hands.
        too_late: How many had done all when they were to be killed.
        jobs: Jobs that there were.
        stuck: Jobs that were not done in the end, failed ones too.
        embedded_twice: Memories of which more than one vector was written.
        not_embedded: Memories without a vector.
        extracted_twice: Batches of messages with more than one result.
        not_extracted: Batches of messages with none.
    """

    kills: int = 0
    too_late: int = 0
    jobs: int = 0
    stuck: int = 0
    embedded_twice: int = 0
    not_embedded: int = 0
    extracted_twice: int = 0
    not_extracted: int = 0


class _Slow(WordEmbedder):
    """Takes its time, and says when it begins."""

    def __init__(self, begins: Callable[[], None]) -> None:
        super().__init__(8)
        self.begins = begins

    def __call__(self, texts: list[str]) -> FloatArray:
        self.begins()
        time.sleep(STEP_S)
        return super().__call__(texts)


def kill_workers(where: str, *, kills: int, seed: int, longest_s: float = 0.15) -> WorkersReport:
    """Kill workers until so many were in the middle of a job, and look at what came of the jobs."""
    rng = random.Random(seed)
    report = WorkersReport()
    number = ahead = 0
    while report.kills < kills:
        workspace, number = f"workers-{seed}-{number}", number + 1
        with _opened(where, ahead) as service:
            _fill(service, workspace)
        for _ in range(rng.randint(1, MOST_KILLS_OF_A_ROUND)):
            _kill_one(where, ahead, rng.random() * longest_s)
            ahead += 1
            left = _running(where, ahead, workspace)
            report.kills += left
            report.too_late += not left
        with _opened(where, ahead) as service:
            service.jobs.run()
            _look(service, workspace, report)
    return report


@contextmanager
def _opened(
    where: str, ahead: int, begins: Callable[[], None] = lambda: None
) -> Iterator[MemoryService]:
    """A service whose clock is so many leases ahead."""

    def extractor(messages: list[dict[str, Any]]) -> Iterable[str]:
        begins()
        time.sleep(STEP_S)
        return [f"{messages[0]['content']} {uuid.uuid4()}"]

    with MemoryService.open(
        where,
        embedder=_Slow(begins),
        embedding_model="slow",
        extractor=extractor,
        background=False,
        clock=lambda: utc_now() + ahead * LEASE_AND_MORE,
    ) as service:
        yield service


def _fill(service: MemoryService, workspace: str) -> None:
    service.create_workspace(workspace)
    service.remember(workspace, [f"{workspace}: fact {number}." for number in range(TEXTS)])
    for number in range(MESSAGES):
        service.remember(workspace, {"role": "user", "content": f"message {number}"})
    service.organisation.start(workspace)


def _kill_one(where: str, ahead: int, delay_s: float) -> None:
    """Let a process do jobs, and kill it a while after it has begun one."""
    reader, writer = os.pipe()

    def work() -> None:
        embed_job.BATCH = SMALL_BATCH
        with _opened(where, ahead, lambda: _say(writer)) as service:
            service.jobs.run()
            _say(writer)

    pid = forked(work)
    os.close(writer)
    os.read(reader, 1)
    time.sleep(delay_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reader)


def _say(writer: int) -> None:
    os.write(writer, b".")


def _running(where: str, ahead: int, workspace: str) -> bool:
    with _opened(where, ahead) as service:
        return service.jobs.counts(workspace)[JobState.RUNNING] > 0


def _look(service: MemoryService, workspace: str, report: WorkersReport) -> None:
    """What became of the jobs of one workspace; its next organisation is a day away."""
    states = service.jobs.counts(workspace)
    report.jobs += sum(states.values()) - 1
    report.stuck += sum(states.values()) - 1 - states[JobState.DONE]
    rows = service.list(workspace, limit=500).rows
    embedded = Counter(
        change.memory_id
        for row in rows
        for change in service.history(workspace, row.memory_id).changes
        if change.op is ChangeOp.UPDATE and (change.reason or "").startswith("embedded by")
    )
    report.embedded_twice += sum(count > 1 for count in embedded.values())
    report.not_embedded += sum(row.memory_id not in embedded for row in rows)
    found = Counter(row.content[: len("message 0")] for row in rows if row.author == AUTHOR)
    report.extracted_twice += sum(count > 1 for count in found.values())
    report.not_extracted += MESSAGES - len(found)


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("where")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(kill_workers(given.where, kills=given.kills, seed=given.seed))


if __name__ == "__main__":
    main()
