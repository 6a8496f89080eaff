"""Settings learned from past recalls: found by a job, switched on in stages, taken back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened, on_both
from postgres_server import emptied
from proposals import found_settings
from sqlalchemy import create_engine, inspect

from benchmarks.tuning_traffic import WRONG, memories
from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate import verdict
from mba_integrations.learning.tuning.studies import Studies
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tuning.switching import LOOK_EVERY
from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.testing import Clock

pytest.importorskip("optuna")
TEXTS = {"logging": {"include_text": True}}
QUESTION = "Where does Kate live?"
ASKED = 110
"""Half of them have room for what was needed, and the gate wants 50 of those."""


def kate(opened: Opened, **settings: Any) -> MemoryService:
    """A service with a workspace that logs texts and has a few memories."""
    service = opened()
    service.create_workspace("kate", **{**TEXTS, **settings})
    texts = [f"Kate lived in house {number} of the street." for number in range(20)]
    service.remember(
        "kate", [MemoryItem(f"m{place}", text, "rag") for place, text in enumerate(texts)]
    )
    return service


def proposed(
    service: MemoryService, changes: Mapping[str, Any], proposal_id: str = "tune-000001"
) -> ProposalRow:
    """Proposed settings, as the job leaves them."""
    return found_settings(service, "kate", proposal_id, changes=changes)


def recalls(service: MemoryService, clock: Clock, count: int, **said: Any) -> None:
    """As many recalls, one a second, with what is said of them."""
    for _ in range(count):
        clock.pass_seconds(1)
        reply = service.recall("kate", QUESTION, budget_tokens=60)
        if said:
            service.feedback("kate", reply.allocation_id, **said)


def looked(service: MemoryService, clock: Clock) -> ProposalRow:
    """The latest proposal after the next look."""
    clock.pass_seconds(LOOK_EVERY.total_seconds() + 1)
    service.equipment.trail.flush()
    service.jobs.run()
    failed = service.jobs.list("kate", states=[JobState.FAILED])
    waiting = [one.error for one in service.jobs.list("kate") if one.error]
    assert not failed
    assert not waiting
    return service.tuning.list("kate")[0]


@on_both
def test_a_proposal_goes_from_shadow_to_live_to_watched_to_kept(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    proposed(service, {"stability": 0.5})
    applied = service.tuning.apply("kate", "tune-000001", shadow=3, watch=60, actor="ann")
    assert applied.state is ProposalState.SHADOW
    recalls(service, clock, 2)
    assert looked(service, clock).state is ProposalState.SHADOW
    assert service.workspaces.config("kate").stability == 0.7
    recalls(service, clock, 1)
    live = looked(service, clock)
    assert (live.state, live.live_version) == (ProposalState.LIVE, 2)
    assert live.shadow is not None
    assert service.workspaces.config("kate").stability == 0.5
    recalls(service, clock, 30)
    assert looked(service, clock).state is ProposalState.WATCHED
    recalls(service, clock, 30)
    assert looked(service, clock).state is ProposalState.KEPT
    assert not service.jobs.counts("kate")[JobState.QUEUED]
    assert [one.version for one in service.workspaces.versions("kate")] == [1, 2]


@on_both
def test_settings_that_do_worse_are_taken_back_by_themselves(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    recalls(service, clock, 40, thumb="up")
    proposed(service, {"stability": 0.5})
    clock.pass_seconds(1)
    service.tuning.apply("kate", "tune-000001", shadow=0)
    service.workspaces.change("kate", description="changed since")
    recalls(service, clock, 40, thumb="down")
    found = looked(service, clock)
    assert found.state is ProposalState.TAKEN_BACK
    assert found.reason == "prompts that a person liked: 0.000 in 40 recalls, 1.000 before."
    now = service.workspaces.config("kate")
    assert (now.stability, now.description) == (0.7, "changed since")
    assert [one.version for one in service.workspaces.versions("kate")] == [1, 2, 3, 4]


def test_a_shadow_that_costs_more_is_taken_back_and_nothing_was_switched(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened, token_price=0.02)
    proposed(service, {"token_price": 0.0})
    service.tuning.apply("kate", "tune-000001", shadow=2)
    recalls(service, clock, 2)
    found = looked(service, clock)
    assert found.state is ProposalState.TAKEN_BACK
    assert "costs" in (found.reason or "")
    assert service.workspaces.row("kate").settings_version == 1


def test_settings_that_somebody_changed_meanwhile_are_not_written_over(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    proposed(service, {"stability": 0.5})
    service.tuning.apply("kate", "tune-000001", shadow=1)
    service.workspaces.change("kate", stability=0.9)
    recalls(service, clock, 1)
    found = looked(service, clock)
    assert found.state is ProposalState.TAKEN_BACK
    assert "version 2" in (found.reason or "")
    assert service.workspaces.config("kate").stability == 0.9


@on_both
@pytest.mark.parametrize("shadow", [5, 0], ids=["in-shadow", "live"])
def test_settings_are_taken_back_by_hand(opened: Opened, clock: Clock, shadow: int) -> None:
    service = kate(opened)
    proposed(service, {"stability": 0.5})
    service.tuning.apply("kate", "tune-000001", shadow=shadow)
    found = service.tuning.rollback("kate")
    assert (found.state, found.reason) == (ProposalState.TAKEN_BACK, "taken back by hand.")
    assert service.workspaces.config("kate").stability == 0.7
    with pytest.raises(UnknownProposalError, match="no settings to take back"):
        service.tuning.rollback("kate")
    assert looked(service, clock).state is ProposalState.TAKEN_BACK


def test_one_proposal_at_a_time_is_on_its_way(opened: Opened) -> None:
    service = kate(opened)
    proposed(service, {"stability": 0.5})
    proposed(service, {"stability": 0.4}, "tune-000002")
    service.tuning.apply("kate", "tune-000001")
    with pytest.raises(UnknownProposalError, match="has to wait"):
        service.tuning.apply("kate", "tune-000002")


def test_what_is_no_proposal_is_not_applied(opened: Opened) -> None:
    service = kate(opened)
    with pytest.raises(UnknownProposalError, match="no proposal 'tune-000007'"):
        service.tuning.apply("kate", "tune-000007")
    proposed(service, {"stability": 0.5})
    service.tuning.rollback("kate", "tune-000001")
    with pytest.raises(UnknownProposalError, match="is taken_back"):
        service.tuning.apply("kate", "tune-000001")


@pytest.mark.parametrize(
    "numbers", [{"trials": 0}, {"workers": 33}, {"seed": -1}, {"trials": 10_001}], ids=str
)
def test_numbers_out_of_range_are_refused(opened: Opened, numbers: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(numbers))):
        kate(opened).tuning.run("kate", **numbers)


@on_both
def test_a_run_on_little_says_what_is_missing(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    recalls(service, clock, 3, cited=["m1"])
    job = service.tuning.run("kate")
    service.jobs.run()
    found = service.tuning.get("kate", job.job_id)
    assert (found.state, found.changes) == (ProposalState.FOUND, {})
    assert found.found["answer"] == "not_enough"
    assert "3 of 300 allocations" in found.found["reasons"][0]
    with pytest.raises(UnknownProposalError, match="is found"):
        service.tuning.apply("kate", job.job_id)


def test_a_workspace_does_not_see_the_proposals_of_others(opened: Opened) -> None:
    service = kate(opened)
    service.create_workspace("ben")
    proposed(service, {"stability": 0.5})
    assert service.tuning.list("ben") == ()
    with pytest.raises(UnknownProposalError):
        service.tuning.apply("ben", "tune-000001")


def test_a_deleted_workspace_takes_its_proposals_along(opened: Opened) -> None:
    service = kate(opened)
    proposed(service, {"stability": 0.5})
    assert service.workspaces.delete("kate")["proposal"] == 1


def test_settings_that_are_wrong_on_purpose_are_mended_on_ones_own_log(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "LEAST_ALLOCATIONS", ASKED)
    service = opened()
    service.create_workspace("kate", **{**TEXTS, **WRONG})
    service.remember("kate", list(memories(clock())))
    facts = [one.id for one in memories() if one.id.startswith("fact")]
    for number in range(ASKED):
        clock.pass_seconds(60)
        needed = facts[number * 7 % len(facts)]
        _, who, what = needed.split("-")
        reply = service.recall(
            "kate",
            f"What is the {what} made of that {who.capitalize()} bought?",
            # Now and then a caller has room for all, and so it is known what was needed.
            budget_tokens=3000 if number % 2 else 250,
        )
        if needed in reply.allocation.selected_ids:
            service.feedback("kate", reply.allocation_id, cited=[needed])
    job = service.tuning.run("kate", trials=3, workers=0)
    service.jobs.run()
    found = service.tuning.get("kate", job.job_id)
    assert found.state is ProposalState.PROPOSAL, found.found["reasons"]
    gain = found.found["comparison"]["gain"]
    assert 0.0 < gain["low"] <= gain["value"] <= gain["high"]
    service.tuning.apply("kate", job.job_id, shadow=0)
    question = "What is the piano made of that Mina bought?"
    assert (
        "fact-mina-piano"
        in service.recall("kate", question, budget_tokens=250).allocation.selected_ids
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_of_studies_is_for_its_owner_alone_as_that_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with MemoryService.open(path) as service, Studies(service.equipment.store.studies_url) as one:
        one.opened("kate")
        modes = {found.name: found.stat().st_mode & 0o777 for found in tmp_path.iterdir()}
    assert modes["m.db.studies"] == modes["m.db"] == 0o600
    with Studies(f"sqlite:///{path}.studies") as again:
        assert again.names() == ["kate"]


def test_studies_stand_beside_the_store_and_not_in_it(postgres_database: str) -> None:
    with (
        open_store(emptied(postgres_database)) as store,
        Studies(store.studies_url) as studies,
    ):
        studies.opened("one")
        assert studies.completed("one") == 0
        studies.drop("one")
    engine = create_engine(postgres_database.replace("postgresql://", "postgresql+psycopg://"))
    try:
        assert "trials" in inspect(engine).get_table_names(schema="mba_tuning")
        assert "trials" not in inspect(engine).get_table_names()
    finally:
        engine.dispose()
