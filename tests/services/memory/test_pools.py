"""Pools follow the store: own writes, those of other services, and never a clock."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from memory_services import Opened, on_both
from sqlalchemy import Engine, event

from mba_integrations import MemoryItem
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.pools.items import item_of
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import WritingAll
from mba_integrations.services.store.tables.memories import memory
from mba_integrations.testing import Clock

pytestmark = on_both

SPORT = MemoryFilter(tags=frozenset({"sport"}))


def ids(service: MemoryService, **options: Any) -> set[str]:
    reply = service.recall("kate", "Kate?", budget_tokens=900, **options)
    assert not reply.omitted_by_reason
    return {one.item.id for one in reply.selected}


def pool_loads(service: MemoryService) -> int:
    return service._equipment.pools.loads


def test_a_pool_is_loaded_once_and_then_follows(service: MemoryService) -> None:
    service.remember("kate", MemoryItem("a", "Kate skis.", "rag"))
    assert ids(service) == {"a"}
    service.remember("kate", MemoryItem("b", "Kate sails.", "rag"))
    assert ids(service) == {"a", "b"}
    service.forget("kate", "a")
    assert ids(service) == {"b"}
    assert pool_loads(service) == 1


def test_a_second_recall_asks_the_store_once_and_makes_nothing_of_the_pool_anew(
    service: MemoryService,
) -> None:
    service.remember("kate", [MemoryItem(f"m{n}", f"Kate {n} skis.", "rag") for n in range(9)])
    first = service.recall("kate", "Kate?", record_access=False)
    service._equipment.trail.flush()
    sent: list[str] = []

    def watch(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        second = service.recall("kate", "Who skis?", record_access=False)
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
    before, after = (one.allocation.decided.problem.snapshot for one in (first, second))
    assert after is before
    assert after.lexical is before.lexical
    assert after.around is before.around
    reads = [one for one in sent if "FROM " in one]
    assert ["FROM workspace " in one for one in reads] == [True]


def test_two_services_on_one_store_see_each_others_writes(
    opened: Opened, service: MemoryService
) -> None:
    other = opened()
    ids(other)
    seq = service.remember("kate", MemoryItem("a", "Kate skis.", "rag")).change_seq
    assert other.recall("kate", "Kate?", min_change_seq=seq).selected[0].item.id == "a"
    other.revise("kate", "a", "Kate sails.")
    assert "sails" in service.recall("kate", "Kate?").prompt_text


def test_a_use_does_not_load_a_pool_again(service: MemoryService) -> None:
    service.remember("kate", MemoryItem("a", "Kate skis.", "rag"))
    for session in "xyz":
        ids(service, session_id=session)
        service._equipment.trail.flush()
    assert service.get("kate", "a").access_count == 3
    assert pool_loads(service) == 1


def test_pools_stay_within_their_bytes_and_the_longest_unused_goes(opened: Opened) -> None:
    service = opened(pool_bytes=9_000)
    for name in "abc":
        service.create_workspace(name)
        service.remember(name, [f"{name} {number}." for number in range(2)])
        service.recall(name, "?")
    assert service._equipment.pools.bytes <= 9_000
    service.recall("c", "?")
    assert pool_loads(service) == 3
    service.recall("a", "?")
    assert pool_loads(service) == 4


def test_one_pool_larger_than_all_may_be_is_kept_while_it_is_in_use(opened: Opened) -> None:
    service = opened(pool_bytes=1)
    service.create_workspace("kate")
    service.remember("kate", "Kate skis.")
    for _ in range(3):
        service.recall("kate", "?")
    assert pool_loads(service) == 1


def test_too_many_changes_load_the_pool_again(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(service)
    whole = service._equipment.store
    service.remember("kate", [MemoryItem(f"m{n}", f"Kate {n}.", "rag") for n in range(5)])
    from mba_integrations.services.store.statements import changes

    read = changes.changes_since
    monkeypatch.setattr(changes, "changes_since", lambda scope, seq: read(scope, seq, limit=3))
    assert len(ids(service)) == 5
    assert pool_loads(service) == 2
    assert whole is service._equipment.store


def test_a_pool_and_its_views_equal_new_ones_whatever_happened(
    opened: Opened, clock: Clock
) -> None:
    service, rng = opened(embedding_model="m"), random.Random(7)
    service.create_workspace("kate", max_total_tokens=5_000)
    ids(service), ids(service, filters=SPORT)
    for step in range(60):
        _act(service, clock, rng, step)
        if step % 5 == 0:
            ids(service), ids(service, filters=SPORT)
    for options in ({}, {"filters": SPORT}):
        anew = opened(embedding_model="m")
        assert ids(service, **options) == ids(anew, **options)
        followed, loaded = (_vectors(one, options) for one in (service, anew))
        assert followed.keys() == loaded.keys()
        assert all(np.array_equal(followed[name], loaded[name]) for name in loaded)
    assert pool_loads(service) == 1


def _vectors(service: MemoryService, options: dict[str, Any]) -> dict[str, Any]:
    reply = service.recall("kate", "Kate?", budget_tokens=900, **options)
    return {one.item.id: one.item.embedding for one in reply.selected}


def _act(service: MemoryService, clock: Clock, rng: random.Random, step: int) -> None:
    there = [row.memory_id for row in service.list("kate").rows]
    act = rng.choice(["add", "add", "revise", "move", "forget", "pin", "again", "wait"])
    if act == "add" or not there:
        item = MemoryItem(f"m{step}", f"Kate {step}.", "rag", embedding=[step + 1.0, 2.0])
        tags = ("sport",) if rng.random() < 0.5 else ()
        expires = clock() + timedelta(minutes=rng.randint(1, 90)) if step % 4 == 0 else None
        service.remember("kate", NewMemory(item=item, tags=tags, expires_at=expires))
    elif act == "revise":
        service.revise("kate", rng.choice(there), f"Kate {step}, anew.")
    elif act == "move":
        service.move("kate", rng.choice(there), rng.choice(["project", "working"]))
    elif act == "forget":
        service.forget("kate", rng.choice(there))
    elif act == "again":
        service.remember("kate", [MemoryItem("m0", "Kate 0.", "rag")], on_error="skip")
    elif act == "wait":
        clock.pass_seconds(300)
    else:
        service.hold("kate", rng.choice(there))


def test_a_pool_of_what_is_kept_equals_one_of_the_items(opened: Opened, clock: Clock) -> None:
    service, rng = opened(embedding_model="m"), random.Random(3)
    service.create_workspace("kate", max_total_tokens=5_000)
    for step in range(40):
        _act(service, clock, rng, step)
    service.remember(
        "kate",
        MemoryItem(
            "last",
            "Kate: Wo sind die Schlüssel?",
            "long_term",
            importance=0.7,
            last_accessed_at=clock(),
            access_count=3,
            source="talk",
            position=2.0,
            group="round",
            pinned=True,
            metadata={"role": "user", "deep": {"a": [1, None]}},
        ),
    )
    ids(service)
    place = service._equipment.pools._places["kate"]
    assert place.pool is not None
    rows = service.list("kate", newest_first=False).rows
    kept = place.pool.pool
    assert list(kept.items) == [item_of(row) for row in rows if row.memory_id in kept]
    assert [dict(item.metadata) for item in kept][-1] == dict(rows[-1].metadata)
    built = LexicalIndex.build([item.content for item in kept])
    made = kept.snapshot().lexical
    for query in ("Kate 7 anew", "Schlüssel"):
        assert made.scores(query).tolist() == built.scores(query).tolist()


def test_terms_of_another_release_are_cut_anew(opened: Opened, service: MemoryService) -> None:
    service.remember(
        "kate", [MemoryItem("a", "Kate skis.", "rag"), MemoryItem("b", "Oslo.", "rag")]
    )
    for wrong in ("0 0\nwrong", None):

        def spoil(writing: WritingAll, terms: str | None = wrong) -> None:
            writing.execute(writing.update(memory).values(terms=terms))

        service._equipment.store.write_all(spoil)
        assert opened().search("kate", "Where is Oslo?").hits[0].memory_id == "b"


def test_many_threads_may_write_and_ask_at_once(service: MemoryService) -> None:
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(6):
                seq = service.remember("kate", f"Kate {thread}x{number}.").change_seq
                reply = service.recall("kate", f"Kate {thread}x{number}?", session_id=str(thread))
                assert reply.change_seq >= seq
                assert f"Kate {thread}x{number}." in reply.prompt_text
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failures
    assert len(ids(service)) == 24
    assert pool_loads(service) == 1
