"""Sessions remember the prompt of the turn before: bounded, for a while, and not the pool."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allocators import BY_RELEVANCE, Clock
from fakes import CharCounter, line

from mba_integrations import (
    AllocationSession,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    PinnedOverBudgetError,
    SessionMemory,
    UnknownWorkspaceError,
    WorkspaceConfig,
)
from mba_integrations.core.turns.previous import carried_over


def allocator_with(
    *workspaces: str,
    clock: Clock | None = None,
    sessions: SessionMemory | None = None,
    **performance: Any,
) -> MemoryBudgetAllocator:
    allocator = MemoryBudgetAllocator(CharCounter(), clock=clock or Clock(), sessions=sessions)
    for name in workspaces or ("w",):
        allocator.register_workspace(
            WorkspaceConfig(workspace_id=name, performance=performance, **BY_RELEVANCE)
        )
    return allocator


def items(**relevance: float) -> list[MemoryItem]:
    return [line(name, 10, relevance=value) for name, value in relevance.items()]


def order(session: AllocationSession, memories: list[MemoryItem], workspace: str = "w") -> str:
    allocation = session.allocate_memory_budget("?", memories, workspace, 100)
    return "".join(entry.id for entry in allocation.selected)


def test_a_session_gives_what_the_call_with_previous_gives() -> None:
    first, second = items(a=0.9, b=0.8), items(a=0.1, b=0.7, c=0.95)
    by_hand = allocator_with()
    before = by_hand.allocate_memory_budget("?", first, "w", 100)
    after = by_hand.allocate_memory_budget("?", second, "w", 100, previous=before)
    session = allocator_with().session("s")
    assert session.allocate_memory_budget("?", first, "w", 100) == before
    assert session.allocate_memory_budget("?", second, "w", 100) == after
    assert session.previous("w") == after.as_previous


def test_sessions_of_one_id_are_one_and_others_are_apart() -> None:
    allocator = allocator_with()
    assert order(allocator.session("s"), items(a=0.9, b=0.8)) == "ab"
    assert order(allocator.session("s"), items(a=0.7, b=0.8)) == "ab"
    assert order(allocator.session("t"), items(a=0.7, b=0.8)) == "ba"


def test_workspaces_of_one_session_are_apart() -> None:
    session = allocator_with("w", "v").session("s")
    order(session, items(a=0.9, b=0.8), "w")
    assert order(session, items(a=0.7, b=0.8), "v") == "ba"
    assert order(session, items(a=0.7, b=0.8), "w") == "ab"


def test_a_forgotten_session_begins_anew_in_every_workspace() -> None:
    session = allocator_with("w", "v").session("s")
    order(session, items(a=0.9, b=0.8), "w")
    order(session, items(a=0.9, b=0.8), "v")
    session.forget()
    assert session.previous("w") is session.previous("v") is None
    assert order(session, items(a=0.7, b=0.8), "w") == "ba"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(59, "ab", id="before-it-expires"),
        pytest.param(60, "ab", id="exactly-then"),
        pytest.param(61, "ba", id="after"),
    ],
)
def test_a_session_expires_by_the_allocators_clock(seconds: float, expected: str) -> None:
    clock = Clock()
    session = allocator_with(clock=clock, session_idle_seconds=60.0).session("s")
    order(session, items(a=0.9, b=0.8))
    clock.pass_seconds(seconds)
    assert order(session, items(a=0.7, b=0.8)) == expected


def test_each_call_prolongs_a_session() -> None:
    clock = Clock()
    session = allocator_with(clock=clock, session_idle_seconds=60.0).session("s")
    order(session, items(a=0.9, b=0.8))
    for _ in range(3):
        clock.pass_seconds(50)
        assert order(session, items(a=0.7, b=0.8)) == "ab"


def test_expired_sessions_take_no_room() -> None:
    clock = Clock()
    sessions = SessionMemory(clock)
    allocator = allocator_with(clock=clock, sessions=sessions, session_idle_seconds=60.0)
    for name in "stu":
        order(allocator.session(name), items(a=0.9))
        clock.pass_seconds(40)
    assert sessions.count("w") == 2
    clock.pass_seconds(100)
    order(allocator.session("v"), items(a=0.9))
    assert sessions.count("w") == 1


def test_the_longest_unused_session_goes_first() -> None:
    allocator = allocator_with(max_sessions=2)
    sessions = {name: allocator.session(name) for name in "stu"}
    for name in "stsu":
        order(sessions[name], items(a=0.9, b=0.8))
    known = {name: session.previous("w") is not None for name, session in sessions.items()}
    assert known == {"s": True, "t": False, "u": True}


def test_no_workspace_pushes_out_the_sessions_of_another() -> None:
    allocator = allocator_with("w", "v", max_sessions=1)
    order(allocator.session("s"), items(a=0.9), "w")
    for name in "tuv":
        order(allocator.session(name), items(a=0.9), "v")
    assert allocator.session("s").previous("w") is not None


def test_no_session_is_remembered_where_none_may_be() -> None:
    session = allocator_with(max_sessions=0).session("s")
    order(session, items(a=0.9, b=0.8))
    assert session.previous("w") is None


def test_a_call_that_fails_leaves_the_session_as_it_was() -> None:
    session = allocator_with().session("s")
    order(session, items(a=0.9, b=0.8))
    before = session.previous("w")
    with pytest.raises(PinnedOverBudgetError):
        session.allocate_memory_budget("?", [line("p", 200, pinned=True)], "w", 100)
    assert session.previous("w") is before
    with pytest.raises(UnknownWorkspaceError):
        session.allocate_memory_budget("?", items(a=0.9), "nowhere")


@pytest.mark.parametrize("session_id", ["", None, 3])
def test_a_session_needs_an_id(session_id: Any) -> None:
    with pytest.raises(InputError, match="session_id must be a text that is not empty"):
        allocator_with().session(session_id)


def test_a_session_does_not_keep_the_pool_alive() -> None:
    allocator = allocator_with()
    session = allocator.session("s")
    pool = MemoryPool.from_items(items(a=0.9, b=0.8))
    allocation = session.allocate_memory_budget("?", pool, "w", 100)
    gone = weakref.ref(pool.snapshot()), weakref.ref(allocation)
    del pool, allocation
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
    assert session.previous("w") is not None


def test_a_text_that_changed_under_its_id_does_not_keep_its_place() -> None:
    session = allocator_with().session("s")
    order(session, items(a=0.9, b=0.8, c=0.7))
    changed = [MemoryItem("a", "another", "rag", relevance=0.1), *items(b=0.2, c=0.3)]
    assert order(session, changed) == "bca"


def test_an_item_of_another_tier_does_not_keep_its_place() -> None:
    session = allocator_with().session("s")
    order(session, items(a=0.9, b=0.8))
    moved = [line("a", 10, "project", relevance=0.1), *items(b=0.2)]
    previous = session.previous("w")
    assert previous is not None
    assert carried_over(previous, MemoryPool.from_items(moved).snapshot()).rows == (1,)


def test_many_threads_may_use_sessions_of_one_allocator() -> None:
    sessions = SessionMemory(Clock())
    allocator = allocator_with(sessions=sessions, max_sessions=3)
    memories = items(a=0.9, b=0.8, c=0.7)
    start = threading.Barrier(8)

    def turns(number: int) -> set[int]:
        start.wait()
        session = allocator.session(f"s{number % 4}")
        return {
            session.allocate_memory_budget("?", memories, "w", 30).used_tokens for _ in range(20)
        }

    with ThreadPoolExecutor(8) as threads:
        used = set().union(*threads.map(turns, range(8)))
    assert len(used) == 1
    assert max(used) <= 30
    assert 1 <= sessions.count("w") <= 3
