"""Experiments on live sessions: begun, looked at, ended with a verdict or early."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from memory_services import Opened, on_both

from mba_integrations import MemoryItem
from mba_integrations.core.config.workspace import InvalidWorkspaceError
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.learning.gate import arms
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tuning import seen, tuning
from mba_integrations.services.memory.tuning.switching import LOOK_EVERY
from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.testing import Clock

FIRST = "experiment-000001"
RECALLS = 40
FEWER_TOKENS = {"max_total_tokens": 40}
"""Enough for what is asked, where the usual settings bring all that there is."""
Said = Callable[[str], Mapping[str, Any]]


@pytest.fixture
def small_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is content with little."""
    monkeypatch.setattr(tuning, "LEAST_ALLOCATIONS", RECALLS)
    for name, value in {"LEAST_ALLOCATIONS": RECALLS, "LEAST_POSITIVES": 20}.items():
        monkeypatch.setattr(arms, name, value)


def kate(opened: Opened, **settings: Any) -> MemoryService:
    service = opened()
    own = {"max_total_tokens": 400, "logging": {"include_text": True}, **settings}
    service.create_workspace("kate", **own)
    texts = [f"Kate paid invoice {number} for {number} pounds." for number in range(20)]
    service.remember(
        "kate", [MemoryItem(f"m{place}", text, "rag") for place, text in enumerate(texts)]
    )
    return service


def cited(memory_id: str) -> Mapping[str, Any]:
    return {"cited": [memory_id]}


def traffic(
    service: MemoryService, clock: Clock, numbers: range, *, said: Said | None = cited
) -> None:
    """A question in each session, answered by one memory."""
    for number in numbers:
        clock.pass_seconds(1)
        asked = f"What of invoice {number % 20}?"
        reply = service.recall("kate", asked, session_id=f"session-{number}")
        if said is not None and f"m{number % 20}" in reply.allocation.selected_ids:
            service.feedback("kate", reply.allocation_id, **said(f"m{number % 20}"))


def looked(service: MemoryService, clock: Clock, proposal_id: str = FIRST) -> ProposalRow:
    """The experiment after the next look."""
    clock.pass_seconds(LOOK_EVERY.total_seconds() + 1)
    service.equipment.trail.flush()
    service.jobs.run()
    assert not [one.error for one in service.jobs.list("kate") if one.error]
    return service.tuning.get("kate", proposal_id)


@on_both
@pytest.mark.usefixtures("small_gate")
def test_a_gain_is_proposed_and_can_be_applied(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    begun = service.tuning.experiment("kate", FEWER_TOKENS, share=0.4, recalls=RECALLS, actor="ann")
    assert (begun.proposal_id, begun.state) == (FIRST, ProposalState.EXPERIMENT)
    assert (begun.live_version, begun.plan) == (2, {"share": 0.4, "recalls": RECALLS})
    assert service.workspaces.config("kate").max_total_tokens == 400
    traffic(service, clock, range(20))
    going = looked(service, clock)
    assert (going.state, going.found["answer"]) == (ProposalState.EXPERIMENT, "not_enough")
    assert going.found["reasons"] == [f"20 of {RECALLS} recalls have feedback on their memories."]
    sides = going.found["arms"]
    assert sides["usual"]["recalls"] + sides["changed"]["recalls"] == 20
    assert min(sides["usual"]["recalls"], sides["changed"]["recalls"]) > 0
    assert sides["gain"] is None
    assert going.changed_at == begun.changed_at

    traffic(service, clock, range(20, 44))
    found = looked(service, clock)
    assert (found.state, found.found["answer"]) == (ProposalState.PROPOSAL, "proposal")
    sides = found.found["arms"]
    assert sides["usual"]["recalls"] + sides["changed"]["recalls"] == RECALLS
    assert sides["gain"]["low"] > 0.0
    assert sides["changed"]["mean_used_tokens"] < 25 < sides["usual"]["mean_used_tokens"]
    assert (found.from_version, found.live_version, found.live_at) == (3, None, None)
    versions = service.workspaces.versions("kate")
    assert [one.settings["experiment"] is None for one in versions] == [True, False, True]
    assert {**versions[2].settings} == {**versions[0].settings}
    assert versions[1].actor == "ann"
    assert not service.jobs.counts("kate")[JobState.QUEUED]

    applied = service.tuning.apply("kate", FIRST, shadow=2)
    assert (applied.state, applied.plan) == (ProposalState.SHADOW, {"shadow": 2, "watch": 500})
    traffic(service, clock, range(44, 46))
    assert looked(service, clock).state is ProposalState.LIVE
    assert service.workspaces.config("kate").max_total_tokens == 40


@on_both
@pytest.mark.usefixtures("small_gate")
def test_without_a_gain_the_settings_are_as_before(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    before = service.workspaces.config("kate")
    service.tuning.experiment("kate", {"half_life_days": 181.0}, recalls=RECALLS)
    traffic(service, clock, range(44))
    found = looked(service, clock)
    assert (found.state, found.found["answer"]) == (ProposalState.FOUND, "no_gain")
    assert found.found["arms"]["gain"]["low"] <= 0.0
    assert service.workspaces.config("kate") == before
    with pytest.raises(UnknownProposalError, match="is found"):
        service.tuning.apply("kate", FIRST)


@on_both
def test_it_is_taken_back_by_hand(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    before = service.workspaces.config("kate")
    service.tuning.experiment("kate", FEWER_TOKENS)
    traffic(service, clock, range(2))
    service.workspaces.change("kate", description="another's")
    found = service.tuning.rollback("kate")
    assert (found.state, found.reason) == (ProposalState.TAKEN_BACK, "taken back by hand.")
    assert service.workspaces.config("kate") == before.with_changes(description="another's")
    assert looked(service, clock).state is ProposalState.TAKEN_BACK
    assert not service.jobs.counts("kate")[JobState.QUEUED]
    assert service.tuning.experiment("kate", FEWER_TOKENS).proposal_id == "experiment-000002"


@on_both
def test_who_changes_the_settings_ends_it(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS)
    service.workspaces.change("kate", stability=0.5, token_price=0.0)
    found = looked(service, clock)
    assert found.state is ProposalState.TAKEN_BACK
    assert found.reason == (
        "somebody changed token_price, stability: the settings are at version 3, the experiment "
        "began with 2."
    )
    now = service.workspaces.config("kate")
    assert (now.experiment, now.stability, now.max_total_tokens) == (None, 0.5, 400)


def test_who_takes_it_out_by_hand_ends_it(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS)
    service.workspaces.change("kate", experiment=None)
    found = looked(service, clock)
    assert (found.state, found.from_version) == (ProposalState.TAKEN_BACK, 3)
    assert "somebody changed experiment" in (found.reason or "")
    assert service.workspaces.row("kate").settings_version == 3


def test_what_decides_no_prompt_may_change_meanwhile(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS)
    traffic(service, clock, range(8))
    service.workspaces.change("kate", gateway={"inject": "system"}, description="notes")
    traffic(service, clock, range(8, 16))
    found = looked(service, clock)
    assert found.state is ProposalState.EXPERIMENT
    sides = found.found["arms"]
    assert sides["usual"]["recalls"] + sides["changed"]["recalls"] == 16


def test_changes_that_do_worse_are_taken_back_early(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", {"max_total_tokens": 399})
    config = service.workspaces.config("kate")
    for number in range(80):
        clock.pass_seconds(1)
        reply = service.recall("kate", "What of invoice 3?", session_id=f"s{number}")
        changed = config.dealt(f"s{number}") != config.usual
        service.feedback("kate", reply.allocation_id, thumb="down" if changed else "up")
    found = looked(service, clock)
    assert found.state is ProposalState.TAKEN_BACK
    assert "prompts that a person liked: 0.000" in (found.reason or "")
    assert (found.reason or "").endswith("1.000 with the usual settings.")
    assert found.found["arms"]["changed"]["liked"] == 0.0
    assert service.workspaces.config("kate") == config.usual


@pytest.mark.usefixtures("small_gate")
def test_recalls_from_before_and_what_is_said_later_count_as_they_should(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    traffic(service, clock, range(30))
    clock.pass_seconds(1)
    service.tuning.experiment("kate", FEWER_TOKENS, recalls=RECALLS)
    traffic(service, clock, range(30, 74), said=None)
    found = looked(service, clock)
    assert found.found["reasons"] == [f"0 of {RECALLS} recalls have feedback on their memories."]
    for row in service.allocations.list("kate", limit=500).rows:
        if row.settings_version == 2:
            memories = service.allocations.get("kate", row.allocation_id).items
            useful = next(one.memory_id for one in memories if one.selected)
            service.feedback("kate", row.allocation_id, cited=[useful])
    assert looked(service, clock).state is ProposalState.PROPOSAL


def test_without_feedback_it_ends_when_it_has_read_enough(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "MOST_SENT", 20)
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS)
    traffic(service, clock, range(24), said=None)
    found = looked(service, clock)
    assert (found.state, found.found["answer"]) == (ProposalState.FOUND, "not_enough")
    assert found.found["reasons"][0] == "0 of 300 recalls with feedback: 300 are missing."
    assert service.workspaces.config("kate").experiment is None


@pytest.mark.parametrize(
    ("changes", "options", "error", "said"),
    [
        pytest.param(
            {"stabilty": 1.0}, {}, InvalidWorkspaceError, "Did you mean 'stability'", id="unknown"
        ),
        pytest.param(
            {"stability": 2.0},
            {},
            InvalidWorkspaceError,
            "experiment.changes.stability: must be at most 1, got 2.0",
            id="range",
        ),
        pytest.param({}, {}, InvalidWorkspaceError, "must name a setting at least", id="nothing"),
        pytest.param({"stability": 0.7}, {}, InputError, "no setting .* differs", id="same"),
        pytest.param(
            {"counting": {"model": "gpt-4"}},
            {},
            InvalidWorkspaceError,
            "must not have 'counting'",
            id="same-for-all",
        ),
        pytest.param(
            {"stability": 0.1}, {"share": 1.0}, InvalidWorkspaceError, "share: must be", id="share"
        ),
        pytest.param(
            {"stability": 0.1},
            {"recalls": 299},
            InputError,
            "recalls must be an integer >= 300",
            id="few",
        ),
        pytest.param(
            {"stability": 0.1}, {"recalls": 10_001}, InputError, "at most 10,000", id="many"
        ),
    ],
)
def test_what_cannot_be_tried_is_refused(
    opened: Opened,
    changes: dict[str, Any],
    options: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    service = kate(opened)
    with pytest.raises(error, match=said):
        service.tuning.experiment("kate", changes, **options)
    assert service.workspaces.row("kate").settings_version == 1
    assert service.tuning.list("kate") == ()
    assert service.jobs.list("kate") == ()


def test_one_at_a_time_is_on_its_way(opened: Opened) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS)
    said = f"'{FIRST}' is experiment: an experiment has to wait until it is over or taken back"
    with pytest.raises(UnknownProposalError, match=said):
        service.tuning.experiment("kate", {"stability": 0.1})
    with pytest.raises(UnknownProposalError, match=f"'{FIRST}' is experiment: proposal 'x'"):
        service.tuning.apply("kate", "x")
    assert service.workspaces.row("kate").settings_version == 2


def test_one_that_was_put_in_by_hand_is_not_written_over(opened: Opened) -> None:
    service = kate(opened, experiment={"id": "mine", "changes": FEWER_TOKENS})
    with pytest.raises(InputError, match="'mine' already, which was put in by hand"):
        service.tuning.experiment("kate", {"stability": 0.1})


def test_without_a_log_there_is_none(opened: Opened) -> None:
    service = kate(opened, logging={"enabled": False})
    with pytest.raises(InputError, match=r"logging\.enabled"):
        service.tuning.experiment("kate", FEWER_TOKENS)


def test_a_workspace_has_its_own_alone(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.create_workspace("ben")
    service.tuning.experiment("kate", FEWER_TOKENS)
    assert service.tuning.list("ben") == ()
    assert service.workspaces.config("ben").experiment is None
    with pytest.raises(UnknownProposalError):
        service.tuning.rollback("ben", FIRST)
    with pytest.raises(UnknownWorkspaceError):
        service.tuning.experiment("tom", FEWER_TOKENS)
    assert service.tuning.experiment("ben", {"stability": 0.1}).proposal_id == FIRST
    service.workspaces.delete("ben")
    traffic(service, clock, range(4))
    assert looked(service, clock).state is ProposalState.EXPERIMENT


@pytest.mark.usefixtures("small_gate")
def test_a_proposal_keeps_no_text_and_no_id_of_memories_or_sessions(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS, recalls=RECALLS)
    traffic(service, clock, range(44))
    found = looked(service, clock)
    assert found.state is ProposalState.PROPOSAL
    kept = json.dumps([found.changes, found.found, found.plan, found.reason])
    for of_a_person in ("invoice", "pounds", '"m3"', "session-3"):
        assert of_a_person not in kept


@pytest.mark.usefixtures("small_gate")
def test_an_erasure_meanwhile_takes_the_feedback_along(opened: Opened, clock: Clock) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS, recalls=RECALLS)
    traffic(service, clock, range(20))
    before = looked(service, clock).found["arms"]
    service.erasures.erase("kate", memory_ids=["m3"])
    after = looked(service, clock).found["arms"]
    positives = [
        sides["usual"]["positives"] + sides["changed"]["positives"] for sides in (before, after)
    ]
    assert positives == [20, 19]


@pytest.mark.usefixtures("small_gate")
def test_in_shadow_only_cost_is_compared_of_what_an_experiment_proposed(
    opened: Opened, clock: Clock
) -> None:
    """Feedback in shadow is of what the usual settings brought, so other prompts seem to lose."""
    service = kate(opened, max_total_tokens=40)
    service.tuning.experiment("kate", {"max_total_tokens": 30}, recalls=RECALLS)
    traffic(service, clock, range(44))
    assert looked(service, clock).state is ProposalState.PROPOSAL
    service.tuning.apply("kate", FIRST, shadow=4)
    all_cited = {"cited": [f"m{number}" for number in range(20)]}
    for number in range(4):
        clock.pass_seconds(1)
        reply = service.recall("kate", f"What of invoice {number}?")
        service.feedback("kate", reply.allocation_id, **all_cited)
    found = looked(service, clock)
    assert found.shadow is not None
    assert found.shadow["evidence_points"]["value"] < -1.0
    assert found.state is ProposalState.LIVE


@pytest.mark.usefixtures("small_gate")
def test_what_is_watched_is_compared_with_recalls_of_the_usual_settings(
    opened: Opened, clock: Clock
) -> None:
    service = kate(opened)
    service.tuning.experiment("kate", FEWER_TOKENS, recalls=RECALLS)
    traffic(service, clock, range(44))
    assert looked(service, clock).state is ProposalState.PROPOSAL
    live = service.tuning.apply("kate", FIRST, shadow=0)
    before, _ = seen.turns_around(service.equipment, live)
    arms_of = [
        service.allocations.arm("kate", row.allocation_id)
        for row in service.allocations.list("kate", limit=500).rows
    ]
    usual = sum(arm is None or not arm.changed for arm in arms_of)
    assert 0 < len(before) == usual < len(arms_of)
