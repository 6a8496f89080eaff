"""Recalls while an experiment runs: a session stays in its arm, and is decided again as then."""

from __future__ import annotations

from typing import Any

import pytest
from memory_services import Opened, on_both

from mba_integrations import MemoryItem
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.replay.replay import replay
from mba_integrations.services.memory.recalling.arms import Arm
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.testing import Clock, WordCounter

CHANGES = {"max_total_tokens": 90, "scoring_method": "weighted_sum"}
EXPERIMENT = {"id": "e1", "share": 0.5, "changes": CHANGES}
QUESTIONS = ("Where does Kate live?", "Who skis on Friday?", "What is invoice 7 about?")
SESSIONS = tuple(f"s{number}" for number in range(12))


def kate(opened: Opened) -> MemoryService:
    service = opened()
    service.create_workspace("kate", max_total_tokens=200, logging={"include_text": True})
    texts = [f"Kate paid invoice {number} on Friday in Lisbon." for number in range(16)]
    service.remember(
        "kate", [MemoryItem(f"m{place}", text, "rag") for place, text in enumerate(texts)]
    )
    return service


def asked(service: MemoryService, clock: Clock, sessions: tuple[str | None, ...]) -> list[str]:
    """Each question in each session; ids of the recalls."""
    found = []
    for question in QUESTIONS:
        for session in sessions:
            clock.pass_seconds(1)
            reply = service.recall("kate", question, session_id=session)
            found.append(reply.allocation_id)
    return found


def ceilings(service: MemoryService, session: str | None = None) -> set[int]:
    """Ceilings of the settings that recalls of a session were decided under."""
    page = service.allocations.list("kate", session_id=session, limit=500)
    records = service.allocations.replay_records("kate")
    ids = {row.allocation_id for row in page.rows}
    return {one.settings["max_total_tokens"] for one in records if one.allocation_id in ids}


def test_a_session_stays_in_its_arm_and_both_arms_have_some(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    asked(service, clock, SESSIONS)
    arms = {session: ceilings(service, session) for session in SESSIONS}
    assert arms == {one: {config.dealt(one).max_total_tokens} for one in SESSIONS}
    assert {90, 200} == set().union(*arms.values())


def test_outside_of_sessions_the_question_decides(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    for number in range(12):
        question = f"What is invoice {number} about?"
        budgets = {service.recall("kate", question).budget_tokens for _ in range(2)}
        dealt = config.dealt(hash_of(question)).max_total_tokens
        assert max(budgets) <= dealt
        assert len(budgets) == 1


@on_both
def test_what_an_experiment_dealt_is_decided_again_as_then(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    sessions = (*SESSIONS[:4], None)
    asked(service, clock, sessions)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    asked(service, clock, sessions)
    # Another experiment deals the same sessions anew, in the middle of them.
    service.workspaces.change("kate", experiment={**EXPERIMENT, "id": "e2", "share": 0.4})
    asked(service, clock, sessions)
    service.workspaces.change("kate", experiment=None)
    asked(service, clock, sessions)
    found = service.allocations.replay_records("kate")
    records = list(found)
    assert len(records) == 4 * len(QUESTIONS) * len(sessions)
    assert not found.skipped
    decided = replay(records, token_counter=WordCounter())
    assert all(again.is_as_then(one) for one, again in zip(records, decided, strict=True))
    assert {one.settings["scoring_method"] for one in records} == {"usefulness", "weighted_sum"}
    assert all(one.settings["experiment"] is None for one in records)


def test_a_past_recall_says_its_arm(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    [before] = asked(service, clock, SESSIONS[:1])[:1]
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    service.workspaces.change("kate", description="another version")
    ids = [service.recall("kate", QUESTIONS[0], session_id=one).allocation_id for one in SESSIONS]
    service.workspaces.change("kate", experiment=None)
    assert service.allocations.arm("kate", before) is None
    assert service.allocations.apart("kate", before).arm is None
    for session, allocation_id in zip(SESSIONS, ids, strict=True):
        changed = config.dealt(session).max_total_tokens == 90
        arm = Arm(experiment="e1", changed=changed)
        apart = service.allocations.apart("kate", allocation_id)
        assert (service.allocations.arm("kate", allocation_id), apart.arm) == (arm, arm)
        which = "changed" if changed else "usual"
        said = f"Experiment 'e1' ran then, and this recall had the {which} settings."
        assert said in apart.notes


def test_one_recall_is_asked_again_under_the_settings_of_its_arm(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    for session in SESSIONS:
        reply = service.recall("kate", QUESTIONS[0], session_id=session)
        again = service.allocations.replay("kate", reply.allocation_id)
        assert again.selected_ids == reply.allocation.selected_ids
        tried = service.allocations.replay(
            "kate", reply.allocation_id, settings={"recent_share": 0.0}
        )
        assert tried.budget_tokens <= config.dealt(session).max_total_tokens


def test_what_other_settings_would_do_is_compared_with_the_usual_ones(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    asked(service, clock, SESSIONS[:2])
    service.workspaces.change("kate", experiment=EXPERIMENT)
    found = service.allocations.effect("kate", {"description": "no other choice"})
    assert (found.looked_at, found.same) == (6, 6)
    # Settings that the experiment's changes would contradict are tried all the same.
    assert service.allocations.effect("kate", {"tier_floor_tokens": {"rag": 120}}).looked_at == 6


def test_how_much_a_memory_is_worth_goes_by_the_usual_settings(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    before = service.search("kate", QUESTIONS[0])
    service.workspaces.change("kate", experiment={**EXPERIMENT, "share": 0.999})
    after = service.search("kate", QUESTIONS[0])
    assert [one.score for one in after.hits] == [one.score for one in before.hits]


def test_an_export_has_the_settings_without_the_experiment(opened: Opened, tmp_path: Any) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    path = tmp_path / "kate.jsonl"
    service.transfer.export_to("kate", path)
    assert b"weighted_sum" not in path.read_bytes()
    other = opened()
    other.create_workspace("ben")
    other.transfer.import_from("ben", path)
    assert other.workspaces.config("ben").experiment is None


def test_what_is_written_around_a_prompt_may_ask_for_settings(opened: Opened) -> None:
    """Who writes the reply reads the usual settings; the next try has those of the arm still."""
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    session = next(one for one in SESSIONS if config.dealt(one) != config.usual)

    def written(reply: Any) -> str:
        assert service.workspaces.config("kate") == config
        return f"{reply.prompt_text} and much more that is written around it, as a receipt"

    reply = service.recall(
        "kate", QUESTIONS[0], budget_tokens=80, session_id=session, written=written
    )
    again = service.allocations.replay("kate", reply.allocation_id)
    assert again.selected_ids == reply.allocation.selected_ids


def test_the_settings_of_an_arm_are_left_to_no_other_call(opened: Opened) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    config = service.workspaces.config("kate")
    for session in SESSIONS:
        service.recall("kate", QUESTIONS[0], session_id=session)
        assert service.equipment.settings.find("kate") == config


def test_settings_of_an_arm_are_parsed_once_for_a_version(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = kate(opened)
    service.workspaces.change("kate", experiment=EXPERIMENT)
    for session in SESSIONS:
        service.recall("kate", QUESTIONS[0], session_id=session)
    monkeypatch.setattr(WorkspaceConfig, "with_changes", None)
    monkeypatch.setattr(WorkspaceConfig, "__init__", None)
    for session in SESSIONS:
        service.recall("kate", QUESTIONS[1], session_id=session)
