"""What tuning found, in the page: looked for, listed, applied in stages, taken back."""

from __future__ import annotations

from dataclasses import asdict

from dashboard_tests import Browse
from playwright.sync_api import expect
from proposals import found_settings
from watched_pages import assert_no_serious_faults, sideways_scroll

from benchmarks.dashboard_server import Served, serving
from mba_integrations.learning.gate.bootstrap import Interval
from mba_integrations.learning.gate.comparison import Comparison, Side
from mba_integrations.learning.gate.verdict import Answer, Verdict
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.proposals import ProposalState

BEFORE = Side(
    evidence=0.75,
    evidence_per_1000_tokens=2.0,
    mean_used_tokens=400.0,
    mean_cost=400.0,
    utilisation=0.8,
    stability=None,
    unfit=0,
)
GAIN = Interval(value=0.5, low=0.25, high=0.75)
COMPARED = Comparison(
    before=BEFORE,
    after=Side(**{**asdict(BEFORE), "evidence_per_1000_tokens": 2.5, "mean_used_tokens": 320.0}),
    gain=GAIN,
    evidence_points=GAIN,
    workspace_points={},
)
PROPOSED = Verdict(answer=Answer.PROPOSAL, reasons=("It needs less.",), comparison=COMPARED)
TOO_LITTLE = Verdict(answer=Answer.NOT_ENOUGH, reasons=("12 of 300 allocations: 288 are missing.",))


def kept(service: MemoryService, workspace: str, number: int, verdict: Verdict) -> str:
    """What a job found, in the store."""
    is_proposed = verdict.answer is Answer.PROPOSAL
    return found_settings(
        service,
        workspace,
        f"tune-{number:06}",
        state=ProposalState.PROPOSAL if is_proposed else ProposalState.FOUND,
        changes={"min_score": 0.25} if is_proposed else {},
        found=verdict.to_dict(),
    ).proposal_id


def test_what_was_found_is_listed_with_its_grounds(
    browse: Browse, dashboard: Served, own: str
) -> None:
    kept(dashboard.service, own, 1, TOO_LITTLE)
    kept(dashboard.service, own, 2, PROPOSED)
    page = browse(f"#/w/{own}/tuning").page
    cards = page.locator("section.card")
    expect(cards).to_have_count(2)
    for text in ("Proposed", "It needs less.", "min_score", "0.25 to 0.75", "320", "400 before"):
        expect(cards.first).to_contain_text(text)
    expect(cards.last).to_contain_text("288 are missing.")
    expect(cards.last.get_by_role("button")).to_have_count(0)
    assert_no_serious_faults(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    assert sideways_scroll(page) == 0
    assert_no_serious_faults(page, rules=("color-contrast",))


def test_a_proposal_is_applied_and_taken_back(browse: Browse, dashboard: Served, own: str) -> None:
    name = kept(dashboard.service, own, 1, PROPOSED)
    page = browse(f"#/w/{own}/tuning").page
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


def test_a_workspace_without_any_says_what_it_takes(
    browse: Browse, dashboard: Served, own: str
) -> None:
    page = browse(f"#/w/{own}/tuning").page
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
