"""Measure what the memory service adds to the choice, and how fast it remembers.

    python -m benchmarks.memory_service
    python -m benchmarks.memory_service --sizes 10000 --store postgresql://...

Texts have about 60 tokens, vectors 384 numbers, budgets 1,024 tokens. Times are wall-clock
milliseconds, p50 and p95. `beside the choice` is what a recall takes less what the allocator's
call in it takes, and `fsync` is one write of 4 kB with a sync, so that figures of two machines can
be compared. A cold workspace is one that the process has not in memory; the process itself is warm:
what its own first recall costs, such as opening the tokenizer, stands apart. Other processes on the
machine move all figures.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations import MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.services import MemoryService

DIMENSIONS = 384
BUDGET_TOKENS = 1_024
MODEL = "random"
_WORDS = [
    "".join(random.Random(place).choices("abcdefghiklmnoprstuw", k=3 + place % 6))
    for place in range(8_000)
]


def text_of(rng: random.Random) -> str:
    """About 60 tokens, mostly of frequent words."""
    ranks = (int(len(_WORDS) * rng.random() ** 3) for _ in range(30))
    return " ".join(_WORDS[rank] for rank in ranks)


def quantiles(seconds: list[float]) -> str:
    """p50 and p95 in milliseconds."""
    p50, p95 = np.percentile(np.array(seconds) * 1000.0, [50, 95])
    return f"{p50:8.2f} {p95:8.2f}"


def timed(act: Callable[[int], object], calls: int) -> list[float]:
    """Seconds of each call."""
    seconds = []
    for number in range(calls):
        started = time.perf_counter()
        act(number)
        seconds.append(time.perf_counter() - started)
    return seconds


@contextmanager
def filled(where: str, size: int) -> Iterator[tuple[MemoryService, FloatArray]]:
    """A service with a workspace of that many memories, and their vectors."""
    rng = random.Random(size)
    vectors = np.random.default_rng(size).standard_normal((size, DIMENSIONS), dtype=np.float32)
    with MemoryService.open(where, embedding_model=MODEL, background=False) as service:
        workspace = f"bench-{size}-{time.time_ns()}"
        service.create_workspace(workspace)
        items = [
            MemoryItem(f"m{place}", text_of(rng), "long_term", embedding=vectors[place])
            for place in range(size)
        ]
        started = time.perf_counter()
        for start in range(0, size, 1_000):
            service.remember(workspace, items[start : start + 1_000])
        seconds = time.perf_counter() - started
        print(f"{size:8,} remember, batches of 1,000: {size / seconds:10,.0f} a second")
        measure(service, workspace, vectors, size)
        yield service, vectors


def measure(service: MemoryService, workspace: str, vectors: FloatArray, size: int) -> None:
    """Print the figures of one workspace."""
    rng = random.Random(7)
    queries = [" ".join(text_of(rng).split()[:8]) for _ in range(400)]

    def recall(number: int, session_id: str | None = None) -> None:
        service.recall(
            workspace,
            queries[number],
            budget_tokens=BUDGET_TOKENS,
            session_id=session_id,
            query_embedding=vectors[number],
        )

    started = time.perf_counter()
    recall(0)
    print(f"{size:8,} cold workspace, first recall: {time.perf_counter() - started:10.2f} s")
    calls = 100 if size <= 10_000 else 40
    with timed_choices(service) as choices:
        whole = timed(lambda number: recall(1 + number), calls)
        print(f"{size:8,} recall            p50, p95: {quantiles(whole)} ms")
        print(f"{size:8,} choice in it      p50, p95: {quantiles(choices)} ms")
        beside = [one - choice for one, choice in zip(whole, choices, strict=True)]
        print(f"{size:8,} beside the choice p50, p95: {quantiles(beside)} ms")
    in_session = timed(lambda number: recall(200 + number, "s"), calls)
    print(f"{size:8,} recall in session p50, p95: {quantiles(in_session)} ms")
    one = timed(lambda number: service.remember(workspace, text_of(rng)), 100)
    print(f"{size:8,} remember one      p50, p95: {quantiles(one)} ms")


@contextmanager
def timed_choices(service: MemoryService) -> Iterator[list[float]]:
    """Seconds of each of the allocator's calls within the block."""
    seconds: list[float] = []
    allocator = service._equipment.allocator
    choose = allocator.allocate_memory_budget

    def measured(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return choose(*arguments, **options)
        finally:
            seconds.append(time.perf_counter() - started)

    allocator.allocate_memory_budget = measured  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        allocator.allocate_memory_budget = choose  # type: ignore[method-assign]


def print_first(folder: Path) -> None:
    """What the process's own first recall costs, in a workspace of three memories."""
    with MemoryService.open(folder / "first.db", background=False) as service:
        service.create_workspace("first")
        service.remember("first", ["Kate skis.", "Oslo is cold.", "The key rotates on Mondays."])
        started = time.perf_counter()
        service.recall("first", "Where does Kate ski?")
        print(f"         first recall of the process: {time.perf_counter() - started:10.2f} s")


def print_fsync(folder: Path) -> None:
    """What a write that is on the disk costs here."""
    with open(folder / "sync", "wb") as file:

        def write(number: int) -> None:
            file.write(b"x" * 4_096)
            file.flush()
            os.fsync(file.fileno())

        print(f"         fsync             p50, p95: {quantiles(timed(write, 100))} ms")


def main() -> None:
    """Measure each size on a store of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--store", help="postgresql://...; a SQLite file by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print_first(Path(folder))
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            print_fsync(Path(folder))
            with filled(arguments.store or str(Path(folder) / "memory.db"), size):
                pass


if __name__ == "__main__":
    main()
