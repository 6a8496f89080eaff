"""Order that keeps itself: what a run does, its cap, and how one run leads to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from memory_services import Opened, texts

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.services.memory.organising.merges import MergeProposal
from mba_integrations.services.memory.organising.steps import REPEATS
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.testing import Clock


def run(service: MemoryService, **plan: Any) -> dict[str, Any]:
    service.organisation.start("kate", **plan)
    service.jobs.run()
    return dict(service.organisation.last_report("kate") or {})


def test_nothing_is_organised_that_did_not_ask_for_it(service: MemoryService) -> None:
    service.remember("kate", ["Kate skis.", "KATE skis"])
    assert service.jobs.run() == 0
    assert service.organisation.plan("kate") is None


def test_repetitions_are_linked_and_all_stay(service: MemoryService) -> None:
    service.remember("kate", [MemoryItem("a", "Kate skis.", "rag")])
    service.remember("kate", [MemoryItem("b", "kate  SKIS", "project")])
    assert run(service)["linked"] == 1
    assert len(texts(service)) == 2
    assert service.get("kate", "b").metadata == {REPEATS: "a"}
    assert run(service)["linked"] == 0


def test_working_memory_of_a_quiet_session_becomes_long_term_memory(
    service: MemoryService, clock: Clock
) -> None:
    service.remember("kate", {"role": "user", "content": "I moved."}, session_id="old")
    clock.pass_seconds(13 * 3_600)
    service.remember("kate", {"role": "user", "content": "Hello."}, session_id="new")
    report = run(service)
    assert (report["sessions_ended"], report["session_memories_moved"]) == (1, 1)
    found = {row.content: row.tier for row in service.list("kate").rows}
    assert found == {"I moved.": MemoryTier.LONG_TERM, "Hello.": MemoryTier.WORKING}


def test_a_session_that_is_asked_in_goes_on(service: MemoryService, clock: Clock) -> None:
    service.remember("kate", {"role": "user", "content": "I moved."}, session_id="s")
    clock.pass_seconds(13 * 3_600)
    service.recall("kate", "moved?", session_id="s", record_access=False)
    service._equipment.trail.flush()
    assert run(service)["sessions_ended"] == 0


def test_no_run_moves_more_than_its_cap(service: MemoryService, clock: Clock) -> None:
    then = clock() - timedelta(days=60)
    service.remember(
        "kate",
        [
            MemoryItem(f"m{n}", f"Kate {n}.", "project", importance=0.0, created_at=then)
            for n in range(40)
        ],
    )
    clock.pass_seconds(2 * 86_400)
    report = run(service, max_moves_pct=10.0)
    assert report["moved"] == 4
    assert len(service.tiers.undo("kate", report["review_id"])) == 4


def test_a_run_applies_retention_and_prunes(service: MemoryService, clock: Clock) -> None:
    service.workspaces.change_retention("kate", {"rag": {"max_items": 0}})
    service.remember("kate", MemoryItem("a", "Kate skis.", "rag"))
    assert run(service)["retention"] == {"forget": 1}
    assert service.get("kate", "a").state is MemoryState.FORGOTTEN
    clock.pass_seconds(2 * 86_400)
    assert run(service, forgotten_days=1.0)["pruned"]["memory"] == 1


def test_the_log_goes_in_steps_that_writers_get_between(
    service: MemoryService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.remember("kate", "Kate skis.")
    for _ in range(5):
        service.recall("kate", "Kate?")
        clock.pass_seconds(86_400)
    service.statistics("kate")  # writes what waits
    steps: list[int] = []
    remove = pruning.remove_allocations

    def counted(writing: Writing, allocation_ids: Sequence[str], **options: Any) -> dict[str, int]:
        steps.append(len(allocation_ids))
        return remove(writing, allocation_ids, **options)

    monkeypatch.setattr(pruning, "remove_allocations", counted)
    monkeypatch.setattr(pruning, "LOG_STEP", 2)
    pruned = run(service, log_days=1.5, log_item_days=0.5)["pruned"]
    assert (pruned["allocation"], pruned["allocation_item"]) == (4, 5)
    assert steps == [2, 2, 1]
    assert len(service.allocations.list("kate").rows) == 1
    assert service.statistics("kate").allocation_count == 5


def test_runs_follow_each_other_until_they_are_stopped(
    service: MemoryService, clock: Clock
) -> None:
    service.organisation.start("kate", every_hours=2.0)
    runs = []
    for _ in range(4):
        runs.append(service.jobs.run())
        clock.pass_seconds(3_600)
    assert runs == [1, 0, 1, 0]
    assert service.organisation.stop("kate")
    clock.pass_seconds(86_400)
    assert service.jobs.run() == 0
    assert not service.organisation.stop("kate")


def test_a_new_plan_takes_the_place_of_the_old(service: MemoryService) -> None:
    service.organisation.start("kate", every_hours=2.0)
    service.organisation.start("kate", every_hours=5.0)
    assert service.jobs.run() == 1
    plan = service.organisation.plan("kate")
    assert plan is not None
    assert plan.every_hours == 5.0
    assert service.jobs.counts("kate")[JobState.QUEUED] == 1


def test_a_run_that_fails_is_not_the_last(
    service: MemoryService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no")

    service.organisation.start("kate", every_hours=1.0)
    with monkeypatch.context() as patch:
        patch.setattr("mba_integrations.services.memory.organising.job.run_once", broken)
        service.jobs.run()
    clock.pass_seconds(3_600)
    assert service.jobs.run() == 2, "the one that failed, again, and the next"
    assert service.organisation.last_report("kate") is not None


def test_a_plan_that_cannot_be_is_refused(service: MemoryService) -> None:
    with pytest.raises(ConfigError, match="max_moves_pct: must be at most 100"):
        service.organisation.start("kate", max_moves_pct=101.0)
    assert service.organisation.plan("kate") is None


def test_an_extractor_gets_messages_and_its_finds_are_remembered(opened: Opened) -> None:
    seen: list[Any] = []

    def extractor(messages: list[dict[str, Any]]) -> list[Any]:
        seen.append(messages)
        return ["Kate moved to Rome.", "", MemoryItem("x", "Kate skis.", "project")]

    service = opened(extractor=extractor)
    service.create_workspace("kate")
    said = [{"role": "user", "content": "I moved."}, {"role": "assistant", "content": "Ah."}]
    service.remember("kate", said, session_id="s", subject="kate")
    service.remember("kate", "A text is no message.")
    assert service.jobs.run() == 1
    assert [(one["role"], one["content"]) for one in seen[0]] == [
        ("user", "I moved."),
        ("assistant", "Ah."),
    ]
    rows = {row.content: row for row in service.list("kate").rows}
    found = rows["Kate moved to Rome."]
    assert (found.subject, found.session_id, found.author) == ("kate", "s", "extractor")
    assert rows["Kate skis."].tier is MemoryTier.PROJECT
    [job] = service.jobs.list("kate")
    assert job.result is not None
    assert (job.result["remembered"], len(job.result["refused"])) == (2, 1)


def test_what_was_forgotten_before_its_turn_is_not_extracted(opened: Opened) -> None:
    service = opened(extractor=lambda messages: [one["content"] + "!" for one in messages])
    service.create_workspace("kate")
    [name] = service.remember("kate", {"role": "user", "content": "Secret"}).memory_ids
    service.forget("kate", name)
    service.jobs.run()
    assert texts(service) == []


def proposing(*ids: str) -> Any:
    return lambda items: [MergeProposal(memory_ids=ids, content="Kate skis and sails.")]


def test_a_merge_is_proposed_and_done_only_when_accepted(opened: Opened) -> None:
    service = opened(organiser=proposing("a", "b"))
    service.create_workspace("kate")
    service.remember(
        "kate", [MemoryItem("a", "Kate skis.", "rag"), MemoryItem("b", "Kate sails.", "rag")]
    )
    [proposal] = service.merges.propose("kate")
    assert len(texts(service)) == 2
    [new] = service.merges.accept("kate", proposal.proposal_id).memory_ids
    assert texts(service) == ["Kate skis and sails."]
    assert service.get("kate", "a").superseded_by == new
    assert service.get("kate", "b").state is MemoryState.FORGOTTEN
    with pytest.raises(InputError, match="is not active any more"):
        service.merges.accept("kate", proposal.proposal_id)


def test_a_rule_accepts_what_it_says_yes_to(opened: Opened) -> None:
    service = opened(organiser=proposing("a", "b"))
    service.create_workspace("kate")
    service.remember("kate", [MemoryItem("a", "A.", "rag"), MemoryItem("b", "B.", "rag")])
    service.merges.propose("kate", accept=lambda one: False)
    assert len(texts(service)) == 2
    service.merges.propose("kate", accept=lambda one: True)
    assert len(texts(service)) == 1


@pytest.mark.parametrize(
    ("organiser", "said"),
    [
        pytest.param(None, "has no organiser", id="none"),
        pytest.param(proposing("a"), "two memories or more", id="one-memory"),
        pytest.param(lambda items: ["a"], "must give MergeProposals", id="no-proposal"),
    ],
)
def test_an_organiser_that_proposes_no_merge_is_refused(
    opened: Opened, organiser: Any, said: str
) -> None:
    service = opened(organiser=organiser)
    service.create_workspace("kate")
    with pytest.raises(InputError, match=said):
        service.merges.propose("kate")
