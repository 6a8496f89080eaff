"""Figures over a workspace and over all, in windows, and the ways that lead on from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.past import trials

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
    walk: Browse, dashboard: Served, window: str, hours: int
) -> None:
    page = walk(f"#/w/support/overview?window={window}").page
    page.locator(".tile").first.wait_for()
    found = dashboard.service.statistics("support", time_window_hours=hours)
    assert tile(page, "Prompts").startswith(str(found.allocation_count))
    assert page.get_by_role("button", pressed=True).text_content() == f"{window[:-1]} {window[-1]}"


def test_another_window_is_one_request_and_stands_in_the_address(
    walk: Browse, dashboard: Served
) -> None:
    page = walk("#/w/support/overview").page
    page.get_by_text("would have come into").first.wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.get_by_role("button", name="1 h").click()
    hour = dashboard.service.statistics("support", time_window_hours=1).allocation_count
    page.locator(".tile dd", has_text=re.compile(f"^{hour}")).first.wait_for()
    assert page.url.endswith("?window=1h")
    assert [path.rpartition("/")[2] for path in asked if "/v1/" in path] == ["statistics"]


def test_a_chart_has_its_values_as_a_table(walk: Browse, dashboard: Served) -> None:
    page = walk("#/w/support/overview").page
    chart = page.locator("figure", has_text="Tokens in prompts per tier")
    chart.get_by_text("As a table").click()
    rows = chart.locator("tbody tr")
    rows.first.wait_for()
    shown = [row.split("\t") for row in chart.locator("tbody").inner_text().splitlines() if row]
    numbers = [[int(one.replace(",", "")) for one in row[1:]] for row in shown]
    found = dashboard.service.statistics("support", time_window_hours=24, by="hour")
    tokens = [[one.tier_used_tokens.get(tier, 0) for tier in MemoryTier] for one in found.groups]
    assert numbers == [row for row in tokens if any(row)]


def test_tiers_are_listed_with_what_more_tokens_would_be_worth(walk: Browse) -> None:
    page = walk("#/w/support/overview").page
    card = page.locator("section", has_text="Which tier starves")
    card.locator(".bar").first.wait_for()
    worth = [float(text.lstrip("+")) for text in card.locator(".bar-value").all_text_contents()]
    assert len(worth) == len(MemoryTier)
    assert worth == sorted(worth, reverse=True)


def test_further_prompts_are_tried_until_none_is_left(
    walk: Browse, dashboard: Served, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "STARVING_SECONDS", -1.0)
    dashboard.service.workspaces.change(own, logging={"include_text": True})
    for name in "abc":
        dashboard.service.recall(own, f"What does Kate keep of {name}?")
    page = walk(f"#/w/{own}/overview").page
    card = page.locator("section", has_text="Which tier starves")
    card.get_by_text("would have come into 1 prompt.").first.wait_for()
    more = card.get_by_role("button", name="Try 2 more prompts")
    more.focus()
    page.keyboard.press("Enter")
    card.get_by_text("would have come into 3 prompts.").first.wait_for()
    more.wait_for(state="hidden")
    assert card.evaluate("card => card.contains(document.activeElement)")


def test_where_no_question_is_logged_the_way_to_log_them_is_shown(
    walk: Browse, dashboard: Served, own: str
) -> None:
    dashboard.service.recall(own, "What does Kate keep?")
    page = walk(f"#/w/{own}/overview").page
    card = page.locator("section", has_text="Which tier starves")
    card.get_by_text("None of the latest prompts can be asked again").wait_for()
    card.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Settings").wait_for()


def test_a_bar_leads_to_the_prompts_of_its_span(walk: Browse) -> None:
    page = walk("#/w/support/overview").page
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


def test_the_table_of_a_chart_leads_to_the_prompts_of_a_span(walk: Browse) -> None:
    page = walk("#/w/support/overview").page
    chart = page.locator("figure", has_text="Tokens in prompts per tier")
    chart.get_by_text("As a table").focus()
    page.keyboard.press("Enter")
    chart.get_by_role("link").nth(1).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Prompts").wait_for()
    page.locator(".table tbody tr").first.wait_for()
    assert 1 <= page.locator(".table tbody tr").count() <= 3


def test_all_workspaces_together_are_the_sum_of_each(walk: Browse, dashboard: Served) -> None:
    page = walk("#/").page
    page.locator(".tile").first.wait_for()
    service = dashboard.service
    found = service.allocations.statistics(service.workspaces.ids(), time_window_hours=24)
    assert tile(page, "Prompts").startswith(str(found.allocation_count))
    page.get_by_role("link", name="support").click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_a_workspace_that_was_made_meanwhile_is_listed(walk: Browse, dashboard: Served) -> None:
    page = walk("#/").page
    main = page.get_by_role("main")
    main.get_by_role("link", name="support").wait_for()
    dashboard.service.create_workspace("made-meanwhile")
    page.get_by_role("link", name="Jobs and stores").click()
    page.get_by_role("heading", name="Jobs and stores").wait_for()
    page.get_by_role("link", name="All workspaces").click()
    main.get_by_role("link", name="made-meanwhile").wait_for()
    dashboard.service.workspaces.delete("made-meanwhile")


def test_a_workspace_that_nobody_asked_says_how_to(walk: Browse, own: str) -> None:
    page = walk(f"#/w/{own}/overview").page
    page.get_by_text("No prompts in this window").wait_for()
    assert f"-w {own}" in (page.locator(".command code").text_content() or "")


def test_a_recall_is_counted_while_one_looks(walk: Browse, dashboard: Served, own: str) -> None:
    dashboard.service.recall(own, "What does Kate keep?")
    page = walk(f"#/w/{own}/overview?window=1h").page
    page.locator(".live.on").wait_for()
    assert tile(page, "Prompts").startswith("1")
    complexity = page.locator("section", has_text="How full").get_by_role("link")
    complexity.focus()
    dashboard.service.recall(own, "What does Kate keep now?")
    page.locator(".tile dd", has_text=re.compile("^2")).first.wait_for()
    assert complexity.evaluate("one => one === document.activeElement")
