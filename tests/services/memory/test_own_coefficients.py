"""What a workspace learned from feedback changes its own choices, and those of no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from memory_services import on_both

from mba_integrations import MemoryItem
from mba_integrations.core.config.problems import InvalidSettingsError
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.learning.own.complexity import labelled_query, own_complexity
from mba_integrations.learning.own.features import Label, labelled_features
from mba_integrations.learning.own.traffic import own_settings
from mba_integrations.learning.own.usefulness import OwnUsefulness, own_usefulness
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.services.memory.service import MemoryService

QUESTION = "What of the harbour bridge?"
BUDGET = 35
"""Tokens: room for one of the two memories."""


def fill(service: MemoryService, workspace_id: str) -> None:
    """A short old text with all words of the question, and a new one with one of them."""
    now = service.now()
    service.remember(
        workspace_id,
        [
            MemoryItem("old", "The harbour bridge.", "rag", created_at=now - timedelta(days=900)),
            MemoryItem("new", "The harbour is closed.", "rag", created_at=now),
            *(MemoryItem(f"m{n}", f"Bread number {n} needs salt.", "rag") for n in range(8)),
        ],
    )


def asked_of(service: MemoryService, workspace_id: str, query: str = QUESTION) -> list[str]:
    """Ids in the order of what they are worth."""
    reply = service.recall(workspace_id, query, budget_tokens=1_000)
    scores = {one.id: one.score for one in reply.selected}
    return sorted(scores, key=lambda name: -scores[name])


def labels(record: ReplayRecord) -> list[Label]:
    return [
        Label(memory_id=one.memory_id, useful=one.useful, weight=one.weight)
        for one in record.feedback
        if one.memory_id is not None and one.useful is not None
    ]


def learned(service: MemoryService, workspace_id: str, strength: float) -> OwnUsefulness:
    """Coefficients from all that was said of a workspace's recalls."""
    config = service.workspaces.config(workspace_id)
    found = [
        labelled_features(
            *(one.query, MemoryPool.from_items(one.candidates), labels(one)),
            now=one.at,
            config=config,
        )
        for one in service.allocations.replay_records(workspace_id)
    ]
    return own_usefulness([one for one in found if one is not None], strength=strength)


@on_both
def test_own_coefficients_change_the_choices_of_their_workspace_alone(
    service: MemoryService,
) -> None:
    service.create_workspace("ann", logging={"include_text": True})
    for name in ("kate", "ann"):
        fill(service, name)
        assert asked_of(service, name)[0] == "old"
    for _ in range(3):
        reply = service.recall("ann", QUESTION, budget_tokens=1_000)
        service.feedback("ann", reply.allocation_id, cited=["new"], thumbs={"old": "down"})
    own = learned(service, "ann", strength=0.1)
    version = service.workspaces.row("ann").settings_version
    service.workspaces.change("ann", usefulness=own.settings().model_dump(mode="json"))
    assert asked_of(service, "ann")[0] == "new"
    assert asked_of(service, "kate")[0] == "old"
    versions = service.workspaces.versions("ann")
    assert service.workspaces.row("ann").settings_version == version + 1
    assert [bool(one.settings["usefulness"]["learned"]) for one in versions].count(True) == 1
    service.workspaces.change("ann", usefulness={"learned": {}})
    assert asked_of(service, "ann")[0] == "old"


@on_both
def test_recalls_of_which_something_was_said_are_learned_from_with_their_memories_of_then(
    service: MemoryService,
) -> None:
    service.create_workspace("ann", logging={"include_text": True})
    fill(service, "ann")
    service.recall("ann", "Who needs bread?")
    reply = service.recall("ann", QUESTION)
    service.feedback("ann", reply.allocation_id, thumb="up", cited=["old"])
    before = own_settings(service.allocations.replay_records("ann"))
    assert before.recalls == 1
    assert before.usefulness.useful == {"lexical": 1.0}
    service.remember("ann", [MemoryItem("later", f"{QUESTION} {QUESTION}", "rag")])
    assert own_settings(service.allocations.replay_records("ann")) == before


def test_recalls_without_a_kept_question_or_a_say_are_passed_over(service: MemoryService) -> None:
    fill(service, "kate")
    reply = service.recall("kate", QUESTION)
    service.feedback("kate", reply.allocation_id, cited=["old"])
    own = own_settings(service.allocations.replay_records("kate"))
    assert (own.recalls, own.changes()) == (0, {})


def test_learned_complexity_is_used_in_its_workspace_alone(service: MemoryService) -> None:
    service.create_workspace("ann", logging={"include_text": True})
    for name in ("kate", "ann"):
        fill(service, name)
    for _ in range(20):
        reply = service.recall("ann", QUESTION)
        service.feedback("ann", reply.allocation_id, cited=["old", "new"])
    records = service.allocations.replay_records("ann")
    said = [labelled_query(one.query, labels(one)) for one in records]
    own = own_complexity([one for one in said if one is not None], strength=1.0)
    assert own is not None
    service.workspaces.change("ann", complexity={"learned": own.model_dump(mode="json")})
    levels = {name: service.recall(name, QUESTION).complexity.value for name in ("ann", "kate")}
    assert levels["kate"] == "simple"
    assert levels["ann"] in ("complex", "expert")


def test_coefficients_of_unknown_features_are_refused(service: MemoryService) -> None:
    magic = {"learned": {"dense": {"intercept": 0.0, "weights": {"magic": 1.0}}}}
    with pytest.raises(InvalidSettingsError, match="no feature 'magic'"):
        service.workspaces.change("kate", usefulness=magic)
