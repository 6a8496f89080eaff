"""Measure speed and memory as ratios to a reference that is measured in the same run.

    python -m benchmarks.speed
    python -m benchmarks.speed --sizes 1000 10000 --parts warm cold

Times are CPU milliseconds, median of up to 7 calls. A row has what the library needs, what the
reference needs, their ratio and the goal. Other processes on the machine move both; compare ratios.
The peers of part `peers` have rows where their packages are installed.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import shlex
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import speed_references as references
from benchmarks.speed_peers import peers, trim_approximately
from benchmarks.speed_plot import draw
from benchmarks.speed_workload import (
    BUDGET_TOKENS,
    NOW,
    QUERIES,
    cpu_ms,
    exponent,
    memories,
    random_vectors,
    texts,
    workspace,
)
from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryPool
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.tiktoken_counters import (
    TiktokenCounter,
    counter_for_model,
    toktok_is_installed,
)
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.pool.snapshot import PoolSnapshot

METHODS = ("weighted_sum", "usefulness")
COLD_ITEMS = 10_000
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        work: What is measured, with the number of items.
        ours: In `unit`.
        reference: The same of the reference; None where the goal is absolute.
        against: What the reference is.
        goal: The most that `ours / reference`, or `ours` without a reference, should be; None
            where there is no goal.
        unit: Of `ours` and `reference`.
    """

    work: str
    ours: float
    reference: float | None = None
    against: str = ""
    goal: float | None = None
    unit: str = "ms"

    @property
    def figure(self) -> float:
        """What the goal is about."""
        return self.ours / self.reference if self.reference else self.ours

    @property
    def name(self) -> str:
        """What is measured, without the number of items."""
        return self.work.rpartition(", ")[0]

    @property
    def size(self) -> int | None:
        """The number of items of a row that is a time; else None."""
        size = self.work.rpartition(", ")[2].replace(",", "")
        return int(size) if self.unit == "ms" and size.isdecimal() else None

    def line(self) -> str:
        """As printed."""
        reference = "" if self.reference is None else f"{self.reference:.2f}"
        ratio = "" if self.reference is None else f"{self.figure:.3g}"
        goal, met = "", ""
        if self.goal is not None:
            goal, met = f"{self.goal:g}", "yes" if self.figure <= self.goal else "no"
        return (
            f"{self.work:60} {self.ours:10.2f} {self.unit:3} {reference:>9} {self.against:34} "
            f"{ratio:>7} {goal:>6} {met:>3}"
        )


HEADING = (
    f"{'work':60} {'ours':>10} {'':3} {'reference':>9} {'':34} {'ratio':>7} {'goal':>6} {'met':>3}"
)


def allocator(counter: TokenCounter | None = None) -> MemoryBudgetAllocator:
    """An allocator with a workspace for each scoring method and nothing cached."""
    made = MemoryBudgetAllocator(token_counter=counter)
    for method in METHODS:
        made.register_workspace(workspace(method))
    return made


def calls(
    memory: MemoryBudgetAllocator,
    items: list[MemoryItem] | MemoryPool,
    method: str,
    *,
    queries: tuple[str, ...] = QUERIES,
    vector: FloatArray | None = None,
) -> Callable[[], object]:
    """A call that takes the next query each time."""
    turn = iter(range(10**9))
    return lambda: memory.allocate_memory_budget(
        queries[next(turn) % len(queries)],
        items,
        method,
        budget_tokens=BUDGET_TOKENS,
        query_embedding=vector,
        now=NOW,
    )


def warm(sizes: list[int]) -> Iterator[Row]:
    """Prepared pools with relevance given: floor, growth, memory, one more item."""
    times = []
    for size in sizes:
        pool = MemoryPool.from_items(memories(size, relevance=True))
        for name, counter in counters():
            row = _warm(name, counter, pool, size)
            yield row
        times.append(row.ours)
        if size == sizes[-1]:
            memory = allocator()
            call = calls(memory, pool, "weighted_sum")
            call()
            yield from _changes(pool, call, size)
        yield _warm(*counters()[0], pool, size, method="usefulness")
    if len(sizes) > 1:
        yield Row(
            work=f"growth of warm time, {sizes[0]:,} to {sizes[-1]:,}",
            ours=exponent(sizes, times),
            goal=1.15,
            unit="exp",
        )


def _warm(
    name: str, counter: TokenCounter, pool: MemoryPool, size: int, method: str = "weighted_sum"
) -> Row:
    memory = allocator(counter)
    call = calls(memory, pool, method)
    prompt = memory.allocate_memory_budget(QUERIES[0], pool, method, 4096, now=NOW)
    counted = cpu_ms(lambda: counter.count(prompt.prompt_text), repeats=51)
    floor = cpu_ms(references.NumpyFloor(size, BUDGET_TOKENS), repeats=51)
    return Row(
        work=f"{_GIVEN[method]}, {name}, {size:,}",
        ours=cpu_ms(call, repeats=21),
        reference=floor + counted,
        against=f"numpy {floor:.2f} + one count {counted:.2f}",
        goal=3.0 if size == 100_000 else None,
    )


_GIVEN = {
    "weighted_sum": "allocate, prepared pool, relevance given",
    "usefulness": "the same by usefulness",
}


def counters() -> list[tuple[str, TokenCounter]]:
    """The exact counters that are installed; the last is the one taken by default."""
    found: list[tuple[str, TokenCounter]] = [("tiktoken", TiktokenCounter())]
    if toktok_is_installed():
        found.append(("fast", counter_for_model(fast=True)))
    return found


def _changes(pool: MemoryPool, call: Callable[[], object], size: int) -> Iterator[Row]:
    peak = peak_mib(call)
    goal = 20.0 if size == 100_000 else None
    yield Row(work=f"extra memory during that call, {size:,}", ours=peak, goal=goal, unit="MiB")
    more = iter(memories(64, relevance=True, seed=1))

    def add() -> None:
        item = next(more)
        pool.add(MemoryItem(f"new-{item.id}", item.content, item.tier, relevance=item.relevance))

    def add_and_allocate() -> None:
        add()
        call()

    def add_and_prepare() -> None:
        add()
        built_of(pool.snapshot())

    built_of(pool.snapshot())
    yield Row(work=f"add one item to a pool, {size:,}", ours=cpu_ms(add), goal=2.0)
    taken = cpu_ms(add_and_prepare)
    yield Row(work=f"add one item, with its columns and tokens, {size:,}", ours=taken, goal=2.0)
    taken = cpu_ms(add_and_allocate, repeats=3, warm=False)
    yield Row(work=f"add one item, then allocate, {size:,}", ours=taken)


def peak_mib(call: Callable[[], object]) -> float:
    """Most memory that a call holds at once beyond what was held before; not for a first call."""
    gc.collect()
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / MIB


def retrieval(sizes: list[int]) -> Iterator[Row]:
    """Prepared pools, relevance estimated: by vectors, by words, by everything."""
    size = sizes[-1]
    before = resident_mib()
    vectors = random_vectors(size)
    pool = MemoryPool.from_items(memories(size, relevance=False, vectors=vectors))
    content = sum(len(item.content) for item in pool) + vectors.nbytes
    memory = allocator()
    dense = calls(memory, pool, "weighted_sum", queries=("zzz",), vector=vectors[0])
    dense()
    if before is not None:
        held = (resident_mib() or 0.0) - before
        yield Row(
            work=f"resident memory of a prepared pool with 384-d vectors, {size:,}",
            ours=held,
            reference=content / MIB,
            against="texts and vectors",
            goal=2.5,
            unit="MiB",
        )
    product = cpu_ms(lambda: vectors @ vectors[0])
    goal = 1.5 if size == 100_000 else None
    yield Row(
        work=f"the same by vectors, a query without known words, {size:,}",
        ours=cpu_ms(dense),
        reference=product,
        against="matrix-vector product",
        goal=goal,
    )
    lexical = references.LexicalFloor([item.content for item in pool])
    turn = iter(range(10**9))
    scores = cpu_ms(lambda: lexical(QUERIES[next(turn) % len(QUERIES)]))
    turn_of_scores = iter(range(10**9))
    own = pool.snapshot().lexical
    yield Row(
        work=f"BM25 scores alone, {size:,}",
        ours=cpu_ms(lambda: own.scores(QUERIES[next(turn_of_scores) % len(QUERIES)])),
        reference=scores,
        against="bm25s get_scores",
        goal=2.0 if size == 100_000 else None,
    )
    yield Row(
        work=f"the same by BM25, {size:,}",
        ours=cpu_ms(calls(memory, pool, "weighted_sum")),
        reference=scores,
        against="bm25s get_scores",
        goal=2.0 if size == 100_000 else None,
    )


def usefulness(sizes: list[int]) -> Iterator[Row]:
    """Relevance, usefulness, packing and the prompt, from prepared pools with vectors."""
    times = []
    for size in sizes:
        vectors = random_vectors(size)
        pool = MemoryPool.from_items(memories(size, relevance=False, vectors=vectors))
        times.append(cpu_ms(calls(allocator(), pool, "usefulness", vector=vectors[0])))
        goal = 25.0 if size == COLD_ITEMS else None
        yield Row(work=f"allocate by usefulness, prepared, {size:,}", ours=times[-1], goal=goal)
    if len(sizes) > 1:
        name = f"growth of that, {sizes[0]:,} to {sizes[-1]:,}"
        yield Row(work=name, ours=exponent(sizes, times), goal=1.15, unit="exp")


def cold(size: int) -> Iterator[Row]:
    """Lists that were never seen, pools as they are built, and the same list again."""
    items = memories(size, relevance=True)
    contents = [item.content for item in items]
    one_pass = cpu_ms(lambda: references.count_all(TiktokenCounter(), contents))
    for name, counter in counters():
        yield Row(
            work=f"allocate from a list never seen, {name}, {size:,}",
            ours=never_seen_ms(items, counter),
            reference=one_pass,
            against="one tiktoken pass",
            goal=0.15,
        )
        yield Row(
            work=f"build a pool and count all, {name}, {size:,}",
            ours=cpu_ms(lambda c=counter: built(items, c)),  # type: ignore[misc]
            reference=one_pass,
            against="one tiktoken pass",
            goal=1.15 if name == "tiktoken" else 0.4,
        )
    again = cpu_ms(calls(allocator(), items, "weighted_sum"))
    if any(peer.name.startswith("LangChain") for peer in peers()):
        trimmed = cpu_ms(trim_approximately(contents, None))
        yield Row(
            work=f"allocate from the same list again, {size:,}",
            ours=again,
            reference=trimmed,
            against="trim_messages, approximate",
            goal=0.5,
        )
    else:
        yield Row(work=f"allocate from the same list again, {size:,}", ours=again)


def never_seen_ms(items: list[MemoryItem], counter: TokenCounter) -> float:
    """First call of an allocator that has seen nothing."""
    unused = iter([calls(allocator(counter), items, "weighted_sum") for _ in range(8)])
    return cpu_ms(lambda: next(unused)())


def built(items: list[MemoryItem], counter: TokenCounter) -> object:
    """A pool with its columns and the tokens of every line."""
    return built_of(MemoryPool.from_items(items).snapshot(), counter)


def built_of(snapshot: PoolSnapshot, counter: TokenCounter | None = None) -> object:
    """The columns and the tokens of every line of a snapshot."""
    renderer = Renderer(workspace("weighted_sum").rendering)
    column = snapshot.token_column(renderer, counter or counter_for_model())
    return snapshot.columns, snapshot.tier_rows, column.all()


def packing(_: list[int]) -> Iterator[Row]:
    """Packing alone, against HiGHS."""
    measured = references.packing_times(1000, BUDGET_TOKENS, seeds=3)
    if measured:
        ours, theirs = measured
        yield Row(
            work="packing alone, 1,000", ours=ours, reference=theirs, against="HiGHS", goal=1 / 200
        )


def imports(_: list[int]) -> Iterator[Row]:
    """What an import costs in a new interpreter."""
    numpy_ms = references.import_ms("import numpy")
    for statement, goal in (
        ("import mba_integrations", 1.5),
        ("from mba_integrations import MemoryBudgetAllocator", None),
    ):
        yield Row(
            work=statement,
            ours=references.import_ms(statement),
            reference=numpy_ms,
            against="import numpy",
            goal=goal,
        )


def beside(sizes: list[int]) -> Iterator[Row]:
    """Peers and the library on the same texts."""
    for size in [100, *sizes]:
        able = [peer for peer in peers() if size <= peer.most_items]
        vectors, contents = random_vectors(size if able else 0), texts(size if able else 0)
        for peer in able:
            call = peer.make(contents, vectors)
            yield Row(work=f"{peer.name}, {size:,}", ours=cpu_ms(call, repeats=3))
            yield Row(work=f"peak memory of that, {size:,}", ours=peak_mib(call), unit="MiB")


def resident_mib() -> float | None:
    """Memory of this process; None where the system does not tell."""
    path = Path("/proc/self/statm")
    if not path.exists():
        return None
    gc.collect()
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


PARTS: dict[str, Callable[[list[int]], Iterator[Row]]] = {
    "retrieval": retrieval,
    "warm": warm,
    "usefulness": usefulness,
    "cold": lambda sizes: cold(min(COLD_ITEMS, sizes[-1])),
    "packing": packing,
    "imports": imports,
    "peers": beside,
}


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="items, ascending"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--plot", help="PNG to write of what was measured at several sizes")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    options = parsed(arguments)
    sizes = sorted(options.sizes)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"python -m benchmarks.speed {shlex.join(arguments or sys.argv[1:])}")
    print(HEADING)
    curves: dict[str, dict[int, float]] = {}
    for part in options.parts:
        for row in PARTS[part](sizes):
            print(row.line(), flush=True)
            if row.size:
                curves.setdefault(row.name, {})[row.size] = row.ours
    if options.plot:
        draw(curves, options.plot)


if __name__ == "__main__":
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        main()
    else:
        # Threads of numpy's linear algebra burn CPU time while they wait, so they are off.
        one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.speed", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=one_thread, check=False).returncode)
