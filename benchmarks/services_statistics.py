"""Time every view of statistics over a log of a million allocations, and the making of rollups.

    python -m benchmarks.services_statistics WHERE --allocations 1000000
    python -m benchmarks.services_statistics WHERE --allocations 1000000 --workspaces 1000

WHERE is a path or a URL of Postgres, of a store that is made. The allocations lie in the last 90
days, evenly; rows of the log are written with the figures of a recall, without items, by the
store's own `allocations.add`, so that rollups are made as they are in use. Then each view is asked
for over HTTP within this process. What is shown is the server's own time, the header
`X-Mba-Duration-Ms`: the request with its checks, statements and JSON; CPU time beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import httpx2

from mba_integrations import MemoryTier
from mba_integrations.core.model import OmissionReason, QueryComplexity
from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.log import allocations

DAYS = 90
BATCH = 5_000
RUNS = 9
VIEWS = (
    *("", "?window=1h&by=minute", "?window=6h", "?window=24h", "?window=24h&by=complexity"),
    *("?window=24h&by=tier", "?window=24h&by=hour", "?window=2d", "?window=7d&by=hour"),
    *("?window=20d&by=hour", "?window=30d", "?window=90d&by=day"),
)


def logged(number: int, at: datetime, rng: random.Random) -> AllocationRow:
    """A row as a recall leaves it."""
    used = rng.randint(200, 1_024)
    part = used // 4
    tiers = {
        tier.value: {"budget_tokens": 256, "used_tokens": part, "selected": 5, "omitted": 200}
        for tier in MemoryTier
    }
    reasons = {OmissionReason.OUTRANKED.value: 780, OmissionReason.BELOW_PRICE.value: 20}
    record = {
        **{"schema_version": 1, "kind": "allocation", "timestamp": at.isoformat()},
        **{"workspace_id": "w", "complexity": rng.choice(list(QueryComplexity)).value},
        **{"budget_tokens": 1_024, "used_tokens": used, "value": 7.5, "upper_bound": 7.6},
        **{"duration_ms": rng.lognormvariate(1.5, 0.6), "tiers": tiers},
        **{"omission_reasons": reasons, "selected_count": 20, "counter_id": "tiktoken:o200k_base"},
        **{"exact": True, "notes": []},
    }
    figures = {
        "omitted_tokens": {name: [count * 60, count] for name, count in reasons.items()},
        "ms": {"load": rng.lognormvariate(0.0, 0.5), "embed": 0.002, "recall": 9.0},
        **{"cost": used * 0.4, "uncached_cost": float(used)},
    }
    return AllocationRow(
        allocation_id=f"a{number:09}",
        at=at,
        record=record,
        figures=figures,
        session_id="s",
        stable_prefix_tokens=used // 2,
        query_hash="0" * 64,
    )


def rows(count: int, now: datetime) -> Iterator[AllocationRow]:
    """So many, evenly over the days before now."""
    rng, step = random.Random(1), timedelta(days=DAYS) / count
    for number in range(count):
        yield logged(number, now - timedelta(days=DAYS) + (number + 1) * step, rng)


def batched(several: Iterable[AllocationRow], count: int) -> Iterator[list[AllocationRow]]:
    """So many at a time."""
    those = iter(several)
    while batch := list(islice(those, count)):
        yield batch


def fill(where: str, count: int, names: list[str]) -> None:
    """Make the log, and say what it costs."""
    with open_store(where) as store:
        for name in names:
            store.write(name, partial(workspaces.create, settings={"workspace_id": name}))
        began, cpu = time.perf_counter(), time.process_time()
        for number, batch in enumerate(batched(rows(count, store.clock()), BATCH)):
            # Each workspace in turn, all of whose share of a time come together.
            share = max(1, len(batch) // len(names))
            for place, part in enumerate(batched(batch, share)):
                name = names[(number + place) % len(names)]
                store.write(name, partial(allocations.add, rows=part), at=part[-1].at)
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
        print(f"{count:,} allocations logged and added up in {seconds:.0f} s, {cpu:.0f} s of CPU")
        print(store.status())


async def ask(service: MemoryService, paths: list[str]) -> None:
    """Ask for each path, and print what it took."""
    transport = httpx2.ASGITransport(app=create_app(service))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8377") as http:
        for path in paths:
            times, cpu = [], time.process_time()
            for _ in range(RUNS):
                reply = await http.get(path)
                times.append(float(reply.headers["x-mba-duration-ms"]))
            found = reply.json()
            cpu = (time.process_time() - cpu) / RUNS * 1_000.0
            print(
                f"{path}: median {statistics.median(times):.1f} ms, most {max(times):.1f} ms, CPU "
                f"{cpu:.1f} ms; {found['allocation_count']:,} allocations by the "
                f"{found['resolution']}, {len(found['groups'])} groups, "
                f"{len(reply.content):,} bytes"
            )


def main() -> None:
    """Fill a store, and time the views."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("where")
    parser.add_argument("--allocations", type=int, default=1_000_000)
    parser.add_argument("--workspaces", type=int, default=1)
    given = parser.parse_args()
    print(
        f"{' '.join(sys.argv)}\n{platform.platform()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}"
    )
    names = [f"w{number}" for number in range(given.workspaces)]
    fill(given.where, given.allocations, names)
    with MemoryService.open(given.where, background=False) as service:
        paths = [f"/v1/workspaces/w0/statistics{view}" for view in VIEWS]
        asyncio.run(ask(service, [*paths, *(f"/v1/statistics{view}" for view in VIEWS)]))


if __name__ == "__main__":
    main()
