"""Measure the store: adds one by one beside the disk's own sync, adds in batches, loads, status.

    python benchmarks/services_speed.py WHERE --items 10000

WHERE is a path or a URL of Postgres. Syncs of the disk are timed in the same run, since they differ
from moment to moment on shared machines: compare the two, not runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mba_integrations import MemoryTier
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.statements import finding, memories, vectors, workspaces
from mba_integrations.services.store.store import Store

WORKSPACE = "speed"
BATCH = 1_000
DIMENSIONS = 384
TEXT = "Kate moved to Lisbon in March and works from home on Mondays and on Fridays. " * 3


def rows(prefix: str, count: int) -> list[MemoryRow]:
    """Memories of about 60 tokens."""
    return [
        MemoryRow(
            memory_id=f"{prefix}{number}", content=f"{number} {TEXT}", tier=MemoryTier.PROJECT
        )
        for number in range(count)
    ]


def timed(acts: Sequence[Callable[[], object]]) -> list[float]:
    """Milliseconds of each act."""
    times = []
    for act in acts:
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1e3)
    return times


def shown(name: str, times: Sequence[float]) -> None:
    """Print the median and the 95th percentile."""
    cuts = statistics.quantiles(times, n=20)
    print(f"{name}: p50 {statistics.median(times):.2f} ms, p95 {cuts[-1]:.2f} ms")


def syncs(folder: Path, count: int) -> list[float]:
    """Milliseconds of writing 8 KiB and syncing them."""
    with tempfile.TemporaryFile(dir=folder) as file:

        def sync() -> None:
            file.write(b"x" * 8192)
            file.flush()
            os.fsync(file.fileno())

        return timed([sync] * count)


def measure(store: Store, folder: Path, items: int) -> None:
    """Measure one store that has no workspace of that name."""
    store.write(WORKSPACE, partial(workspaces.create, settings={}))
    for name in ("first", "second"):
        singles = [
            partial(store.write, WORKSPACE, partial(memories.add, rows=[row]))
            for row in rows(name, 200)
        ]
        shown(f"sync of the disk ({name} run)", syncs(folder, 200))
        shown(f"add, one by one ({name} run)", timed(singles))
    batches = [
        partial(store.write, WORKSPACE, partial(memories.add, rows=rows(f"b{number}.", BATCH)))
        for number in range(items // BATCH)
    ]
    began = time.perf_counter()
    ids = [row.memory_id for batch in batches for row in batch()]
    print(f"add in batches of {BATCH:,}: {len(ids) / (time.perf_counter() - began):,.0f} a second")
    numbers = np.random.default_rng(1).normal(size=(len(ids), DIMENSIONS)).astype(np.float32)
    store.write(WORKSPACE, partial(vectors.put, model_id="e", memory_ids=ids, vectors=numbers))
    _read(store)


def _read(store: Store) -> None:
    def load() -> None:
        with store.read(WORKSPACE) as reading:
            finding.current(reading)
            vectors.all_of(reading, "e")

    def ask() -> None:
        with store.read(WORKSPACE) as reading:
            workspaces.change_seq(reading)

    ask()
    shown("where the sequence stands", timed([ask] * 200))
    print(f"load all with vectors: {min(timed([load] * 3)):.0f} ms (best of 3)")
    print(store.status())


def main() -> None:
    """Measure a store, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("where")
    parser.add_argument("--items", type=int, default=10_000)
    given = parser.parse_args()
    folder = Path(tempfile.gettempdir()) if "://" in given.where else Path(given.where).parent
    with open_store(given.where) as store:
        measure(store, folder, given.items)


if __name__ == "__main__":
    main()
