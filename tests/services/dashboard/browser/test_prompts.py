"""Prompts: found, taken apart, tried with another budget, and put side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from mba_integrations.core.model import OmissionReason

if TYPE_CHECKING:
    from dashboard_tests import Browse
    from playwright.sync_api import Page

    from benchmarks.dashboard_server import Served

ROWS = ".table tbody tr"


def open_prompt(walk: Browse, dashboard: Served, more: str = "", *, of: str = "support") -> Page:
    """The latest prompt of a workspace, taken apart."""
    latest = dashboard.service.allocations.list(of, limit=1).rows[0].allocation_id
    page = walk(f"#/w/{quote(of, safe='')}/prompts/{latest}{more}").page
    page.locator(".finder").wait_for()
    return page


def test_why_a_memory_was_left_out_is_two_clicks_from_the_overview(walk: Browse) -> None:
    page = walk("#/w/support/overview").page
    page.get_by_role("link", name="Prompts").click()
    page.locator(ROWS).first.get_by_role("link").click()
    left_out = page.locator(".item.out").first
    left_out.wait_for()
    assert (left_out.locator(".item-state").text_content() or "").startswith("Out: ")


@pytest.mark.parametrize("reason", ["outranked", "too_large"])
def test_a_reason_leads_to_prompts_and_to_what_they_left_out_for_it(
    walk: Browse, dashboard: Served, reason: str
) -> None:
    page = walk("#/w/support/overview").page
    name = reason.replace("_", " ").capitalize()
    page.locator("section", has_text="Left out, by reason").get_by_role("link", name=name).click()
    page.locator(ROWS).first.wait_for()
    found = dashboard.service.allocations.list(
        "support", reason=OmissionReason(reason), limit=50
    ).rows
    assert page.locator(ROWS).count() == len(found)
    page.locator(ROWS).first.get_by_role("link").click()
    page.locator(".finder").wait_for()
    states = page.locator(".item-state").all_text_contents()
    assert set(states) <= {f"Out: {name}"}


def test_filters_narrow_and_can_be_taken_away(walk: Browse, dashboard: Served) -> None:
    page = walk("#/w/support/prompts").page
    page.get_by_role("searchbox", name="Session").fill("session-2")
    page.wait_for_url("**session_id=session-2")
    expected = len(dashboard.service.allocations.list("support", session_id="session-2").rows)
    page.locator(f"tbody tr:nth-child({expected}):last-child").wait_for()
    assert page.locator(ROWS).count() == expected
    page.get_by_role("searchbox", name="Session").fill("nobody")
    page.get_by_text("No prompt fits").wait_for()
    page.get_by_role("link", name="Show all").click()
    page.locator(ROWS).first.wait_for()


def test_columns_are_sorted_in_both_directions(walk: Browse) -> None:
    page = walk("#/w/support/prompts").page
    page.locator(ROWS).first.wait_for()
    by_tokens = page.get_by_role("button", name="Tokens")

    def shown() -> list[int]:
        texts = page.locator(".tokens").all_text_contents()
        return [int(text.split(" of ")[0].replace(",", "")) for text in texts]

    by_tokens.click()
    assert shown() == sorted(shown(), reverse=True)
    by_tokens.click()
    assert shown() == sorted(shown())
    assert page.get_by_role("columnheader", name="Tokens").get_attribute("aria-sort") == "ascending"


def test_new_prompts_come_by_themselves(walk: Browse, dashboard: Served, own: str) -> None:
    dashboard.service.recall(own, "What does Kate keep?")
    page = walk(f"#/w/{own}/prompts").page
    page.locator(".live.on").wait_for()
    page.locator(ROWS).first.wait_for()
    reply = dashboard.service.recall(own, "What came after that?", session_id="live")
    page.locator("tr.fresh").wait_for()
    link = page.locator(ROWS).first.get_by_role("link")
    assert reply.allocation_id in (link.get_attribute("href") or "")
    assert page.locator(ROWS).count() == 2


def test_a_prompt_that_comes_leaves_the_focus_where_it_is(
    walk: Browse, dashboard: Served, own: str
) -> None:
    first, second = (dashboard.service.recall(own, f"What is {one}?") for one in ("a", "b"))
    page = walk(f"#/w/{own}/prompts").page
    page.locator(".live.on").wait_for()
    page.locator(ROWS).nth(1).get_by_role("link").focus()
    page.evaluate("window.__row = document.activeElement.closest('tr')")
    for count in (3, 4):
        dashboard.service.recall(own, f"What came {count}?")
        page.locator(f"tbody tr:nth-child({count})").wait_for()
    assert first.allocation_id in page.evaluate("document.activeElement.href")
    assert page.evaluate("document.activeElement.closest('tr') === window.__row")
    page.get_by_role("button", name="When").click()
    page.get_by_role("button", name="When").click()
    page.locator(ROWS).nth(1).get_by_role("checkbox").focus()
    dashboard.service.recall(own, "What came last?")
    page.locator("tbody tr:nth-child(5)").wait_for()
    focused = page.evaluate("document.activeElement.closest('tr').querySelector('a').href")
    assert second.allocation_id in focused
    page.keyboard.press("Space")
    assert page.locator(ROWS).nth(1).get_by_role("checkbox").is_checked()


def test_rows_that_are_shown_follow_an_erasure(walk: Browse, dashboard: Served, own: str) -> None:
    dashboard.service.workspaces.change(own, logging={"include_text": True})
    for name in ("first", "second"):
        dashboard.service.recall(own, f"What does Kate keep {name}?")
    page = walk(f"#/w/{own}/prompts").page
    page.get_by_role("link", name="Kate keep second").wait_for()
    page.locator(".live.on").wait_for()
    tick = page.locator(ROWS).first.get_by_role("checkbox")
    tick.check()
    tick.focus()
    dashboard.service.erasures.erase(own, memory_ids=f"{own}/project")
    page.get_by_role("link", name="Question not logged").nth(1).wait_for()
    assert page.locator(ROWS).count() == 2
    assert tick.is_checked()
    assert tick.evaluate("one => one === document.activeElement")
    assert page.locator("tr.fresh").count() == 0


def test_every_memory_is_there_with_tokens_score_signals_and_reason(
    walk: Browse, dashboard: Served
) -> None:
    page = open_prompt(walk, dashboard)
    latest = dashboard.service.allocations.list("support", limit=1).rows[0]
    logged = dashboard.service.allocations.get("support", latest.allocation_id).items
    assert page.locator(".item.in").count() == sum(one.selected for one in logged)
    assert page.locator(".item.out").count() >= sum(not one.selected for one in logged)
    one = page.locator(".item.out").first
    one.locator("summary").click()
    one.locator(".item-more").wait_for()
    assert re.search(r"Left out: .+\.", one.locator(".why").text_content() or "")
    assert one.locator(".signals li").count() > 0
    assert re.search(r"\d+ tokens?score", one.locator(".item-figures").text_content() or "")


def test_a_memory_is_found_by_typing(walk: Browse, dashboard: Served) -> None:
    page = open_prompt(walk, dashboard)
    page.get_by_role("searchbox", name="Find a memory").fill("NOTE 12:")
    page.get_by_text("1 memory of").wait_for()
    assert "Note 12:" in (page.locator(".item-text").text_content() or "")
    page.get_by_role("searchbox", name="Find a memory").fill("nothing like this")
    page.get_by_text("No memory that was decided on has this").wait_for()


def test_an_address_may_name_the_memory(walk: Browse, dashboard: Served) -> None:
    page = open_prompt(walk, dashboard, "?find=note-12")
    assert page.locator(".item[open] .item-more").count() == 1


def test_the_prompt_is_shown_as_it_was_made_tier_by_tier(walk: Browse, dashboard: Served) -> None:
    latest = dashboard.service.allocations.list("support", limit=1).rows[0].allocation_id
    again = dashboard.service.allocations.replay("support", latest)
    page = open_prompt(walk, dashboard)
    written = page.get_by_role("region", name="The prompt as sent")
    lines = (written.text_content() or "").split()
    assert lines == again.prompt_text.split()
    pieces = written.locator(".piece-item")
    assert {pieces.nth(place).get_attribute("data-memory") for place in range(pieces.count())} == (
        set(again.selected_ids)
    )


def test_the_slider_shows_what_a_smaller_budget_would_leave_out(
    walk: Browse, dashboard: Served
) -> None:
    page = open_prompt(walk, dashboard)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Budget").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    page.locator(".moves .leaving").first.wait_for()
    told = page.locator(".slider-result").text_content() or ""
    count = int(re.findall(r"(\d+) would leave", told)[0])
    assert page.locator(".item.leaving").count() == count > 0
    assert "Would leave" in (page.locator(".item.leaving").first.text_content() or "")
    assert page.locator(".piece.leaving").count() > 0
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert len(asked) == 1  # one curve for all of them


def test_a_question_that_was_not_logged_can_be_said(
    walk: Browse, dashboard: Served, own: str
) -> None:
    dashboard.service.recall(own, "What does Kate keep?")
    page = open_prompt(walk, dashboard, of=own)
    assert page.get_by_role("region", name="The prompt as sent").count() == 0
    page.get_by_label("The question was not logged").fill("What does Kate keep?")
    page.get_by_role("button", name="Make it again").click()
    page.get_by_role("region", name="The prompt as sent").get_by_text(
        "Kate keeps a"
    ).first.wait_for()


def test_two_prompts_stand_side_by_side_with_what_both_begin_with(
    walk: Browse, dashboard: Served
) -> None:
    page = walk("#/w/support/prompts").page
    page.locator(ROWS).first.wait_for()
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare these two").click()
    page.locator(".beside").wait_for()
    second, first = (
        row.allocation_id for row in dashboard.service.allocations.list("support", limit=2).rows
    )
    found = dashboard.service.allocations.difference("support", first, second)
    assert page.locator(".piece.entering").count() <= len(found.entering)
    tiles = " ".join(page.locator(".tile").all_text_contents())
    assert f"Entering{len(found.entering)}only" in tiles
    assert f"Leaving{len(found.leaving)}only" in tiles
    reused = page.get_by_role("region", name="First prompt").locator(".reused").all_text_contents()
    other = page.get_by_role("region", name="Second prompt").locator(".reused").all_text_contents()
    assert "".join(reused) == "".join(other)


def test_the_prompt_before_is_one_click_away(walk: Browse, dashboard: Served) -> None:
    page = open_prompt(walk, dashboard)
    page.get_by_role("button", name="Beside the one before").click()
    page.get_by_role("heading", name="Two prompts side by side").wait_for()


def test_texts_that_attack_the_page_are_only_text(walk: Browse, dashboard: Served) -> None:
    page = open_prompt(walk, dashboard, of="hostile")
    for place in range(12):
        page.locator(".item summary").nth(place).click()
    page.locator(".item-more").nth(11).wait_for()
    assert page.evaluate("window.__ran") is None
    assert page.locator("main script, main img, main iframe, main style").count() == 0
