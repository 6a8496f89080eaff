"""Memories in the page: searched, filtered, edited, pinned, moved, forgotten, and their history."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from dashboard_tests import Browse
from playwright.sync_api import Page, expect

from benchmarks.dashboard_server import Served
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.memories import MemoryState


def rows_of(page: Page) -> list[str]:
    """The texts that the list shows."""
    return page.get_by_role("table", name="Memories").get_by_role("link").all_inner_texts()


def test_words_find_the_best_match_first(walk: Browse) -> None:
    page = walk("#/w/support/memories").page
    page.get_by_label("Search").fill("gives its lease back")
    first = page.get_by_role("table", name="Memories").get_by_role("link").first
    expect(first).to_have_text("A worker that is killed gives its lease back after thirty seconds.")
    assert "q=gives+its+lease+back" in page.url


@pytest.mark.parametrize(
    ("label", "option", "expected"),
    [
        pytest.param("Tier", "Project", "fact in project", id="tier"),
        pytest.param("State", "forgotten", "Note 4:", id="state"),
        pytest.param("Pinned", None, "Kate lives in Oslo", id="pinned"),
        pytest.param("Contains", "Note 5:", "Note 5:", id="text"),
    ],
)
def test_a_filter_leaves_what_fits(
    walk: Browse, dashboard: Served, label: str, option: str | None, expected: str
) -> None:
    page = walk("#/w/support/memories").page
    field = page.get_by_label(label, exact=True)
    if option is None:
        field.check()
    elif label in ("Tier", "State"):
        field.select_option(label=option)
    else:
        field.fill(option)
    if label == "Tier":
        expect(page.locator("td .tier-working")).to_have_count(0)
        expect(page.locator("td .tier-project").first).to_be_visible()
    else:
        expect(page.get_by_role("table", name="Memories").get_by_role("link")).to_have_count(1)
        assert expected in rows_of(page)[0]


def test_more_rows_come_by_a_button_until_there_are_none(walk: Browse) -> None:
    page = walk("#/w/support/memories").page
    more = page.get_by_role("button", name="Show more")
    links = page.get_by_role("table", name="Memories").get_by_role("link")
    expect(links).to_have_count(50)
    more.click()
    expect(links).to_have_count(100)
    expect(more).to_be_focused()
    more.click()
    expect(more).to_be_hidden()
    assert links.count() > 100
    expect(page.get_by_label("Choose").nth(100)).to_be_focused()


def test_nothing_found_says_what_to_do(walk: Browse) -> None:
    page = walk("#/w/support/memories?text=nowhere").page
    expect(page.get_by_text("No memory fits")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("table", name="Memories")).to_be_visible()


def test_several_are_pinned_moved_and_forgotten(walk: Browse, dashboard: Served, own: str) -> None:
    page = walk(f"#/w/{own}/memories").page
    for tier in ("working", "project"):
        page.get_by_label(f"Choose Kate keeps a {tier} fact.").check()
    expect(page.get_by_text("2 memories chosen")).to_be_visible()
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_text("pinned", exact=True)).to_have_count(2)
    assert dashboard.service.get(own, f"{own}/working").pinned
    page.get_by_label("Choose Kate keeps a working fact.").check()
    page.get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_label("To").select_option("rag")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.locator("td .tier-rag")).to_have_count(2)
    assert dashboard.service.get(own, f"{own}/working").tier is MemoryTier.RAG
    page.get_by_label("Choose Kate keeps a project fact.").check()
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_label("Why").fill("said twice")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert dashboard.service.get(own, f"{own}/project").state is MemoryState.ACTIVE
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.get_by_text("Kate keeps a project fact.")).to_have_count(0)
    assert dashboard.service.get(own, f"{own}/project").state is MemoryState.FORGOTTEN


def test_a_memory_is_remembered_and_opened(walk: Browse, dashboard: Served, own: str) -> None:
    page = walk(f"#/w/{own}/memories").page
    page.get_by_role("button", name="Remember").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Text").fill("Tom skis <b>fast</b>.")
    dialog.get_by_label("Tier").select_option("project")
    dialog.get_by_role("button", name="Remember").click()
    page.get_by_role("link", name="Tom skis <b>fast</b>.").click()
    expect(page.get_by_label("Text", exact=True)).to_have_text("Tom skis <b>fast</b>.")
    assert dashboard.service.counts(own)[MemoryTier.PROJECT] == 2


def test_another_text_takes_the_place_and_the_history_has_both(
    walk: Browse, dashboard: Served, own: str
) -> None:
    page = walk(f"#/w/{own}/memories/{quote(f'{own}/long_term', safe='')}").page
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Another text").fill("Kate keeps two facts.")
    page.get_by_label("Why").fill("counted again")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kate keeps two facts.")
    history = page.locator(".history")
    expect(history.get_by_text("Replaced by another text")).to_be_visible()
    expect(history.get_by_text("counted again").first).to_be_visible()
    old = dashboard.service.get(own, f"{own}/long_term")
    assert old.state is MemoryState.SUPERSEDED
    history.get_by_role("link").first.click()
    expect(page.get_by_text("Another text took its place.")).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)


def test_one_memory_is_held_released_and_forgotten(
    walk: Browse, dashboard: Served, own: str
) -> None:
    name = f"{own}/rag"
    page = walk(f"#/w/{own}/memories/{quote(name, safe='')}").page
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("held", exact=True)).to_be_visible()
    assert dashboard.service.get(own, name).held
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Hold")).to_be_visible()
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.get_by_text("no prompt has it any more")).to_be_visible()
    assert dashboard.service.get(own, name).state is MemoryState.FORGOTTEN
