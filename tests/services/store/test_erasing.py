"""Pruning and erasure: what goes, what stays, and what must not come back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from sqlalchemy import inspect, text
from store_rows import START, Clock, add, current, ids, read, row

from mba_integrations.core.errors import InputError
from mba_integrations.services.store.erasure import erasing, ledger, pruning
from mba_integrations.services.store.rows.allocations import (
    AllocationItem,
    AllocationRow,
    FeedbackOrigin,
    FeedbackRow,
)
from mba_integrations.services.store.rows.erasures import ErasedKind, Erasure
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    accesses,
    answers,
    changes,
    finding,
    history,
    jobs,
    memories,
    vectors,
)
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.services.store.store import Store
from mba_integrations.services.store.tables.tenancy import is_partition

CANARY = 'the canary sings in "Lisbon" \u2603'


def fill(writing: Writing) -> None:
    """Put a text wherever the store keeps one."""
    hers = {"subject": "kate", "source": "chat"}
    memories.add(writing, [row("hers", f"old: {CANARY}", tags=("t",), **hers), row("other")])
    memories.rewrite(writing, [row("hers", CANARY, tags=("t",), **hers)], keep_versions=True)
    vectors.put(writing, "e", ["hers", "other"], [[1.0], [2.0]])
    accesses.count(writing, ["hers", "other"], session_id="s")
    sessions.put(writing, "s", {"items": [{"id": "hers"}], "text": CANARY})
    sessions.put(writing, "t", {"items": [{"id": "other"}]})
    answers.keep(writing, "k", "h", {"ids": ["hers"]})
    answers.keep(writing, "l", "h", {"ids": ["other"]})
    jobs.enqueue(writing, "j", "import", {"texts": [f"more of: {CANARY}"]})
    jobs.enqueue(writing, "i", "import", {"texts": ["other"]})
    items = tuple(AllocationItem(memory_id=one, selected=True) for one in ("hers", "other"))
    record = {"used_tokens": 3, "query": f"is it so: {CANARY}?", "texts": [CANARY[:12]]}
    allocations.add(
        writing, [AllocationRow(allocation_id="a", at=writing.at, record=record, items=items)]
    )
    said: dict[str, Any] = {"allocation_id": "a", "useful": True, "origin": FeedbackOrigin.THUMB}
    said |= {"weight": 1.0, "at": writing.at}
    allocations.add_feedback(
        writing, [FeedbackRow(memory_id=one, **said) for one in (None, "hers", "other")]
    )


def dump(store: Store) -> list[str]:
    """All rows of all tables, as text."""
    with store.read_all() as reading:
        names = inspect(reading.connection).get_table_names()
        return [
            f"{name} {tuple(found)!r}"
            for name in names
            if name != "store_version" and not is_partition(name)
            for found in reading.connection.execute(text(f"SELECT * FROM {name}"))
        ]


def erase(store: Store, kind: str, *values: str, erasure_id: str = "e1") -> Erasure:
    return store.write(
        "kate",
        lambda writing: erasing.erase(writing, erasure_id, kind, values),
        actor="ann",
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(ErasedKind.MEMORY, "hers", id="by-id"),
        pytest.param("subject", "kate", id="by-subject"),
        pytest.param("source", "chat", id="by-source"),
    ],
)
def test_an_erasure_takes_all_that_the_tables_know_of_a_memory(
    store: Store, kind: str, value: str
) -> None:
    store.write("kate", fill)
    store.write("tom", fill)
    foreign = read(store, "tom", finding.in_any_state)
    receipt = erase(store, kind, value)
    assert {name: count for name, count in receipt.counts.items() if count} == {
        **dict.fromkeys(("memory", "memory_vector", "memory_tag", "memory_version"), 1),
        **dict.fromkeys(("memory_access", "session", "answer", "job", "allocation"), 1),
        **dict.fromkeys(("allocation_item", "feedback"), 1),
        "memory_change": 3,
    }
    assert not [line for line in dump(store) if "canary" in line and "('tom'" not in line]
    assert ids(current(store)) == ["other"]
    assert read(store, "kate", lambda reading: sessions.find(reading, "t")) is not None
    assert read(store, "tom", finding.in_any_state) == foreign
    assert read(store, "kate", erasing.receipts) == (receipt,)


def test_pools_are_told_to_drop_what_was_erased(store: Store) -> None:
    store.write("kate", fill)
    seq = current(store)[-1].change_seq
    erase(store, "subject", "kate")
    feed = read(store, "kate", lambda reading: changes.changes_since(reading, seq))
    assert feed.complete
    assert [(one.op, one.memory_id, one.before_hash, one.reason) for one in feed.changes] == [
        ("erase", "hers", None, None)
    ]
    assert ids(read(store, "kate", lambda reading: history.as_of(reading, START))) == ["other"]


def test_a_forgotten_or_superseded_memory_is_erased_too(store: Store) -> None:
    add(store, "kate", row("a", subject="x"), row("b", subject="x"), "c")
    store.write("kate", lambda writing: memories.forget(writing, ["a"]))
    store.write("kate", lambda writing: memories.supersede(writing, {"b": row("d")}))
    assert erase(store, "subject", "x").counts["memory"] == 2
    assert ids(read(store, "kate", finding.in_any_state)) == ["c", "d"]


def test_what_nobody_has_is_entered_in_the_ledger(store: Store) -> None:
    assert erase(store, "subject", "ann").counts == {**dict.fromkeys(NOTHING, 0)}

    def erased(workspace_id: str) -> frozenset[str]:
        return read(
            store,
            workspace_id,
            lambda reading: ledger.was_erased(reading, ErasedKind.SUBJECT, ["ann", "bob"]),
        )

    assert erased("kate") == {"ann"}
    assert erased("tom") == frozenset()
    assert "ann" not in repr([one.digest for one in read(store, "kate", ledger.entries)])


NOTHING = (
    *("memory", "memory_vector", "memory_tag", "memory_version", "memory_access"),
    *("memory_change", "document"),
)


def test_an_erased_text_is_known_to_an_import(store: Store) -> None:
    store.write("kate", fill)
    erase(store, "memory", "hers")
    texts = [CANARY, f"old: {CANARY}", "text of other"]
    found = read(
        store, "kate", lambda reading: ledger.was_erased(reading, ErasedKind.CONTENT, texts)
    )
    assert found == set(texts[:2])


def test_only_what_was_stored_before_its_erasure_is_erased_again(
    store: Store, clock: Clock
) -> None:
    add(store, "kate", row("old", subject="x"), "kept")
    erase(store, "subject", "x")
    clock.move(hours=1)
    add(store, "kate", row("since", subject="x"), row("old", subject="y"))
    again = store.write("kate", lambda writing: erasing.erase_again(writing, "e2"))
    assert again is None
    assert ids(current(store)) == ["kept", "since", "old"]

    def come_back(writing: Writing) -> None:
        memories.add(writing, [row("back", subject="x")])

    store.write("kate", come_back, at=START)
    again = store.write("kate", lambda writing: erasing.erase_again(writing, "e2"))
    assert again is not None
    assert again.counts["memory"] == 1
    assert ids(current(store)) == ["kept", "since", "old"]


def test_memories_are_erased_by_what_they_have(store: Store) -> None:
    with pytest.raises(InputError, match="kind must be one of memory, subject, source, got"):
        erase(store, "content", "a")
    with pytest.raises(InputError, match="a subject must be a text that is not empty"):
        erase(store, "subject", "")
    assert read(store, "kate", ledger.entries) == ()


def prune(store: Store, **horizon: Any) -> Mapping[str, int]:
    return store.write("kate", lambda writing: pruning.prune(writing, pruning.Horizon(**horizon)))


def test_pruning_takes_nothing_that_can_be_recalled(store: Store, clock: Clock) -> None:
    add(store, "kate", "active", "gone", "old", "lately")
    store.write("kate", lambda writing: memories.forget(writing, ["gone"]))
    store.write("kate", lambda writing: memories.supersede(writing, {"old": row("new")}))
    store.write("kate", lambda writing: vectors.put(writing, "e", ["gone"], [[1.0]]))
    later = clock.move(days=1)
    store.write("kate", lambda writing: memories.forget(writing, ["lately"]))
    assert prune(store)["memory_access"] == 0
    counts = prune(store, forgotten=later)
    assert (counts["memory"], counts["memory_vector"]) == (2, 1)
    assert ids(read(store, "kate", finding.in_any_state)) == ["active", "lately", "new"]
    feed = read(store, "kate", lambda reading: changes.changes_since(reading, 8))
    assert {(one.op, one.memory_id) for one in feed.changes} == {
        ("prune", "gone"),
        ("prune", "old"),
    }


def test_the_log_is_pruned_by_age(store: Store, clock: Clock) -> None:
    store.write("kate", fill)
    store.write_all(lambda writing: jobs.claim(writing, "me"))
    store.write("kate", lambda writing: jobs.cancel(writing, "i"))
    store.write("tom", fill)
    later = clock.move(days=2)
    old = partial(pruning.old_allocations, before=later)
    remove = pruning.remove_allocations
    with_items = read(store, "kate", partial(old, with_items=True))
    assert len(with_items) == 1
    counts = store.write("kate", lambda writing: remove(writing, with_items, items_alone=True))
    assert counts == {"allocation_item": 2}
    assert read(store, "kate", partial(old, with_items=True)) == ()
    assert read(store, "kate", partial(pruning.old_allocations, before=START)) == ()
    counts = store.write("kate", lambda writing: remove(writing, read(store, "kate", old)))
    assert counts == {"allocation_item": 0, "feedback": 3, "allocation": 1}
    pruned = prune(store, sessions=later, jobs=later)
    assert {name: count for name, count in pruned.items() if count} == {
        "answer": 2,
        "memory_access": 2,
        "session": 2,
        "job": 1,
    }
    assert [one.job_id for one in read(store, "kate", jobs.listed)] == ["j"]
    assert len(read(store, "tom", jobs.listed)) == 2
    assert read(store, "tom", lambda reading: sessions.find(reading, "s")) is not None
