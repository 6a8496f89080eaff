"""Time what each view of the dashboard asks of a real server, over a log of many allocations.

    python -m benchmarks.dashboard_views WHERE --allocations 1000000

WHERE is a path or a URL of Postgres, of a store that is made and filled as
`benchmarks.services_statistics` fills it. Then memories are remembered and recalls made, whose
questions are logged, so that there is something to take apart. Each view's requests are asked over
a socket, under `/dashboard` as the page asks them; shown is the server's own time of all of them
together, from `Server-Timing`: the median and the most of some runs. A view has two requests at
most, and 200 ms, but for what tries settings. The overview is asked while each look tries another
recall with larger tiers, and once all are tried. Where chromium and playwright are there, a browser
without a cache then opens the first page and the overview: what it shows first, and after how long,
and how many bytes of the page came over the wire. That may take a second, and 150 kB.
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
from shutil import which
from typing import TYPE_CHECKING

import httpx2

from benchmarks.services_statistics import fill
from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.serving import listening, run, url_of
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.dashboard.app import dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 7
MEMORIES = 1_000
RECALLS = 20
NAME = "w0"
OF = f"/v1/workspaces/{NAME}"
_PAINT = """() => {
  const got = performance.getEntriesByType("resource");
  const [page] = performance.getEntriesByType("navigation");
  const files = got.filter((one) => !one.name.includes("/v1/") && !one.name.endsWith("/session"));
  return {
    first: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    now: performance.now(),
    bytes: [page, ...files].reduce((sum, one) => sum + one.transferSize, 0),
  };
}"""
PAGES = {"first page": ("", "main a"), "overview": (f"#/w/{NAME}/overview", ".bars .tier")}
"""Fragments, and what is there once all is."""
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
        "tuning": got(f"{OF}/tuning", OF),
        "gateway": got(f"{OF}/budgets", f"{OF}/gateway/usage?window=24h"),
        "jobs": got(f"{OF}/jobs", "/v1/status"),
    }


@contextmanager
def served(service: MemoryService) -> Iterator[str]:
    """Where a server with the dashboard answers; it ends by itself."""
    settings = ServerSettings(port=0)
    with listening("127.0.0.1", 0) as bound:
        app = create_app(service, settings, mounts=[dashboard(service, settings)])
        server = threading.Thread(target=run, args=(app, bound), kwargs={"idle_exit": 5.0})
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


def try_all(service: MemoryService) -> None:
    """Have the latest recalls tried with larger tiers, until none is left."""
    while service.allocations.starving(NAME)[0].untried:
        pass


def paint(url: str) -> None:
    """Open pages as a browser that never saw them, and print when it shows something."""
    path = which("chromium")
    if path is None:
        print("first paint: there is no chromium")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, (fragment, last) in PAGES.items():
            seen = [_painted(browser, f"{url}/{fragment}", last) for _ in range(RUNS)]
            first, whole = ([one[place] for one in seen] for place in (0, 1))
            print(
                f"{name}: first paint after {statistics.median(first):.0f} ms, most "
                f"{max(first):.0f} ms; all there after {statistics.median(whole):.0f} ms; "
                f"{max(one[2] for one in seen) / 1000:.0f} kB",
                flush=True,
            )
        browser.close()


def _painted(browser: Browser, url: str, last: str) -> tuple[float, float, float]:
    """Milliseconds to the first paint and to the view, and bytes of the page, in a new profile."""
    page = browser.new_context().new_page()
    page.goto(url)
    page.locator(last).first.wait_for()
    found = page.evaluate(_PAINT)
    page.context.close()
    return found["first"], found["now"], found["bytes"]


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
            try_all(service)
            ask(url, {"overview, all tried": asked["overview"]})
            paint(url)


if __name__ == "__main__":
    main()
