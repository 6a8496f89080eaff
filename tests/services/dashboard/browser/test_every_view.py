"""Every view in both themes and at both widths: nothing breaks, nobody is kept out, nothing scrolls
sideways, and a few requests are all that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from watched_pages import assert_no_serious_faults, sideways_scroll

if TYPE_CHECKING:
    from dashboard_tests import Browse
    from playwright.sync_api import Page

    from benchmarks.dashboard_server import Served

VIEWS = {
    "workspaces": ("#/", "All workspaces"),
    "overview": ("#/w/support/overview", "Overview"),
    "prompts": ("#/w/support/prompts", "Prompts"),
    "memories": ("#/w/support/memories", "Memories"),
    "memory": ("#/w/support/memories/note-3", "Note 3"),
    "documents": ("#/w/support/documents", "Documents"),
    "upkeep": ("#/w/support/upkeep", "Upkeep"),
    "settings": ("#/w/support/settings", "Settings"),
    "gateway": ("#/w/support/gateway", "Gateway"),
    "tuning": ("#/w/support/tuning", "Tuning"),
    "jobs": ("#/jobs", "Jobs and stores"),
    "nowhere": ("#/nowhere/at/all", "Nothing here"),
}
LAST = {"overview": "would have come into"}
"""What shows that the last request of a view was answered."""
MOST_REQUESTS = 2


def settled(page: Page, title: str) -> None:
    """Wait until a view stands."""
    page.locator("main").get_by_text(title).first.wait_for()
    page.locator(".spinner").first.wait_for(state="detached")


@pytest.mark.parametrize(("path", "title"), VIEWS.values(), ids=VIEWS)
def test_a_view_holds_in_both_themes_and_widths(walk: Browse, path: str, title: str) -> None:
    page = walk(path).page
    settled(page, title)
    assert_no_serious_faults(page)
    page.emulate_media(color_scheme="dark")
    assert_no_serious_faults(page, rules=("color-contrast",))
    page.set_viewport_size({"width": 360, "height": 740})
    assert sideways_scroll(page) == 0
    assert_no_serious_faults(
        page, rules=("color-contrast", "target-size", "scrollable-region-focusable")
    )


@pytest.mark.parametrize("view", ["prompt", "compare"])
def test_a_view_of_prompts_does_so_too(walk: Browse, dashboard: Served, view: str) -> None:
    rows = dashboard.service.allocations.list("support", limit=2).rows
    first, second = (row.allocation_id for row in rows)
    path = f"prompts/{first}" if view == "prompt" else f"compare/{first}/{second}"
    page = walk(f"#/w/support/{path}").page
    settled(page, "prompt" if view == "prompt" else "side by side")
    assert_no_serious_faults(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    assert sideways_scroll(page) == 0
    assert_no_serious_faults(page, rules=("color-contrast",))


@pytest.mark.parametrize("view", [*VIEWS, "prompt", "compare"])
def test_a_view_takes_few_requests(walk: Browse, dashboard: Served, view: str) -> None:
    page = walk("#/nowhere").page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    rows = dashboard.service.allocations.list("support", limit=2).rows
    first, second = (row.allocation_id for row in rows)
    of_prompts = {"prompt": f"prompts/{first}", "compare": f"compare/{first}/{second}"}
    path, title = VIEWS.get(view, (f"#/w/support/{of_prompts.get(view)}", "prompt"))
    page.evaluate("path => { location.hash = path }", path)
    settled(page, LAST.get(view, title))
    own = [one for one in asked if "/v1/" in one and not one.endswith("/events")]
    assert len(own) <= MOST_REQUESTS, asked
