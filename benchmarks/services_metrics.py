"""Ask a server for very many workspaces, models and paths: how many series, and how much memory?

    python -m benchmarks.services_metrics --requests 100000

Each request names a workspace, a model, a path and a method of its own. What `/metrics` has and
what the process takes is printed ten times; the first is the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path

import httpx2

from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app


def resident_mib() -> float:
    """What the process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def ask(http: httpx2.AsyncClient, number: int) -> None:
    """Send one of four kinds of requests, with names that no other has."""
    kinds = (
        ("GET", f"/v1/workspaces/w{number}/statistics", None),
        ("GET", f"/path{number}/x", None),
        (f"VERB{number}", "/livez", None),
        ("POST", "/v1/tokens/count", {"texts": ["a"], "model": f"m{number}"}),
    )
    method, path, body = kinds[number % len(kinds)]
    await http.request(method, path, json=body)


async def measure(service: MemoryService, requests: int) -> None:
    """Send them, and print what stands after each tenth."""
    transport = httpx2.ASGITransport(app=create_app(service))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8377") as http:
        for number in range(requests):
            await ask(http, number)
            if (number + 1) % max(1, requests // 10) == 0:
                lines = (await http.get("/metrics")).text.splitlines()
                series = sum(not line.startswith("#") for line in lines)
                print(f"{number + 1:,} requests: {series} series, {resident_mib():.1f} MiB")


def main() -> None:
    """Measure a server within this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=100_000)
    given = parser.parse_args()
    print(" ".join(sys.argv))
    with (
        tempfile.TemporaryDirectory() as folder,
        MemoryService.open(Path(folder) / "memory.db", background=False) as service,
    ):
        asyncio.run(measure(service, given.requests))


if __name__ == "__main__":
    main()
