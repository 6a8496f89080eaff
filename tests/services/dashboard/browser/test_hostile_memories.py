"""Memories that attack the page: nothing of them runs, and the layout holds."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from dashboard_tests import Browse
from playwright.sync_api import expect
from watched_pages import assert_no_serious_faults, sideways_scroll

from benchmarks.dashboard_made import HOSTILE
from benchmarks.dashboard_server import Served

MADE = "script, iframe, base, svg [onload], [onerror], [onmouseover], a[href^='javascript']"


@pytest.mark.parametrize("view", ["memories", "documents", "upkeep", "settings", "prompts"])
def test_a_view_shows_them_as_text(walk: Browse, view: str) -> None:
    page = walk(f"#/w/hostile/{view}", width=360).page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".spinner")).to_have_count(0)
    if view == "memories":
        expect(page.locator("tbody tr").first).to_be_attached()
    while view == "memories" and page.get_by_role("button", name="Show more").is_visible():
        count = page.locator("tbody tr").count()
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("tbody tr").nth(count)).to_be_attached()
    if view == "memories":
        assert page.locator("tbody tr").count() > HOSTILE
    assert page.evaluate("window.__ran") is None
    assert page.locator("main").locator(MADE).count() == 0
    assert sideways_scroll(page) == 0


@pytest.mark.parametrize("number", [*range(12), 57])
def test_one_of_them_is_shown_whole(walk: Browse, dashboard: Served, number: int) -> None:
    name = f"<b id={number}>'\"&/"
    page = walk(f"#/w/hostile/memories/{quote(name, safe='')}", width=360).page
    whole = page.get_by_label("Text", exact=True)
    expect(whole).to_be_visible()
    assert (
        whole.evaluate("one => one.textContent") == dashboard.service.get("hostile", name).content
    )
    assert page.evaluate("window.__ran") is None
    assert page.locator("main").locator(MADE).count() == 0
    assert sideways_scroll(page) == 0
    if number == 57:  # 100,000 characters without a space
        assert_no_serious_faults(page)


def test_a_document_of_a_hostile_name_is_opened(walk: Browse) -> None:
    page = walk("#/w/hostile/documents", width=360).page
    page.get_by_role("button", name="<img src=x").click()
    expect(page.get_by_label("Piece")).to_contain_text("<script>window.__ran = 1</script>")
    assert page.evaluate("window.__ran") is None
    assert sideways_scroll(page) == 0
