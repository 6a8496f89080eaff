"""Documents, upkeep, spending and jobs in the page."""

from __future__ import annotations

from dashboard_tests import Browse
from playwright.sync_api import expect

from benchmarks.dashboard_server import Served
from mba_integrations.core.model import MemoryTier
from mba_integrations.services import OrganisationPlan, RagService
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.memories import MemoryState


def test_a_document_is_opened_and_removed(walk: Browse, dashboard: Served, own: str) -> None:
    rag = RagService(dashboard.service)
    rag.put_document(own, "a/leave.md", text="# Leave\n\nBen approves leave.\n", title="Leave")
    page = walk(f"#/w/{own}/documents").page
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    expect(page.get_by_label("Piece")).to_contain_text("Ben approves leave.")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 piece")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No documents yet")).to_be_visible()
    assert rag.list(own).documents == ()


def test_retention_is_tried_saved_and_applied(walk: Browse, dashboard: Served, own: str) -> None:
    page = walk(f"#/w/{own}/upkeep").page
    expect(page.get_by_text("Nothing would go now.")).to_be_visible()
    page.get_by_label("Project: Memories at most").fill("0")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("1 memory would go now")).to_be_visible()
    expect(page.get_by_text("These rules are not saved")).to_be_visible()
    apply = page.get_by_role("button", name="Apply now")
    expect(apply).to_be_disabled()
    page.get_by_role("button", name="Save the rules").click()
    expect(apply).to_be_enabled()
    assert dashboard.service.get(own, f"{own}/project").state is MemoryState.ACTIVE
    apply.click()
    page.get_by_role("dialog").get_by_role("button", name="Apply now").click()
    expect(page.get_by_text("Nothing would go now.")).to_be_visible()
    assert dashboard.service.get(own, f"{own}/project").state is MemoryState.FORGOTTEN


def test_a_review_moves_memories_and_moves_them_back(
    walk: Browse, dashboard: Served, own: str
) -> None:
    name = f"{own}/long_term"
    for session in "abc":
        dashboard.service.recall(own, "What does Kate keep?", session_id=session)
    dashboard.service.equipment.trail.flush()
    dashboard.service.workspaces.change(
        own, promotion={"min_stay_days": 0, "promote_threshold": 0.35, "demote_threshold": 0.1}
    )
    page = walk(f"#/w/{own}/upkeep").page
    page.get_by_role("button", name="Review now").click()
    row = page.get_by_role("row").filter(has_text="Kate keeps a long_term fact.")
    expect(row).to_contain_text("Project")
    page.get_by_label("Move Kate keeps a project fact.").uncheck()
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("moved.")).to_be_visible()
    assert dashboard.service.get(own, name).tier is MemoryTier.PROJECT
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("moved back.")).to_be_visible()
    assert dashboard.service.get(own, name).tier is MemoryTier.LONG_TERM


def test_spend_is_shown_apart_and_beside_its_budgets(walk: Browse) -> None:
    page = walk("#/w/support/gateway").page
    expect(page.get_by_text("session session-0")).to_be_visible()
    expect(page.get_by_role("row", name="small 16")).to_be_visible()
    page.get_by_role("button", name="Level").click()
    expect(page.get_by_role("row", name="simple 16")).to_be_visible()
    expect(page.get_by_text("routes are only recorded")).to_be_visible()
    assert "by=level" in page.url


def test_a_workspace_without_calls_says_how_to_make_some(walk: Browse, own: str) -> None:
    page = walk(f"#/w/{own}/gateway").page
    expect(page.get_by_text("No calls in this window")).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_text("mba serve --gateway")).to_be_visible()


def test_a_job_is_cancelled_and_tried_again(walk: Browse, dashboard: Served, own: str) -> None:
    service = dashboard.service
    service.organisation.start(own, OrganisationPlan())
    page = walk(f"#/jobs?workspace={own}").page
    expect(page.get_by_text("1 queued")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("1 cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert service.jobs.counts(own)[JobState.CANCELLED] == 1
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 queued")).to_be_visible()
    page.get_by_role("tab", name="Jobs").press("ArrowRight")
    expect(page.get_by_text("mba serve --local")).to_be_visible()
    page.get_by_role("tab", name="Order").click()
    expect(page.get_by_text("every hours")).to_be_visible()
