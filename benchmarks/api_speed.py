"""Measure recalls over HTTP by clients that all ask at once.

    python -m benchmarks.api_speed --items 10000 --clients 1 4 16

One server on one file; each client is a connection that asks again as soon as it is answered, all
of them in one process of their own. Texts have about 60 tokens, budgets 1,024. By `Server-Timing`:
*work* is the recall in its thread, *queue* what it waited for a thread, *total* what the server had
the request; *seen* is what the client waited. The processor's cores are shared by server and
clients. `alone` is the same recall in this process, without a server, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import tempfile
import time
from pathlib import Path

import httpx2

from benchmarks.api_live import serving
from benchmarks.evidence import machine
from benchmarks.memory_service import BUDGET_TOKENS, quantiles, text_of, timed
from mba_integrations import MemoryItem
from mba_integrations.services import MemoryService

WORKSPACE = "bench"
PHASES = ("work", "queue", "total")
_PHASE = re.compile(r"(\w+);dur=([\d.]+)")


def queries(count: int) -> list[str]:
    """Questions of four words of the texts."""
    rng = random.Random(7)
    return [" ".join(text_of(rng).split()[:4]) for _ in range(count)]


def fill(path: Path, size: int, asked: list[str]) -> None:
    """A workspace of that many memories; prints what a recall takes without a server."""
    rng = random.Random(size)
    with MemoryService.open(path, background=False) as service:
        service.create_workspace(WORKSPACE)
        items = [MemoryItem(f"m{place}", text_of(rng), "long_term") for place in range(size)]
        for start in range(0, size, 1_000):
            service.remember(WORKSPACE, items[start : start + 1_000])

        def recall(number: int) -> None:
            service.recall(WORKSPACE, asked[number], budget_tokens=BUDGET_TOKENS)

        timed(recall, 20)
        print(f"alone            {quantiles(timed(recall, min(200, len(asked))))}")


async def ask(url: str, clients: int, asked: list[str]) -> dict[str, list[float]]:
    """Seconds of each phase, and as seen by the client."""
    found: dict[str, list[float]] = {name: [] for name in (*PHASES, "seen")}
    left = iter(asked)

    async def client() -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=60) as connection:
            for query in left:
                began = time.perf_counter()
                body = {"query": query, "budget_tokens": BUDGET_TOKENS}
                answer = await connection.post(f"/v1/workspaces/{WORKSPACE}/recall", json=body)
                answer.raise_for_status()
                found["seen"].append(time.perf_counter() - began)
                for name, milliseconds in _PHASE.findall(answer.headers["server-timing"]):
                    if name in PHASES:
                        found[name].append(float(milliseconds) / 1000)

    await asyncio.gather(*(client() for _ in range(clients)))
    return found


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--threads", type=int, help="as that of mba serve")
    options = parser.parse_args()
    print(f"{machine()}, {os.cpu_count()} cores; p50 and p95 in milliseconds")
    asked = queries(options.calls)
    threads = [] if options.threads is None else ["--threads", str(options.threads)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        fill(path, options.items, asked)
        with serving(path, *threads) as (url, _):
            asyncio.run(ask(url, 2, asked[:50]))
            for clients in options.clients:
                began = time.perf_counter()
                found = asyncio.run(ask(url, clients, asked))
                rate = len(asked) / (time.perf_counter() - began)
                print(f"{clients} clients, {rate:,.0f} recalls a second")
                for name, seconds in found.items():
                    print(f"  {name:14} {quantiles(seconds)}")


if __name__ == "__main__":
    main()
