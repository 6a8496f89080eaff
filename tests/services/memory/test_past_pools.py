"""Memories of then are read once for as long as nothing changes them, and are gone when erased."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memory_services import Opened

from mba_integrations import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.pools.past_pools import PastKey, PastPool, PastPools
from mba_integrations.services.memory.recalling import candidates
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.testing import Clock

SECRET = "Kate hides the key in Lisbon."
QUERY = "Where is the key of Kate?"
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate", max_total_tokens=1_000, logging={"include_text": True})
    made.remember("kate", [item("secret", SECRET), item("oslo", "Kate lives in Oslo.")])
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What was asked for, each time memories of then were read."""
    asked: list[object] = []
    read = candidates._read_then

    def noted(*given: Any) -> PastPool:
        asked.append(given[1].as_of_seq)
        return read(*given)

    with monkeypatch.context() as patch:
        patch.setattr(candidates, "_read_then", noted)
        yield asked


def item(name: str, text: str) -> MemoryItem:
    return MemoryItem(name, text, "project")


def recalled(service: MemoryService, **asked: Any) -> str:
    """The id of a recall."""
    return service.recall("kate", QUERY, **asked).allocation_id


def ids(service: MemoryService, allocation_id: str) -> set[str]:
    """Memories in or out, among those that a recall is asked again of."""
    again = service.allocations.replay("kate", allocation_id, query=QUERY)
    return {one.id for one in (*again.selected, *again.omitted)}


def test_views_of_prompts_of_one_state_read_its_memories_once(
    service: MemoryService, reads: list[object]
) -> None:
    first, second = recalled(service), recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    service.allocations.apart("kate", first)
    service.allocations.apart("kate", second)
    assert ids(service, first) == {"secret", "oslo"}
    service.allocations.beside("kate", first, second)
    assert len(reads) == 1


def test_a_use_does_not_have_them_read_again_and_a_change_does(
    service: MemoryService, reads: list[object]
) -> None:
    first = recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    ids(service, first)
    recalled(service)
    service._equipment.trail.flush()
    ids(service, first)
    assert len(reads) == 1
    service.pin("kate", "oslo")
    again = service.allocations.replay("kate", first)
    assert {one.id for one in again.selected if one.pinned} == {"oslo"}
    assert len(reads) == 2


def test_another_narrowing_is_another_pool(service: MemoryService, reads: list[object]) -> None:
    whole = recalled(service)
    narrow = recalled(service, filters=MemoryFilter(contains="Oslo"))
    service.remember("kate", item("later", "Kate skis."))
    assert ids(service, whole) == {"secret", "oslo"}
    assert ids(service, narrow) == {"oslo"}
    assert len(reads) == 2


def test_what_depends_on_uses_is_read_each_time(
    service: MemoryService, reads: list[object], clock: Clock
) -> None:
    idle = MemoryFilter(idle_since=clock() + timedelta(days=1))
    first = recalled(service, filters=idle)
    service.remember("kate", item("later", "Kate skis."))
    assert ids(service, first) == ids(service, first)
    assert len(reads) == 2


def test_what_had_expired_by_then_tells_two_prompts_apart(
    service: MemoryService, clock: Clock
) -> None:
    short = item("short", "Kate waits for the key.")
    service.remember("kate", NewMemory(item=short, expires_at=clock() + timedelta(hours=1)))
    before = recalled(service)
    clock.pass_seconds(7_200)
    after = recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    assert ids(service, before) == {"secret", "oslo", "short"}
    assert ids(service, after) == {"secret", "oslo"}


def test_what_was_erased_is_served_from_no_pool(opened: Opened, service: MemoryService) -> None:
    other = opened()
    first = recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    for one in (service, other):
        assert "secret" in ids(one, first)
        assert len(one._equipment.pools.past) == 1
    service.erasures.erase("kate", memory_ids="secret")
    assert len(service._equipment.pools.past) == 0
    for one in (service, other):
        again = one.allocations.replay("kate", first, query=QUERY)
        assert "secret" not in {found.id for found in (*again.selected, *again.omitted)}
        assert SECRET not in again.prompt_text
        apart = one.allocations.apart("kate", first, query=QUERY)
        assert SECRET not in str(apart.items)
        assert SECRET not in str(
            [kept.pool.items for kept in one._equipment.pools.past._kept.values()]
        )


def test_what_is_erased_while_it_is_read_is_not_kept(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    past = service._equipment.pools.past
    read = candidates._read_then

    def erased_meanwhile(*given: Any) -> PastPool:
        found = read(*given)
        past.drop("kate")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(candidates, "_read_then", erased_meanwhile)
        ids(service, first)
    assert len(past) == 0
    ids(service, first)
    assert len(past) == 1


def test_a_deleted_workspace_leaves_none(service: MemoryService) -> None:
    first = recalled(service)
    service.remember("kate", item("later", "Kate skis."))
    ids(service, first)
    service.workspaces.delete("kate")
    assert len(service._equipment.pools.past) == 0


@pytest.mark.parametrize("seed", range(4))
def test_kept_ones_equal_those_read_anew_whatever_happened(
    service: MemoryService, clock: Clock, seed: int
) -> None:
    draw, past = random.Random(seed), service._equipment.pools.past
    recalls = [recalled(service)]
    for step in range(12):
        _act(service, draw, step, clock)
        clock.pass_seconds(draw.choice((0, 1_800)))
        recalls.append(recalled(service))
        kept = [ids(service, one) for one in recalls]
        past.clear()
        assert kept == [ids(service, one) for one in recalls]


def _act(service: MemoryService, draw: random.Random, step: int, clock: Clock) -> None:
    active = [row.memory_id for row in service.list("kate").rows]
    one = draw.choice(active) if active else None
    what = draw.choice(["add", "add", "forget", "revise", "move", "expire", "pin", "erase"])
    if what == "add" or one is None:
        service.remember("kate", item(f"m{step}", f"Kate has key {step}."))
    elif what == "forget":
        service.forget("kate", [one])
    elif what == "revise":
        service.revise("kate", one, f"Kate has another key {step}.")
    elif what == "move":
        service.move("kate", [one], draw.choice(["working", "rag"]))
    elif what == "expire":
        service.expire("kate", one, clock() + timedelta(minutes=draw.choice((10, 40))))
    elif what == "pin":
        service.pin("kate", one)
    else:
        service.erasures.erase("kate", memory_ids=one)


def key(workspace_id: str, then: int, *, stands: int = 1) -> PastKey:
    return PastKey(
        workspace_id=workspace_id,
        stands=(MADE_AT, stands),
        then=then,
        narrowed=None,
        model_id=None,
    )


def made(size: int) -> PastPool:
    return PastPool(pool=MemoryPool(), expired=0, filtered=0, bytes=size)


def test_they_stay_within_their_bytes_and_the_longest_unused_goes() -> None:
    past = PastPools(100)
    kept = {place: past.get(key("a", place), lambda: made(40)) for place in (1, 2)}
    assert past.get(key("a", 1), lambda: made(40)) is kept[1]
    past.get(key("b", 3), lambda: made(40))
    assert (past.bytes, len(past)) == (80, 2)
    assert past.get(key("a", 1), lambda: made(40)) is kept[1]
    assert past.get(key("a", 2), lambda: made(40)) is not kept[2]


def test_one_that_is_larger_than_all_may_be_is_not_kept() -> None:
    past = PastPools(100)
    past.get(key("a", 1), lambda: made(60))
    past.get(key("a", 2), lambda: made(101))
    assert (past.bytes, len(past)) == (60, 1)


def test_what_a_change_makes_useless_is_forgotten() -> None:
    past = PastPools(100)
    past.get(key("a", 1), lambda: made(20))
    past.get(key("b", 1), lambda: made(20))
    past.get(key("a", 1, stands=2), lambda: made(30))
    assert (past.bytes, len(past)) == (50, 2)


def test_a_reading_that_fails_leaves_nothing() -> None:
    past = PastPools(100)
    with pytest.raises(ZeroDivisionError):
        past.get(key("a", 1), lambda: made(1 // 0))
    past.drop("a")
    assert (past.bytes, len(past)) == (0, 0)
