"""A browser and a server with made data for all tests, and a page for each that is watched."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from dashboard_tests import Browse
from proposals import PROPOSED, TOO_LITTLE, kept
from watched_pages import PATIENCE_MS, Chromium, Theme, Watched, chromium_path

from benchmarks.dashboard_server import Served, served_dashboard
from mba_integrations import MemoryItem, MemoryTier

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GO = """address => new Promise((there) => {
  if (location.hash === address) return there();
  addEventListener("hashchange", () => there(), { once: true });
  location.hash = address;
})"""
"""Goes to a view; what was shown before is gone when it ends."""


@pytest.fixture(scope="session")
def started_chromium() -> Iterator[Chromium]:
    """The browser of the session."""
    path = chromium_path()
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed; it is in the dependency group 'test'.")
    if path is None:
        pytest.skip("there is no chromium: apt-get install chromium, or set PLAYWRIGHT_CHROMIUM.")
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    with Chromium.started(path) as started:
        yield started


@pytest.fixture
def chromium(started_chromium: Chromium) -> Iterator[Browser]:
    """The browser, for one test."""
    with started_chromium.in_use() as browser:
        yield browser


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with made data. Tests that change something make a workspace of their own."""
    path = tmp_path_factory.mktemp("dashboard") / "memory.db"
    with served_dashboard(path) as served:
        for number, verdict in enumerate((TOO_LITTLE, PROPOSED), start=1):
            kept(served.service, "support", number, verdict)
        yield served


@pytest.fixture
def browse(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """Opens pages of a server, the made one by default; a fault in one of them fails the test."""
    watched: list[Watched] = []

    def opened(
        path: str = "", *, url: str = "", width: int = 1440, theme: Theme = "light"
    ) -> Watched:
        url = url or request.getfixturevalue("dashboard").url
        one = Watched.opened(chromium, urlsplit(url).netloc, width=width, theme=theme)
        watched.append(one)
        one.page.goto(f"{url}/dashboard/{path}")
        return one

    yield opened
    for one in watched:
        one.page.context.close()
    faults = [fault for one in watched for fault in one.unexpected]
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def still_open() -> list[Watched]:
    """The page that `walk` goes on in, once there is one."""
    return []


@pytest.fixture
def walk(chromium: Browser, dashboard: Served, still_open: list[Watched]) -> Iterator[Browse]:
    """As `browse`, on the server with made data, in a page that is open from tests before: it goes
    on to a view as by a link, which takes a fraction of the time. Not for what is kept in a page.
    """

    def gone_on(path: str = "", *, width: int = 1440, theme: Theme = "light") -> Watched:
        if not still_open:
            one = Watched.opened(chromium, urlsplit(dashboard.url).netloc, width=width, theme=theme)
            one.page.goto(f"{dashboard.url}/dashboard/#/nowhere")
            one.page.locator("main h1, main .empty").first.wait_for()
            still_open.append(one)
        one = still_open[0]
        one.page.set_viewport_size({"width": width, "height": 900})
        one.page.emulate_media(color_scheme=theme)
        for address in ("#/nowhere", path or "#/"):
            one.page.evaluate(GO, address)
        return one

    yield gone_on
    if not still_open:
        return
    faults = still_open[0].unexpected
    still_open[0].faults.clear()
    still_open[0].expected.clear()
    assert not faults, "\n".join(faults)


@pytest.fixture
def own(dashboard: Served) -> str:
    """A workspace for one test, with a fact in each tier."""
    workspace = f"own-{uuid4().hex[:8]}"
    dashboard.service.create_workspace(workspace, max_total_tokens=500)
    for tier in MemoryTier:
        text = f"Kate keeps a {tier.value} fact."
        item = MemoryItem(f"{workspace}/{tier.value}", text, tier)
        dashboard.service.remember(workspace, item)
    return workspace
