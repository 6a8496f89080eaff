"""Retention carried out: what is shown before is what goes, and what must stay stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memory_services import Opened, texts

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import ConfigError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.retention.rules import OnLimit, RetentionPolicy
from mba_integrations.services.memory.retention.sweep import carry_out
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.statements import vectors
from mba_integrations.testing import Clock


def filled(opened: Opened, clock: Clock, **retention: Any) -> MemoryService:
    service = opened(embedding_model="m")
    service.create_workspace("kate", retention=retention)
    service.remember(
        "kate",
        [
            MemoryItem(
                name,
                f"Kate {name}.",
                "working",
                importance=importance,
                created_at=clock() - timedelta(days=days),
                embedding=[1.0, 2.0],
            )
            for name, importance, days in (("a", 0.9, 9), ("b", 0.1, 1), ("c", 0.5, 1))
        ],
    )
    return service


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        pytest.param({"max_age_days": 5}, "bc", id="age"),
        pytest.param({"max_items": 2}, "ac", id="least-important-goes"),
        pytest.param({"max_tokens": 4}, "ac", id="tokens"),
        pytest.param({}, "abc", id="no-limit"),
    ],
)
def test_what_the_preview_shows_goes_and_nothing_else(
    opened: Opened, clock: Clock, rule: dict[str, Any], left: str
) -> None:
    service = filled(opened, clock, working=rule)
    preview = service.retention.preview("kate")
    assert texts(service) == ["Kate a.", "Kate b.", "Kate c."]
    reply = service.retention.apply("kate")
    assert texts(service) == [f"Kate {name}." for name in left]
    assert len(preview) == 3 - len(left) == sum(reply.counts.values())
    assert {one.memory_id for one in preview.decisions} == set("abc") - set(left)
    assert [text for _, text in preview.samples] == [
        f"Kate {one.memory_id}." for one in preview.decisions
    ]


def test_another_policy_can_be_tried(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock)
    assert len(service.retention.preview("kate")) == 0
    tried = RetentionPolicy(working={"max_items": 0})
    assert len(service.retention.preview("kate", tried)) == 3


def test_a_demoted_memory_is_long_term_memory(opened: Opened, clock: Clock) -> None:
    rule = {"max_age_days": 5, "on_limit": "demote"}
    service = filled(opened, clock, working=rule)
    assert service.retention.apply("kate").counts == {"demote": 1}
    assert service.get("kate", "a").tier is MemoryTier.LONG_TERM
    assert service.history("kate", "a").changes[-1].reason == "9.0 days old, max_age_days is 5"


def test_a_forgotten_memory_keeps_its_text(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock, working={"max_age_days": 5})
    service.retention.apply("kate")
    row = service.get("kate", "a")
    assert (row.state, row.content) == (MemoryState.FORGOTTEN, "Kate a.")


def test_a_removed_memory_is_gone_with_its_vector(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock, working={"max_age_days": 5, "on_limit": "remove"})
    service.recall("kate", "Kate?")
    assert service.retention.apply("kate").counts == {"remove": 1}
    with pytest.raises(UnknownMemoryError):
        service.get("kate", "a")
    with service._equipment.read("kate") as reading:
        assert set(vectors.all_of(reading, "m")[0]) == {"b", "c"}
    assert "Kate a." not in service.recall("kate", "Kate?").prompt_text
    assert service.retention.apply("kate").counts == {}


def test_pinned_and_held_memories_stay(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock, working={"max_items": 0, "on_limit": "remove"})
    service.pin("kate", "a")
    service.hold("kate", "b")
    service.retention.apply("kate")
    assert texts(service) == ["Kate a.", "Kate b."]


def test_what_changed_between_decision_and_act_stays(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock, working={"max_items": 0})
    decisions = service.retention.preview("kate").decisions
    service.pin("kate", "a")
    service.move("kate", "b", "project")
    service._equipment.write("kate", lambda writing: carry_out(writing, decisions))
    assert texts(service) == ["Kate a.", "Kate b."]


def test_the_sweep_frees_what_has_expired(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock)
    soon = clock() + timedelta(hours=1)
    service.remember("kate", NewMemory(item=MemoryItem("x", "Kate x.", "rag"), expires_at=soon))
    clock.pass_seconds(3_600)
    assert service.retention.preview("kate").expired == 1
    assert service.retention.apply("kate").counts == {"expired": 1}
    assert service.get("kate", "x").state is MemoryState.FORGOTTEN


def test_a_policy_is_changed_and_checked(opened: Opened, clock: Clock) -> None:
    service = filled(opened, clock)
    service.workspaces.change_retention("kate", {"rag": {"max_age_days": 3}})
    assert service.workspaces.retention("kate").rule(MemoryTier.RAG).max_age_days == 3
    with pytest.raises(ConfigError, match="must be above 0"):
        service.workspaces.change_retention("kate", {"rag": {"max_age_days": 0}})
    assert service.workspaces.retention("kate").rag.on_limit is OnLimit.FORGET
