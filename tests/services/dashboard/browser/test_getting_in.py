"""Who may look: logging in with a key and out again, and what a key may not do is not offered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_tests import Browse
from playwright.sync_api import expect
from watched_pages import assert_no_serious_faults

from benchmarks.dashboard_server import Served, serving
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter


@pytest.fixture
def locked(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """A server that asks for a key, and a key that may look and not change."""
    path = shutil.copy(sqlite_template, tmp_path / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        service.create_workspace("kate")
        service.remember("kate", "Kate skis.")
        key = service.keys.create("laptop", scopes=[Scope.READ]).key
        with serving(service) as url:
            yield Served(url=url, service=service), key


def test_a_key_lets_in_and_logging_out_ends_it(browse: Browse, locked: tuple[Served, str]) -> None:
    served, key = locked
    one = browse("#/w/kate/memories", url=served.url)
    one.expected.append("401")
    page = one.page
    assert_no_serious_faults(page)
    page.get_by_label("Key").fill("mba_0_wrong")
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Key").fill(key)
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_role("link", name="Kate skis.")).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    assert key not in page.content()
    expect(page.get_by_text("Your key may look and not change.")).to_be_visible()
    for name in ("Remember", "Forget", "Pin"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("link", name="Kate skis.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Key")).to_be_visible()


def test_settings_are_only_shown_to_who_may_not_change_them(
    browse: Browse, locked: tuple[Served, str]
) -> None:
    served, key = locked
    page = browse("#/w/kate/settings", url=served.url).page
    page.get_by_label("Key").fill(key)
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_label("Max total tokens")).to_be_disabled()
    expect(page.get_by_text("A key with the scope admin may.")).to_be_visible()


def test_the_keyboard_alone_leads_to_a_memory(browse: Browse) -> None:
    page = browse("#/w/support/memories").page
    expect(page.get_by_role("table", name="Memories")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') && document.activeElement.href"):
            break
    shown = page.evaluate("document.activeElement.matches(':focus-visible')")
    assert shown
    assert "solid" in page.evaluate("getComputedStyle(document.activeElement).outline")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Edit")).to_be_visible()


def test_a_dialog_keeps_the_focus_and_gives_it_back(browse: Browse) -> None:
    page = browse("#/w/support/memories").page
    page.get_by_role("button", name="Remember").press("Enter")
    dialog = page.get_by_role("dialog")
    for _ in range(6):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside
    assert_no_serious_faults(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Remember")).to_be_focused()
