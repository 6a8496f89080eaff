"""How exact replay is, and what it costs: `python -m benchmarks.replay`.

1. A workspace of 30 memories is asked so many times, in sessions of five turns, by a service on
   SQLite, with a budget of the caller's in every third call and a new memory every hundredth.
2. Its recalls become records with texts and records of numbers alone. Each is replayed under the
   settings of then, and has to be decided as it was.
3. For each of some sizes, so many records are written to Parquet: those of 2. over and over, under
   new ids, each with a budget of its own from 100 to 1,100 tokens, which the caller gave. They are
   replayed by processes from the file, under other settings. Time and the largest memory are those
   of a fresh process for each file, and of the largest of its workers.
4. The smallest file is replayed by Ray as well, and the results are compared one by one.

    python -m benchmarks.replay --recalls 10000 --records 25000 50000 100000 --workers 2 --ray

With `--numbers` the files have records of numbers alone.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import re
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.learning.replay.executors import Processes
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.numbers.making import WithoutTexts
from mba_integrations.learning.replay.ray_executor import RayExecutor
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import replay
from mba_integrations.services.memory.service import MemoryService

MEMORIES = 30
TURNS = 5
TRIED = {"token_price": 1e-4, "stability": 0.5}
NAMES = ("Kate", "Tom", "Ana", "Luis", "Mia", "Ben", "Zoe", "Ivan")
PLACES = ("Lisbon", "Oslo", "Porto", "Graz", "Bergen", "Turin")
_LOOK_EVERY = 100
DEEDS = (
    *("paid the invoice of", "moved house near", "skis every winter above", "keeps the key for"),
    *("plants a garden outside", "teaches the course in", "repaired the boat in"),
)


class _Clock:
    """A second later each time it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def sentence(lots: random.Random, number: int) -> str:
    """A fact."""
    name, deed, place = lots.choice(NAMES), lots.choice(DEEDS), lots.choice(PLACES)
    return f"{name} {deed} {place}, number {number}, since {2000 + number % 26}."


def asked(service: MemoryService, recalls: int) -> None:
    """Ask a workspace so often."""
    lots = random.Random(1)
    service.create_workspace("w", max_total_tokens=800, logging={"include_text": True})
    tiers = tuple(MemoryTier)
    service.remember(
        "w",
        [
            MemoryItem(f"m{number}", sentence(lots, number), tiers[number % 4])
            for number in range(MEMORIES)
        ],
    )
    for number in range(recalls):
        name, place = lots.choice(NAMES), lots.choice(PLACES)
        query = lots.choice(
            [f"What does {name} do in {place}?", f"Who was in {place}?", f"And what of {name}?"]
        )
        budget = 100 + number % 400 if number % 3 == 0 else None
        service.recall("w", query, session_id=f"s{number // TURNS}", budget_tokens=budget)
        if number % 100 == 99:
            service.remember("w", [sentence(lots, MEMORIES + number)])


def repeated(records: Sequence[ReplayRecord], count: int) -> Iterator[ReplayRecord]:
    """So many records: the same ones with budgets of their own."""
    for number, record in enumerate(itertools.islice(itertools.cycle(records), count)):
        budget = 100 + number * 7 % 1_001
        yield replace(record, allocation_id=f"a{number}", budget_tokens=budget, budget_given=True)


def equal(records: Sequence[ReplayRecord], what: str) -> None:
    """Replay records under the settings of then, and say how many come out equal."""
    began = time.perf_counter()
    pairs = zip(records, replay(records), strict=True)
    same = sum(again.is_as_then(record) for record, again in pairs)
    seconds = time.perf_counter() - began
    print(
        f"{what}: {same:,} of {len(records):,} equal ({100 * same / len(records):.2f} %), "
        f"{1000 * seconds / len(records):.2f} ms each",
        flush=True,
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recalls", type=int, default=10_000)
    parser.add_argument("--records", type=int, nargs="*", default=[25_000, 50_000, 100_000])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--numbers", action="store_true")
    parser.add_argument("--ray", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = _logged(Path(folder), given.recalls)
        equal(records, "with texts")
        bare = _without_texts(records)
        equal(bare, "numbers alone")
        kept = bare if given.numbers else records
        for count in given.records:
            _measured(Path(folder) / f"{count}.parquet", kept, count, Processes(given.workers))
        if given.ray and given.records:
            _beside_ray(Path(folder) / f"{given.records[0]}.parquet", Processes(given.workers))


def _without_texts(records: Sequence[ReplayRecord]) -> list[ReplayRecord]:
    began = time.perf_counter()
    bare = [*map(WithoutTexts().of, records)]
    print(f"{len(bare):,} made numbers alone in {time.perf_counter() - began:,.0f} s", flush=True)
    return bare


def _logged(folder: Path, recalls: int) -> list[ReplayRecord]:
    service = MemoryService.open(folder / "m.db", background=False, clock=_Clock())
    with service:
        began = time.perf_counter()
        asked(service, recalls)
        print(f"{recalls:,} recalls logged in {time.perf_counter() - began:,.0f} s", flush=True)
        began = time.perf_counter()
        made = service.allocations.replay_records("w")
        records = list(made)
        seconds = time.perf_counter() - began
    skipped = dict(made.skipped)
    print(f"{len(records):,} records in {seconds:,.0f} s, skipped: {skipped}", flush=True)
    return records


def _measured(path: Path, records: Sequence[ReplayRecord], count: int, executor: Processes) -> None:
    began = time.perf_counter()
    write_records(repeated(records, count), path)
    wrote = time.perf_counter() - began
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as apart:
        seconds, busy, tokens, largest, of_worker = apart.submit(_replayed, path, executor).result()
    print(
        f"{count:,} records: {path.stat().st_size / 2**20:,.1f} MiB, written in {wrote:,.0f} s, "
        f"replayed by {executor.workers} processes in {seconds:,.0f} s "
        f"({1000 * seconds / count:.2f} ms each), {busy:,.0f} s of processors "
        f"({1000 * busy / count:.2f} ms each), {tokens:,} tokens; largest memory "
        f"{largest:,.0f} MiB, of a worker {of_worker:,.0f} MiB",
        flush=True,
    )


def _replayed(path: Path, executor: Processes) -> tuple[float, float, int, float, float]:
    """Seconds, those of all processors and tokens of a file that is replayed, and the most MiB of
    this process and of another, which is looked at while it works."""
    began, tokens, of_worker = time.perf_counter(), 0, 0.0
    for number, one in enumerate(executor.replay(read_records(path), TRIED)):
        tokens += one.used_tokens
        if number % _LOOK_EVERY == 0:
            children = multiprocessing.active_children()
            of_worker = max([of_worker, *(_largest(str(child.pid)) for child in children)])
    seconds = time.perf_counter() - began
    own, workers = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    busy = sum(one.ru_utime + one.ru_stime for one in (own, workers))
    return seconds, busy, tokens, _largest("self"), of_worker


def _largest(process: str) -> float:
    """The most MiB that a process had. What `getrusage` says begins with those of its starter."""
    [kib] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(kib) / 1024


def _beside_ray(path: Path, executor: Processes) -> None:
    began = time.perf_counter()
    pairs = zip(
        RayExecutor().replay(read_records(path), TRIED),
        executor.replay(read_records(path), TRIED),
        strict=True,
    )
    same = [one == other for one, other in pairs]
    seconds = time.perf_counter() - began
    print(f"Ray and processes: {sum(same):,} of {len(same):,} equal, {seconds:,.0f} s for both")


if __name__ == "__main__":
    main()
