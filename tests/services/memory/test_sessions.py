"""What calls leave behind: the previous prompt, uses, and rows of the log; also after a restart."""

from __future__ import annotations

import pytest
from memory_services import Opened, on_both

from mba_integrations import MemoryItem, UnknownWorkspaceError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import StorageFullError
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.testing import Clock

pytestmark = on_both

TEXTS = [f"Kate did {word} in town." for word in ("one", "two", "three", "four", "five", "six")]


@pytest.fixture
def filled(service: MemoryService) -> MemoryService:
    service.remember("kate", TEXTS)
    return service


def flushed(service: MemoryService) -> None:
    service._equipment.trail.flush()


def test_a_prompt_keeps_its_beginning_also_after_a_restart(
    opened: Opened, filled: MemoryService
) -> None:
    first = filled.recall("kate", "one two three", budget_tokens=30, session_id="s")
    filled.close()
    again = opened()
    again.remember("kate", "Kate did seven in town.")
    second = again.recall("kate", "seven six", budget_tokens=60, session_id="s")
    assert second.allocation.stable_prefix_tokens > 0
    assert second.prompt_text.startswith(first.prompt_text.rstrip())


def test_the_next_turn_follows_before_anything_is_written(filled: MemoryService) -> None:
    filled._equipment.trail._closed = True  # its thread does not begin
    first = filled.recall("kate", "one two", budget_tokens=30, session_id="s")
    second = filled.recall("kate", "one two", budget_tokens=30, session_id="s")
    assert second.prompt_text == first.prompt_text
    assert second.allocation.stable_prefix_tokens == first.used_tokens


def test_a_session_that_was_idle_too_long_begins_anew(filled: MemoryService, clock: Clock) -> None:
    filled.recall("kate", "one", budget_tokens=30, session_id="s")
    flushed(filled)
    clock.pass_seconds(3_601)
    reply = filled.recall("kate", "one", budget_tokens=30, session_id="s")
    assert reply.allocation.stable_prefix_tokens == 0


def test_sessions_of_two_workspaces_are_apart(filled: MemoryService) -> None:
    filled.create_workspace("zoe")
    filled.remember("zoe", TEXTS)
    filled.recall("kate", "one", budget_tokens=30, session_id="s")
    assert filled.recall("zoe", "one", session_id="s").allocation.stable_prefix_tokens == 0


def test_a_use_counts_once_in_a_session_and_hour(filled: MemoryService, clock: Clock) -> None:
    def uses() -> int:
        flushed(filled)
        return sum(row.access_count for row in filled.list("kate").rows)

    for session, expected in (("s", 1), ("s", 1), ("t", 2), ("t", 2)):
        filled.recall("kate", "one", budget_tokens=9, session_id=session)
        assert uses() == expected
    clock.pass_seconds(3_600)
    filled.recall("kate", "one", budget_tokens=9, session_id="s")
    assert uses() == 3
    filled.recall("kate", "two", budget_tokens=9, session_id="u", record_access=False)
    assert uses() == 3


def test_the_log_knows_each_call_with_what_came_in_and_what_did_not(
    filled: MemoryService, clock: Clock
) -> None:
    reply = filled.recall("kate", "one", budget_tokens=9, session_id="s")
    flushed(filled)
    with filled._equipment.read("kate") as reading:
        row = allocations.find(reading, reply.allocation_id)
    assert row is not None
    assert (row.session_id, row.change_seq, row.settings_version) == ("s", 6, 1)
    assert row.record["used_tokens"] == reply.used_tokens
    assert "query" not in row.record
    assert [one.memory_id for one in row.items if one.selected] == [
        one.item.id for one in reply.selected
    ]
    assert len([one for one in row.items if one.reason]) == 5


def test_statistics_are_those_of_the_log_also_after_a_restart(
    opened: Opened, filled: MemoryService, clock: Clock
) -> None:
    for _ in range(3):
        filled.recall("kate", "one", budget_tokens=9)
    filled.close()
    again = opened()
    assert again.statistics("kate").allocation_count == 3
    clock.pass_seconds(7_200)
    assert again.statistics("kate", time_window_hours=1).allocation_count == 0


def test_nothing_is_logged_where_logging_is_off(filled: MemoryService) -> None:
    filled.workspaces.change("kate", logging={"enabled": False})
    filled.recall("kate", "one", session_id="s")
    assert filled.statistics("kate").allocation_count == 0


def test_a_disk_that_is_full_costs_the_trace_and_not_the_answer(
    filled: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFullError("the disk is full.")

    filled.recall("kate", "one", session_id="s")
    with monkeypatch.context() as patch:
        patch.setattr(filled._equipment.store, "write", full)
        flushed(filled)
    assert filled._equipment.trail.problem == "the disk is full."
    assert filled.recall("kate", "one").prompt_text
    flushed(filled)
    assert filled._equipment.trail.problem is None


def test_what_a_deleted_workspace_left_is_not_written(filled: MemoryService) -> None:
    filled.recall("kate", "one", session_id="s")
    filled.workspaces.delete("kate")
    flushed(filled)
    with filled._equipment.store.read("kate") as reading:
        assert sessions.find(reading, "s") is None


def test_what_others_put_into_prompts_counts_once_in_a_session(service: MemoryService) -> None:
    service.remember("kate", [MemoryItem(name, f"Kate {name}.", "project") for name in "ab"])
    for session in ("s", "s", None):
        service.note_used("kate", ["a", "unknown"], session_id=session)
    service.tiers.review("kate")
    counts = {row.memory_id: row.access_count for row in service.list("kate").rows}
    assert counts == {"a": 2, "b": 0}
    with pytest.raises(UnknownWorkspaceError, match="no workspace 'kat'"):
        service.note_used("kat", "a")
