"""Figures over a workspace and over all, in windows, and the ways that lead on from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from mba_integrations.core.model import MemoryTier

if TYPE_CHECKING:
    from dashboard_tests import Browse
    from playwright.sync_api import Page

    from benchmarks.dashboard_server import Served


def tile(page: Page, label: str) -> str:
    """The figure of a tile."""
    shown = page.locator(".tile", has_text=label).locator("dd")
    return (shown.text_content() or "").strip()


@pytest.mark.parametrize(("window", "hours"), [("1h", 1), ("24h", 24), ("7d", 168)])
def test_a_window_shows_what_the_service_counts(
    browse: Browse, dashboard: Served, window: str, hours: int
) -> None:
    page = browse(f"#/w/support/overview?window={window}").page
    page.locator(".tile").first.wait_for()
    found = dashboard.service.statistics("support", time_window_hours=hours)
    assert tile(page, "Prompts").startswith(str(found.allocation_count))
    assert page.get_by_role("button", pressed=True).text_content() == f"{window[:-1]} {window[-1]}"


def test_another_window_is_one_request_and_stands_in_the_address(
    browse: Browse, dashboard: Served
) -> None:
    page = browse("#/w/support/overview").page
    page.get_by_text("would have come into").first.wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.get_by_role("button", name="1 h").click()
    hour = dashboard.service.statistics("support", time_window_hours=1).allocation_count
    page.locator(".tile dd", has_text=re.compile(f"^{hour}")).first.wait_for()
    assert page.url.endswith("?window=1h")
    assert [path.rpartition("/")[2] for path in asked if "/v1/" in path] == ["statistics"]


def test_a_chart_has_its_values_as_a_table(browse: Browse, dashboard: Served) -> None:
    page = browse("#/w/support/overview").page
    chart = page.locator("figure", has_text="Tokens in prompts per tier")
    chart.get_by_text("As a table").click()
    rows = chart.locator("tbody tr")
    rows.first.wait_for()
    shown = [row.split("\t") for row in chart.locator("tbody").inner_text().splitlines() if row]
    numbers = [[int(one.replace(",", "")) for one in row[1:]] for row in shown]
    found = dashboard.service.statistics("support", time_window_hours=24, by="hour")
    tokens = [[one.tier_used_tokens.get(tier, 0) for tier in MemoryTier] for one in found.groups]
    assert numbers == [row for row in tokens if any(row)]


def test_tiers_are_listed_with_what_more_tokens_would_be_worth(browse: Browse) -> None:
    page = browse("#/w/support/overview").page
    card = page.locator("section", has_text="Which tier starves")
    card.locator(".bar").first.wait_for()
    worth = [float(text.lstrip("+")) for text in card.locator(".bar-value").all_text_contents()]
    assert len(worth) == len(MemoryTier)
    assert worth == sorted(worth, reverse=True)


def test_a_bar_leads_to_the_prompts_of_its_span(browse: Browse) -> None:
    page = browse("#/w/support/overview").page
    plot = page.locator("figure", has_text="Tokens in prompts per tier").locator(".u-over")
    plot.wait_for()
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.8})
    page.get_by_role("heading", name="Prompts").wait_for()
    page.locator(".table tbody tr").first.wait_for()
    assert (
        page.get_by_label("From").input_value() < page.get_by_label("To", exact=True).input_value()
    )
    assert 1 <= page.locator(".table tbody tr").count() <= 3  # one each twenty minutes


def test_all_workspaces_together_are_the_sum_of_each(browse: Browse, dashboard: Served) -> None:
    page = browse("#/").page
    page.locator(".tile").first.wait_for()
    service = dashboard.service
    found = service.allocations.statistics(service.workspaces.ids(), time_window_hours=24)
    assert tile(page, "Prompts").startswith(str(found.allocation_count))
    page.get_by_role("link", name="support").click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_a_workspace_that_nobody_asked_says_how_to(browse: Browse, own: str) -> None:
    page = browse(f"#/w/{own}/overview").page
    page.get_by_text("No prompts in this window").wait_for()
    assert f"-w {own}" in (page.locator(".command code").text_content() or "")


def test_a_recall_is_counted_while_one_looks(browse: Browse, dashboard: Served, own: str) -> None:
    dashboard.service.recall(own, "What does Kate keep?")
    page = browse(f"#/w/{own}/overview?window=1h").page
    page.locator(".live.on").wait_for()
    assert tile(page, "Prompts").startswith("1")
    dashboard.service.recall(own, "What does Kate keep now?")
    page.locator(".tile dd", has_text=re.compile("^2")).first.wait_for()
