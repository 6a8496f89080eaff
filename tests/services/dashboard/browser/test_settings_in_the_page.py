"""Settings in the page: refused beside their fields, tried on past prompts, saved, taken back."""

from __future__ import annotations

from dashboard_tests import Browse
from playwright.sync_api import expect

from benchmarks.dashboard_server import Served


def test_a_setting_is_saved_and_a_version_of_it_is_kept(
    walk: Browse, dashboard: Served, own: str
) -> None:
    page = walk(f"#/w/{own}/settings").page
    page.get_by_label("Max total tokens").fill("750")
    page.get_by_label("Borrowing").uncheck()
    page.get_by_text("Logging").click()
    page.get_by_label("Include text").check()
    expect(page.get_by_text("3 settings changed, not saved")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("not saved")).to_be_hidden()
    config = dashboard.service.workspaces.config(own)
    assert (config.max_total_tokens, config.borrowing) == (750, False)
    assert config.logging.include_text
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_text("500 → 750")).to_be_visible()
    page.get_by_role("button", name="Take these up again").click()
    expect(page.get_by_label("Max total tokens")).to_have_value("500")
    expect(page.get_by_text("3 settings changed, not saved")).to_be_visible()


def test_what_is_refused_is_said_beside_its_field(walk: Browse, own: str) -> None:
    one = walk(f"#/w/{own}/settings")
    one.expected.append("422")
    page, price = one.page, one.page.get_by_label("Min score")
    price.fill("2")
    expect(page.get_by_text("must be at most 1, got 2.")).to_be_visible()
    expect(price).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    price.fill("0")
    page.get_by_label("Working memory").fill("0.9")
    expect(page.get_by_text("shares sum to 1.6, must sum to 1.0.")).to_be_visible()
    page.get_by_label("Tier cap tokens").fill("{no json")
    expect(page.get_by_label("Tier cap tokens")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Drop changes").click()
    expect(page.get_by_label("Working memory")).to_have_value("0.3")


def test_a_change_of_somebody_else_is_said_and_not_lost(
    walk: Browse, dashboard: Served, own: str
) -> None:
    one = walk(f"#/w/{own}/settings")
    one.expected.append("412")
    page = one.page
    page.get_by_label("Stability").fill("0.5")
    dashboard.service.workspaces.change(own, max_total_tokens=900)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody else changed these settings meanwhile")).to_be_visible()
    expect(page.get_by_text("They changed: Max total tokens.")).to_be_visible()
    page.get_by_role("button", name="Load theirs, keep my changes on top").click()
    expect(page.get_by_label("Max total tokens")).to_have_value("900")
    expect(page.get_by_label("Stability")).to_have_value("0.5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("not saved")).to_be_hidden()
    config = dashboard.service.workspaces.config(own)
    assert (config.max_total_tokens, config.stability) == (900, 0.5)


def test_a_change_is_tried_on_past_prompts_before_it_is_saved(
    walk: Browse, dashboard: Served
) -> None:
    before = dashboard.service.workspaces.row("research").settings_version
    page = walk("#/w/research/settings").page
    page.get_by_label("Min score").fill("0.5")
    page.get_by_role("button", name="Try on the latest 200 prompts").click()
    expect(page.get_by_text("10 prompts chosen again with these settings.")).to_be_visible()
    expect(page.get_by_text("Memories leaving")).to_be_visible()
    assert dashboard.service.workspaces.row("research").settings_version == before
