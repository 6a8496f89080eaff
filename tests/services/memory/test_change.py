"""Revise, move, pin, hold, forget, get, list, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memory_services import texts

from mba_integrations import MemoryItem, MemoryTier, UnknownWorkspaceError
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState
from mba_integrations.testing import Clock


@pytest.fixture
def filled(service: MemoryService) -> MemoryService:
    service.remember(
        "kate",
        [
            NewMemory(
                item=MemoryItem(name, f"Kate {name}.", "project", source="chat", position=place),
                subject="kate" if name < "c" else "zoe",
                tags=("x",),
            )
            for place, name in enumerate("abcd")
        ],
    )
    return service


def test_a_revised_memory_keeps_its_place_and_the_old_one_is_kept(
    filled: MemoryService, clock: Clock
) -> None:
    clock.pass_seconds(60)
    [new] = filled.revise("kate", "a", "Kate moved.", reason="she said so").memories
    old = filled.get("kate", "a")
    assert (old.state, old.superseded_by) == (MemoryState.SUPERSEDED, new.memory_id)
    assert (new.content, new.source, new.position, new.tags) == ("Kate moved.", "chat", 0.0, ("x",))
    assert (new.subject, new.created_at) == ("kate", clock())
    prompt = filled.recall("kate", "Kate?").prompt_text
    assert "Kate moved." in prompt
    assert "Kate a." not in prompt


def test_the_same_text_revises_nothing(filled: MemoryService) -> None:
    reply = filled.revise("kate", "a", "Kate a.")
    assert (reply.memory_ids, reply.change_seq) == (("a",), 4)


def test_the_history_of_a_memory_is_that_of_its_whole_line(filled: MemoryService) -> None:
    [second] = filled.revise("kate", "a", "Kate moved.", actor="zoe").memory_ids
    [third] = filled.revise("kate", second, "Kate moved again.").memory_ids
    filled.move("kate", third, "long_term", reason="old news")
    for name in ("a", second, third):
        history = filled.history("kate", name)
        assert [row.memory_id for row in history.memories] == ["a", second, third]
        assert [one.change_seq for one in history.changes] == [1, 5, 6, 7, 8, 9]
        ops = [one.op for one in history.changes]
        assert ops.count(ChangeOp.SUPERSEDE) == 2
        assert ops.count(ChangeOp.ADD) == 3
    assert {one.actor for one in history.changes} == {None, "zoe"}
    assert history.changes[-1].reason == "old news"


def test_a_superseded_memory_is_not_revised_but_its_successor_named(
    filled: MemoryService,
) -> None:
    [new] = filled.revise("kate", "a", "Kate moved.").memory_ids
    with pytest.raises(InputError, match=f"superseded and cannot be revised. Revise '{new}'"):
        filled.revise("kate", "a", "Kate stayed.")


def test_memories_move_to_a_tier(filled: MemoryService) -> None:
    assert len(filled.move("kate", ["a", "b"], MemoryTier.WORKING)) == 2
    assert filled.get("kate", "a").tier is MemoryTier.WORKING
    assert len(filled.move("kate", ["a", "b"], "working")) == 0


@pytest.mark.parametrize("mark", ["pin", "hold"])
def test_a_mark_is_set_and_taken_away(filled: MemoryService, mark: str) -> None:
    act, name = getattr(filled, mark), {"pin": "pinned", "hold": "held"}[mark]
    assert act("kate", ["a", "b"]).memory_ids == ("a", "b")
    assert getattr(filled.get("kate", "a"), name)
    assert len(act("kate", "a")) == 0
    act("kate", "a", False)
    assert not getattr(filled.get("kate", "a"), name)


def test_a_pinned_memory_is_in_every_prompt(filled: MemoryService) -> None:
    filled.pin("kate", "d")
    reply = filled.recall("kate", "Kate a?", budget_tokens=5)
    assert [one.item.id for one in reply.selected] == ["d"]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        pytest.param({"memory_ids": "a"}, "bcd", id="one"),
        pytest.param({"memory_ids": ["a", "c", "a"]}, "bd", id="several"),
        pytest.param({"subject": "kate"}, "cd", id="subject"),
        pytest.param({"filters": MemoryFilter(tags=frozenset("x"))}, "", id="filter"),
        pytest.param({"filters": MemoryFilter(contains="a."), "subject": "kate"}, "bcd", id="both"),
        pytest.param({"subject": "nobody"}, "abcd", id="none"),
    ],
)
def test_what_is_named_is_forgotten_and_nothing_else(
    filled: MemoryService, options: dict[str, Any], left: str
) -> None:
    reply = filled.forget("kate", **options, reason="asked for")
    assert texts(filled) == [f"Kate {name}." for name in left]
    assert len(reply) == 4 - len(left)


def test_a_filter_forgets_more_than_a_page(service: MemoryService) -> None:
    for part in range(3):
        service.remember("kate", [f"Kate {part} {number}." for number in range(400)])
    assert len(service.forget("kate", filters=MemoryFilter(contains="Kate"))) == 1_200
    assert texts(service) == []


def test_fewer_than_expected_forgets_nothing(filled: MemoryService) -> None:
    with pytest.raises(InputError, match="2 memories would be forgotten, expected is 3"):
        filled.forget("kate", subject="kate", expected=3)
    assert len(texts(filled)) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "got neither", id="nothing"),
        pytest.param({"filters": MemoryFilter()}, "got neither", id="everything"),
        pytest.param({"memory_ids": "a", "subject": "kate"}, "got both", id="both"),
        pytest.param({"memory_ids": []}, "memory_ids is empty", id="none-named"),
        pytest.param({"memory_ids": 3}, "must be a list of ids", id="number"),
        pytest.param({"subject": "kate", "expected": -1}, "expected must be", id="expected"),
    ],
)
def test_forgetting_everything_by_mistake_is_refused(
    filled: MemoryService, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        filled.forget("kate", **options)
    assert len(texts(filled)) == 4


ACTS: dict[str, Callable[..., object]] = {
    "revise": lambda service, *ids: service.revise(ids[0], ids[-1], "New text."),
    "move": lambda service, *ids: service.move(ids[0], ["a", ids[-1]], "rag"),
    "pin": lambda service, *ids: service.pin(ids[0], ["a", ids[-1]]),
    "hold": lambda service, *ids: service.hold(ids[0], ["a", ids[-1]]),
    "forget": lambda service, *ids: service.forget(ids[0], ["a", ids[-1]]),
    "get": lambda service, *ids: service.get(*ids),
    "history": lambda service, *ids: service.history(*ids),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_foreign_id_is_unknown_and_nothing_is_done(filled: MemoryService, act: str) -> None:
    filled.create_workspace("zoe")
    filled.remember("zoe", MemoryItem("z", "Zoe's secret.", "project"))
    before = filled.list("kate").rows
    with pytest.raises(UnknownMemoryError, match="'z'"):
        ACTS[act](filled, "kate", "z")
    assert filled.list("kate").rows == before
    assert texts(filled, "zoe") == ["Zoe's secret."]


@pytest.mark.parametrize("act", [*ACTS, "list", "recall"])
def test_a_workspace_that_is_not_there_is_named_by_each_act(
    filled: MemoryService, act: str
) -> None:
    reads: dict[str, Callable[..., object]] = {
        "list": lambda service, *ids: service.list(ids[0]),
        "recall": lambda service, *ids: service.recall(*ids),
    }
    with pytest.raises(UnknownWorkspaceError, match="Did you mean 'kate'"):
        {**ACTS, **reads}[act](filled, "katie", "a")


def test_pages_of_a_list_hold_each_memory_once(filled: MemoryService) -> None:
    first = filled.list("kate", limit=3)
    filled.remember("kate", "Another.")
    rest = filled.list("kate", limit=3, after=first.after)
    assert [row.memory_id for row in (*first.rows, *rest.rows)] == ["d", "c", "b", "a"]
    assert rest.after is None


def test_a_page_is_no_larger_than_it_may_be(filled: MemoryService) -> None:
    with pytest.raises(InputError, match="limit must be at most 500"):
        filled.list("kate", limit=501)


def test_active_memories_are_counted_by_tier(filled: MemoryService) -> None:
    filled.move("kate", "a", "long_term")
    filled.revise("kate", "b", "Kate moved.")
    filled.forget("kate", "c")
    assert {tier: count for tier, count in filled.counts("kate").items() if count} == {
        MemoryTier.PROJECT: 2,
        MemoryTier.LONG_TERM: 1,
    }
    with pytest.raises(UnknownWorkspaceError):
        filled.counts("nobody")
