"""What tuning found, in the page: looked for, listed, applied in stages, taken back."""

from __future__ import annotations

from arms import many
from dashboard_tests import Browse
from playwright.sync_api import expect
from proposals import PROPOSED, TOO_LITTLE, found_settings, kept

from benchmarks.dashboard_server import Served, serving
from mba_integrations.learning.gate.arms import judge_arms
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.proposals import ProposalState


def test_what_was_found_is_listed_with_its_grounds(
    walk: Browse, dashboard: Served, own: str
) -> None:
    kept(dashboard.service, own, 1, TOO_LITTLE)
    kept(dashboard.service, own, 2, PROPOSED)
    page = walk(f"#/w/{own}/tuning").page
    cards = page.locator("section.card")
    expect(cards).to_have_count(2)
    for text in (
        "Proposed",
        "It needs less.",
        "min_score0 → 0.25",
        "0.25 to 0.75",
        "320",
        "400 before",
    ):
        expect(cards.first).to_contain_text(text)
    expect(cards.last).to_contain_text("288 are missing.")
    expect(cards.last.get_by_role("button")).to_have_count(0)


def test_a_proposal_is_applied_and_taken_back(walk: Browse, dashboard: Served, own: str) -> None:
    name = kept(dashboard.service, own, 1, PROPOSED)
    page = walk(f"#/w/{own}/tuning").page
    page.get_by_role("button", name="Apply").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Recalls in shadow").fill("7")
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="In shadow")).to_be_visible()
    row = dashboard.service.tuning.get(own, name)
    assert (row.state, row.plan) == (ProposalState.SHADOW, {"shadow": 7, "watch": 500})
    page.get_by_role("button", name="Take back").click()
    dialog.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("taken back by hand.")).to_be_visible()
    assert dashboard.service.tuning.get(own, name).state is ProposalState.TAKEN_BACK


def test_an_experiment_is_shown_as_it_runs_and_taken_back(
    walk: Browse, dashboard: Served, own: str
) -> None:
    service = dashboard.service
    begun = service.tuning.experiment(own, {"stability": 0.9}, share=0.25, recalls=400)
    page = walk(f"#/w/{own}/tuning").page
    card = page.locator("section.card")
    for text in (
        "Tried on live sessions",
        "0 of 400 recalls have feedback",
        "stability0.7 → 0.9",
        "Recalls with feedback",
        "Changed: 25% of the sessions.",
    ):
        expect(card).to_contain_text(text)
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(page.get_by_text("taken back by hand.")).to_be_visible()
    assert service.tuning.get(own, begun.proposal_id).state is ProposalState.TAKEN_BACK
    assert service.workspaces.config(own).experiment is None


def test_the_arms_of_an_experiment_are_shown_with_its_gain(
    walk: Browse, dashboard: Served, own: str
) -> None:
    verdict = judge_arms(many(200), many(180, used_tokens=320))
    found_settings(dashboard.service, own, "experiment-000001", found=verdict.to_dict())
    card = walk(f"#/w/{own}/tuning").page.locator("section.card")
    for text in ("Proposed", "begun", "180", "200 usual", "320", "400 usual", "0.625 to 0.625"):
        expect(card).to_contain_text(text)


def test_a_workspace_without_any_says_what_it_takes(
    walk: Browse, dashboard: Served, own: str
) -> None:
    page = walk(f"#/w/{own}/tuning").page
    expect(page.get_by_text("logging.include_text")).to_be_visible()
    page.get_by_role("button", name="Look for better settings").click()
    expect(page.get_by_role("link", name="See the jobs")).to_be_visible()
    assert [job.kind for job in dashboard.service.jobs.list(own)] == ["tune"]


def test_a_key_without_admin_is_offered_nothing(browse: Browse, service: MemoryService) -> None:
    kept(service, "kate", 1, PROPOSED)
    key = service.keys.create("laptop", scopes=["read"]).key
    with serving(service) as url:
        one = browse("#/w/kate/tuning", url=url)
        one.expected.append("401")
        one.page.get_by_label("Key").fill(key)
        one.page.get_by_label("Key").press("Enter")
        expect(one.page.get_by_text("It needs less.")).to_be_visible()
        for name in ("Look for better settings", "Apply"):
            expect(one.page.get_by_role("button", name=name)).to_have_count(0)
