"""Time what each view of the dashboard asks of a real server, over a log of many allocations.

    python -m benchmarks.dashboard_views WHERE --allocations 1000000

WHERE is a path or a URL of Postgres, of a store that is made and filled as
`benchmarks.services_statistics` fills it. Then memories are remembered and recalls made, whose
questions are logged, so that there is something to take apart. Each view's requests are asked over
a socket, under `/dashboard` as the page asks them; shown is the server's own time of all of them
together, from `Server-Timing`: the median and the most of some runs. A view has two requests at
most, and 200 ms, but for what tries settings.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from benchmarks.services_statistics import fill
from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.serving import listening, run, url_of
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.dashboard.app import dashboard

RUNS = 7
MEMORIES = 1_000
RECALLS = 20
NAME = "w0"
OF = f"/v1/workspaces/{NAME}"
WORDS = ("skis", "boats", "tea", "chess", "maps", "bread", "Lisbon", "Oslo", "invoices", "keys")


def remember(service: MemoryService) -> tuple[str, str]:
    """Remember and recall; gives the ids of two recalls."""
    service.workspaces.change(NAME, logging={"include_text": True})
    items = [
        MemoryItem(
            f"m{number}",
            f"Note {number}: {WORDS[number % 10]} and {WORDS[number // 10 % 10]} for Kate.",
            list(MemoryTier)[number % 4],
        )
        for number in range(MEMORIES)
    ]
    service.remember(NAME, items)
    ids = [
        service.recall(NAME, f"What of {WORDS[number % 10]}?", budget_tokens=512).allocation_id
        for number in range(RECALLS)
    ]
    return ids[0], ids[-1]


def views(first: str, second: str) -> dict[str, tuple[tuple[str, str, object], ...]]:
    """The requests of each view: method, path, body."""

    def got(*paths: str) -> tuple[tuple[str, str, object], ...]:
        return tuple(("GET", path, None) for path in paths)

    effect = ("POST", f"{OF}/settings/effect", {"settings": {"token_price": 0.0}})
    return {
        "workspaces": got("/v1/workspaces", "/v1/statistics?window=24h&by=hour"),
        "overview": got(f"{OF}/statistics?window=24h&by=hour", f"{OF}/tiers/starving"),
        "overview, 90 days": got(f"{OF}/statistics?window=90d&by=day"),
        "prompts": got(f"{OF}/allocations?limit=50"),
        "prompts, one reason": got(f"{OF}/allocations?limit=50&reason=duplicate"),
        "one prompt": got(f"{OF}/allocations/{first}/apart"),
        "compare": got(f"{OF}/allocations/{first}/beside/{second}"),
        "memories": (("POST", f"{OF}/memories/list", {"limit": 50}), *got(f"{OF}/counts")),
        "one memory": got(f"{OF}/memories/m1", f"{OF}/history/m1"),
        "documents": got(f"{OF}/documents"),
        "upkeep": (*got(f"{OF}/retention"), ("POST", f"{OF}/retention/preview", {})),
        "settings": got(OF, f"{OF}/versions"),
        "settings, effect": (effect,),
        "gateway": got(f"{OF}/budgets", f"{OF}/gateway/usage?window=24h"),
        "jobs": got(f"{OF}/jobs", "/v1/status"),
    }


@contextmanager
def served(service: MemoryService) -> Iterator[str]:
    """Where a server with the dashboard answers; it ends by itself."""
    settings = ServerSettings(port=0)
    with listening("127.0.0.1", 0) as bound:
        app = create_app(service, settings, mounts=[dashboard(service, settings)])
        server = threading.Thread(target=run, args=(app, bound), kwargs={"idle_exit": 2.0})
        server.start()
        yield f"{url_of(bound)}/dashboard"
        server.join()


def server_ms(reply: httpx2.Response) -> float:
    """The server's own time, of a request that worked."""
    reply.raise_for_status()
    return float(reply.headers["server-timing"].rpartition("total;dur=")[2])


def ask(url: str, asked: dict[str, tuple[tuple[str, str, object], ...]]) -> None:
    """Ask what each view asks, and print what it takes."""
    with httpx2.Client(timeout=120.0) as http:
        token = {"X-CSRF-Token": http.get(f"{url}/session").json()["csrf"]}
        for name, requests in asked.items():
            times = [
                sum(
                    server_ms(http.request(method, url + path, json=body, headers=token))
                    for method, path, body in requests
                )
                for _ in range(RUNS)
            ]
            print(
                f"{name}: {len(requests)} requests, median {statistics.median(times):.1f} ms, "
                f"most {max(times):.1f} ms",
                flush=True,
            )


def main() -> None:
    """Fill a store, serve it, and time the views."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("where")
    parser.add_argument("--allocations", type=int, default=1_000_000)
    given = parser.parse_args()
    print(
        f"{' '.join(sys.argv)}\n{platform.platform()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}"
    )
    fill(given.where, given.allocations, [NAME])
    with MemoryService.open(given.where, background=False) as service:
        asked = views(*remember(service))
        with served(service) as url:
            ask(url, asked)


if __name__ == "__main__":
    main()
