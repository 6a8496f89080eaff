"""Kill writers at random moments, and let many write at once: does the store keep what it said?

    python benchmarks/services_crash.py kills WHERE --moments 200
    python benchmarks/services_crash.py together WHERE --processes 8 --writes 1000

WHERE is a path or a URL of Postgres, of a store that may be filled. `kills` runs a process that
writes documents of several memories, from several threads, and logs an allocation with each, and
kills it with SIGKILL; then every document that was acknowledged must be there, every one that is
there must be whole and its allocation be in the rollups once, and the store must be ready again.
`together` runs processes that write and read at once; all writes must be kept, each process must
read its own, and none may be refused.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mba_integrations import MemoryTier
from mba_integrations.services.store.errors import WorkspaceExistsError
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows import figures
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.rows.rollups import Part, Span
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import changes, finding, memories, workspaces
from mba_integrations.services.store.statements.log import allocations, rollups
from mba_integrations.services.store.store import Store

PARTS = 5
"""Memories of a document."""
THREADS = 3
WORKSPACE = "crash"


@dataclass(slots=True)
class KillReport:
    """What became of writers that were killed.

    Attributes:
        moments: How often one was killed.
        acknowledged: Documents that were said to be kept.
        lost: Those of them that are not there, or not whole.
        unacknowledged: Whole documents that were never said to be kept, which is no fault.
        half: Documents of which a part is there.
        broken_feeds: How often the feed of changes and the memories disagreed.
        miscounted: How often rollups did not add up to the documents.
        ready_s: How long it took each time until the store could be read and written again.
    """

    moments: int = 0
    acknowledged: int = 0
    lost: int = 0
    unacknowledged: int = 0
    half: int = 0
    broken_feeds: int = 0
    miscounted: int = 0
    ready_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TogetherReport:
    """What became of processes that wrote and read at once.

    Attributes:
        kept: Memories that are there.
        expected: Memories that were written.
        failed: Processes that ended with an error.
        seconds: How long it took.
    """

    kept: int
    expected: int
    failed: int
    seconds: float


def make_workspace(store: Store) -> None:
    """Create the workspace unless it is there."""
    with contextlib.suppress(WorkspaceExistsError):
        store.write(WORKSPACE, lambda writing: workspaces.create(writing, settings={}))


def write_document(store: Store, name: str) -> None:
    """Write a document of several memories, and an allocation, in one write."""
    rows = [
        MemoryRow(
            memory_id=f"{name}#{part}",
            content=f"{name} {part} " * 20,
            tier=MemoryTier.RAG,
            source=name,
        )
        for part in range(PARTS)
    ]

    def act(writing: Writing) -> None:
        memories.add(writing, rows)
        logged = AllocationRow(allocation_id=name, at=writing.at, record={"used_tokens": PARTS})
        allocations.add(writing, [logged])

    store.write(WORKSPACE, act)


def kill_writers(where: str, *, moments: int, seed: int, longest_s: float = 0.4) -> KillReport:
    """Kill a process that writes, again and again, and look at what it left."""
    rng = random.Random(seed)
    report = KillReport()
    acknowledged: set[str] = set()
    with open_store(where) as store:
        make_workspace(store)
    for moment in range(moments):
        acknowledged |= _killed_writer(where, f"d{seed}.{moment}", rng.random() * longest_s)
        report.moments += 1
        began = time.perf_counter()
        with open_store(where) as store:
            write_document(store, f"probe{seed}.{moment}")
            report.ready_s.append(time.perf_counter() - began)
            _look(store, acknowledged, report)
    report.acknowledged = len(acknowledged)
    return report


def _killed_writer(where: str, prefix: str, delay_s: float) -> set[str]:
    """Documents that a process acknowledged before it was killed."""
    reader, writer = os.pipe()
    pid = forked(lambda: _write_for_ever(where, prefix, writer))
    os.close(writer)
    with os.fdopen(reader) as said:
        first = said.readline()  # it has begun
        time.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)
        lines = [first, *said]
    os.waitpid(pid, 0)
    return {line.strip() for line in lines if line.endswith("\n")}


def _write_for_ever(where: str, prefix: str, said: int) -> None:
    with open_store(where) as store:

        def work(thread: int) -> None:
            number = 0
            while True:
                name = f"{prefix}.{thread}.{number}"
                write_document(store, name)
                os.write(said, f"{name}\n".encode())
                number += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _look(store: Store, acknowledged: set[str], report: KillReport) -> None:
    with store.read(WORKSPACE) as reading:
        rows = finding.in_any_state(reading)
        seq = workspaces.change_seq(reading)
        feed = changes.changes_since(reading, 0, limit=len(rows) + 1)
        counted = [_counted(reading, span) for span in Span]
    parts = Counter(row.source or "" for row in rows)
    whole = {name for name, count in parts.items() if count == PARTS}
    report.lost = len(acknowledged - whole)
    report.half = len(parts) - len(whole)
    report.unacknowledged = sum(not name.startswith("probe") for name in whole - acknowledged)
    told = [change.memory_id for change in feed.changes]
    if not feed.complete or seq != len(rows) or told != [row.memory_id for row in rows]:
        report.broken_feeds += 1
    if counted != [(len(whole), len(whole) * PARTS)] * len(Span):
        report.miscounted += 1


def _counted(reading: Reading, span: Span) -> tuple[int, int]:
    """Allocations and tokens in the rollups of a span."""
    kept = rollups.of_part(reading, Part(span, None, None))
    total = figures.sums(one.figures for one in kept)
    return int(total[figures.COUNT]), int(total[figures.USED_TOKENS])


def write_together(where: str, *, processes: int, writes: int) -> TogetherReport:
    """Let processes write and read at once."""
    with open_store(where) as store:
        make_workspace(store)
        with store.read(WORKSPACE) as reading:
            before = sum(finding.count(reading).values())
    began = time.perf_counter()
    pids = [forked(partial(_take_part, where, number, writes)) for number in range(processes)]
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    seconds = time.perf_counter() - began
    with open_store(where) as store, store.read(WORKSPACE) as reading:
        kept = sum(finding.count(reading).values()) - before
    return TogetherReport(kept, processes * writes, sum(code != 0 for code in codes), seconds)


def _take_part(where: str, number: int, writes: int) -> None:
    with open_store(where) as store:
        seq = 0
        for place in range(writes):
            row = MemoryRow(
                memory_id=f"p{number}.{place}.{os.getpid()}", content="x" * 200, tier=MemoryTier.RAG
            )
            store.write(WORKSPACE, partial(memories.add, rows=[row]))
            with store.read(WORKSPACE) as reading:
                feed = changes.changes_since(reading, seq, limit=100_000)
            if row.memory_id not in {change.memory_id for change in feed.changes}:
                raise RuntimeError(f"{row.memory_id} was written and is not in the feed")
            seq = feed.change_seq


def forked(work: Callable[[], None]) -> int:
    """A process that does *work* and ends; its standard error is ours."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Run one of the two, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["kills", "together"])
    parser.add_argument("where")
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--writes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.what == "together":
        print(write_together(given.where, processes=given.processes, writes=given.writes))
        return
    report = kill_writers(given.where, moments=given.moments, seed=given.seed)
    ready, report.ready_s = sorted(report.ready_s), []
    print(report)
    print(f"ready after {ready[len(ready) // 2]:.3f} s (median), {ready[-1]:.3f} s (longest)")


if __name__ == "__main__":
    main()
