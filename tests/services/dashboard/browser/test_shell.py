"""What stands around every view: login, navigation, colours, what is said if it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from benchmarks.dashboard_server import serving
from mba_integrations.services.memory.service import MemoryService

if TYPE_CHECKING:
    from dashboard_tests import Browse
    from playwright.sync_api import Page


@pytest.fixture
def keyed(service: MemoryService) -> Iterator[tuple[str, str]]:
    """A server that asks for keys, and one that may only read."""
    key = service.keys.create("laptop", scopes=["read"]).key
    with serving(service) as url:
        yield url, key


def heading(page: Page, title: str) -> None:
    """Wait for a view with this title."""
    page.get_by_role("heading", level=1, name=title).wait_for()


def test_a_key_is_asked_for_tried_and_forgotten(browse: Browse, keyed: tuple[str, str]) -> None:
    url, key = keyed
    watched = browse("#/w/kate/prompts", url=url)
    watched.expected.append("401")
    page = watched.page
    page.get_by_label("Key").fill("mba_000000000000_wrong")
    page.get_by_role("button", name="Log in").click()
    page.locator(".field-error:not(:empty)").wait_for()
    page.get_by_label("Key").fill(f" {key}\n")
    page.keyboard.press("Enter")
    heading(page, "Prompts")  # the view of the address, not the first one
    assert page.get_by_text("laptop").is_visible()
    assert page.evaluate("document.cookie + JSON.stringify(localStorage)") == "{}"
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Key").wait_for()


def test_a_key_that_is_revoked_meanwhile_leads_to_the_login(
    browse: Browse, keyed: tuple[str, str], service: MemoryService
) -> None:
    url, key = keyed
    watched = browse(url=url)
    watched.expected.append("401")
    page = watched.page
    page.get_by_label("Key").fill(key)
    page.keyboard.press("Enter")
    heading(page, "All workspaces")
    service.keys.revoke(key.split("_")[1])
    page.get_by_role("link", name="kate").click()
    page.get_by_label("Key").wait_for()


def test_views_are_reached_by_the_navigation_and_by_steps_back(browse: Browse) -> None:
    page = browse("#/w/support/overview").page
    heading(page, "Overview")
    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Prompts").click()
    heading(page, "Prompts")
    assert views.locator("[aria-current]").all_text_contents() == ["Prompts"]
    page.wait_for_function("() => document.title.startsWith('Prompts')")
    page.go_back()
    heading(page, "Overview")


def test_another_workspace_is_shown_in_the_same_view(browse: Browse) -> None:
    page = browse("#/w/support/prompts").page
    page.get_by_role("option", name="research").wait_for(state="attached")
    page.get_by_label("Workspace").select_option("research")
    page.wait_for_url("**/#/w/research/prompts")
    page.get_by_label("Workspace").select_option("All workspaces")
    heading(page, "All workspaces")


def test_colours_that_were_chosen_stay(browse: Browse) -> None:
    page = browse("#/").page
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    heading(page, "All workspaces")
    light = page.evaluate(paper)
    page.get_by_label("Colours").select_option("Dark")
    dark = page.evaluate(paper)
    page.reload()
    heading(page, "All workspaces")
    assert (dark != light, page.evaluate(paper)) == (True, dark)
    page.get_by_label("Colours").select_option("System")
    assert page.evaluate(paper) == light


def test_the_keyboard_leads_past_the_navigation(browse: Browse) -> None:
    page = browse("#/w/support/prompts").page
    heading(page, "Prompts")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#/w/support/prompts")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        pytest.param("#/no/such/view", "No view has this address", id="view"),
        pytest.param("#/w/nobody/overview", "there is no workspace 'nobody'", id="workspace"),
        pytest.param("#/w/support/prompts/none", "It may have been forgotten", id="prompt"),
    ],
)
def test_what_is_not_there_is_said_with_a_way_out(browse: Browse, address: str, says: str) -> None:
    watched = browse(address)
    watched.expected.append("404")
    watched.page.get_by_text(says).wait_for()


def test_a_server_that_does_not_answer_is_said_and_tried_again(browse: Browse) -> None:
    watched = browse("#/w/support/prompts")
    watched.expected.append("ERR_FAILED")
    page = watched.page
    heading(page, "Prompts")
    page.route("**/statistics*", lambda route: route.abort())
    page.get_by_role("link", name="Overview").click()
    page.get_by_text("See whether mba serve still runs").wait_for()
    page.unroute("**/statistics*")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("Tokens per tier").wait_for()
