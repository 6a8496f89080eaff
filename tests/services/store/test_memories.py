"""Memories: add, supersede, rewrite, update, move, forget, restore; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Result
from store_rows import START, Clock, add, current, ids, read, row

from mba_integrations import MemoryTier
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.search.words.written_terms import written_terms
from mba_integrations.services.store.errors import MemoryExistsError, UnknownMemoryError
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    accesses,
    changes,
    finding,
    history,
    loading,
    memories,
    vectors,
    workspaces,
)
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.services.store.store import Store

FULL = row(
    "full",
    "Kate skis.\r\n\t☃ 👩‍👩‍👧 \u2028 end ",
    tier=MemoryTier.LONG_TERM,
    importance=0.1 + 0.2,
    created_at=datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    event_at=datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=14))),
    last_accessed_at=datetime(9999, 12, 31, tzinfo=UTC),
    access_count=2**63 - 1,
    expires_at=datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=-14))),
    source="chat-7",
    position=-0.5,
    group="g",
    pinned=True,
    held=True,
    metadata={"z": 1, "a": {"list": [None, True, 1.5, "é"]}, "big": 2**70, "": ""},
    subject="kate@example.org",
    author="user",
    client="cli",
    session_id="s",
    tags=("b", "a", "b"),
)


def test_a_memory_comes_back_as_it_was_added(store: Store) -> None:
    (stored,) = add(store, "kate", FULL)
    assert stored == replace(
        FULL,
        tags=("a", "b"),
        tier_since=START,
        stored_at=START,
        content_hash=hash_of(FULL.content),
        added_seq=1,
        change_seq=1,
    )
    assert current(store) == (stored,)
    found = current(store)[0]
    assert list(found.metadata) == ["z", "a", "big", ""]
    assert found.event_at is not None
    assert found.event_at.tzinfo is UTC


def test_a_memory_needs_an_id_a_text_and_a_tier(store: Store) -> None:
    (stored,) = add(store, "kate", MemoryRow(memory_id="a", content="x", tier="rag"))
    assert (stored.tier, stored.importance, stored.state) == (
        MemoryTier.RAG,
        0.5,
        MemoryState.ACTIVE,
    )
    assert current(store) == (stored,)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"memory_id": ""}, "memory_id must be a text that is not empty", id="id"),
        pytest.param({"content": ""}, "memory 'a': content must be a text that", id="empty"),
        pytest.param({"content": 3}, "memory 'a': content must be a text that", id="number"),
        pytest.param({"content": "a\0"}, "memory 'a': content holds a NUL", id="nul"),
        pytest.param({"content": "\udcff"}, r"memory 'a': content holds U\+DCFF", id="surrogate"),
        pytest.param({"tier": "far"}, "memory 'a': tier must be one of working,", id="tier"),
        pytest.param({"importance": 1.1}, r"importance must be in \[0, 1\], got 1.1", id="high"),
        pytest.param({"importance": float("nan")}, "importance must be in", id="not-a-number"),
        pytest.param({"access_count": -1}, "access_count must be an integer >= 0", id="count"),
        pytest.param({"position": float("inf")}, "position must be finite, got inf", id="place"),
        pytest.param(
            {"created_at": datetime(2026, 1, 1)}, "created_at: a time must be", id="naive"
        ),
        pytest.param({"expires_at": "2026-01-01"}, "expires_at: a time must be", id="text-as-time"),
        pytest.param({"metadata": {"a": float("nan")}}, "metadata must be what JSON", id="nan"),
        pytest.param({"metadata": {"a": object()}}, "metadata must be what JSON", id="object"),
        pytest.param({"metadata": {"a": "\0"}}, "metadata holds a NUL", id="nul-in-metadata"),
        pytest.param({"source": ""}, "memory 'a': source must be a text", id="source"),
        pytest.param({"subject": "s" * 513}, "subject has 513 characters", id="long-subject"),
        pytest.param({"tags": ("",)}, "memory 'a': a tag must be a text", id="tag"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    store: Store, fields: dict[str, Any], says: str
) -> None:
    unusable = replace(row("a"), **fields)
    with pytest.raises(InputError, match=says):
        add(store, "kate", "good", unusable)
    assert current(store) == ()
    assert read(store, "kate", workspaces.change_seq) == 0


def test_an_id_is_unique_in_its_workspace_alone(store: Store) -> None:
    add(store, "kate", "a", "b")
    add(store, "tom", "a")
    with pytest.raises(MemoryExistsError, match="'kate' has a memory 'a' already and 1 more") as no:
        add(store, "kate", "new", "a", "b")
    assert no.value.memory_ids == ("a", "b")
    assert ids(current(store)) == ["a", "b"]
    with pytest.raises(DuplicateItemError, match="memory id 'c' occurs more than once"):
        add(store, "kate", "c", "d", "c")


def test_an_add_that_was_refused_leaves_nothing_to_a_write_that_goes_on(store: Store) -> None:
    add(store, "kate", "a")

    def carry_on(writing: Writing) -> None:
        with pytest.raises(MemoryExistsError):
            memories.add(writing, [row("new", tags=("t",)), row("a", tags=("t",))])
        memories.add(writing, [row("b")])

    store.write("kate", carry_on)
    assert ids(current(store)) == ["a", "b"]
    feed = read(store, "kate", lambda reading: changes.changes_since(reading, 0))
    assert [one.memory_id for one in feed.changes] == ["a", "b"]


def test_a_superseded_memory_names_the_one_that_took_its_place(store: Store) -> None:
    add(store, "kate", "a")
    (new,) = store.write("kate", lambda writing: memories.supersede(writing, {"a": row("b")}))
    assert current(store) == (new,)
    old = read(store, "kate", lambda reading: finding.get(reading, "a"))
    assert (old.state, old.superseded_by) == (MemoryState.SUPERSEDED, "b")
    told = read(store, "kate", lambda reading: changes.changes_since(reading, 1)).changes
    assert [(one.op, one.memory_id, one.related_id) for one in told] == [
        ("add", "b", "a"),
        ("supersede", "a", "b"),
    ]


def test_only_an_active_memory_is_superseded(store: Store) -> None:
    add(store, "kate", "a")
    store.write("kate", lambda writing: memories.forget(writing, ["a"]))
    with pytest.raises(InputError, match="memory 'a' is forgotten; only an active one"):
        store.write("kate", lambda writing: memories.supersede(writing, {"a": row("b")}))


def test_a_rewritten_memory_keeps_its_place_and_loses_its_vectors(store: Store) -> None:
    add(store, "kate", row("a", "old", tags=("t",)), "b")
    store.write("kate", lambda writing: vectors.put(writing, "e", ["a", "b"], [[1.0], [2.0]]))
    new = row("a", "new", tier=MemoryTier.RAG, importance=0.9, tags=("u",))
    (saved,) = store.write(
        "kate", lambda writing: memories.rewrite(writing, [new], keep_versions=True)
    )
    assert (saved.content, saved.content_hash, saved.tier, saved.importance, saved.tags) == (
        "new",
        hash_of("new"),
        MemoryTier.PROJECT,
        0.9,
        ("u",),
    )
    assert ids(current(store)) == ["a", "b"]
    assert current(store)[0] == saved
    assert read(store, "kate", lambda reading: vectors.all_of(reading, "e"))[0] == ("b",)
    terms = read(store, "kate", loading.active).terms
    assert list(terms) == [written_terms(one.content) for one in current(store)]
    (kept,) = read(store, "kate", lambda reading: history.versions(reading, "a"))
    assert (kept.content, kept.replaced_at, kept.change_seq) == ("old", START, saved.change_seq)


def test_a_forgotten_memory_that_is_rewritten_can_be_recalled_again(store: Store) -> None:
    add(store, "kate", "a")
    store.write("kate", lambda writing: memories.forget(writing, ["a"]))
    store.write("kate", lambda writing: memories.rewrite(writing, [row("a", "new")]))
    assert [one.content for one in current(store)] == ["new"]
    assert read(store, "kate", lambda reading: history.versions(reading, "a")) == ()


def test_an_update_changes_all_but_text_tier_and_state(store: Store) -> None:
    (stored,) = add(store, "kate", row("a", tags=("t",)))
    wanted = replace(FULL, memory_id="a")
    (saved,) = store.write("kate", lambda writing: memories.update(writing, [wanted]))
    kept = ("content", "content_hash", "tier", "tier_since", "stored_at", "added_seq", "state")
    assert saved == replace(
        wanted,
        tags=("a", "b"),
        change_seq=2,
        **{name: getattr(stored, name) for name in kept},
    )
    assert current(store) == (saved,)


def test_a_move_says_where_from_and_why(store: Store, clock: Clock) -> None:
    add(store, "kate", "a", "b", "c")
    later = clock.move(days=1)
    moved = store.write(
        "kate",
        lambda writing: memories.move(
            writing,
            {"a": MemoryTier.WORKING, "b": MemoryTier.PROJECT},
            reasons={"a": "used often"},
            review_id="r1",
        ),
        actor="ann",
    )
    assert [(one.memory_id, one.tier, one.tier_since) for one in moved] == [
        ("a", MemoryTier.WORKING, later)
    ]
    (told,) = read(store, "kate", lambda reading: changes.changes_of_review(reading, "r1"))
    assert (told.tier_from, told.tier_to, told.reason, told.actor, told.at) == (
        MemoryTier.PROJECT,
        MemoryTier.WORKING,
        "used often",
        "ann",
        later,
    )


def test_what_is_forgotten_comes_back_when_it_is_restored(store: Store) -> None:
    add(store, "kate", "a", "b")
    gone = store.write("kate", lambda writing: memories.forget(writing, ["b", "a", "b"]))
    assert ids(gone) == ["b", "a"]
    assert current(store) == ()
    assert store.write("kate", lambda writing: memories.forget(writing, ["a"])) == ()
    back = store.write("kate", lambda writing: memories.restore(writing, ["a", "b"]))
    assert ids(back) == ["a", "b"]
    assert ids(current(store)) == ["a", "b"]
    assert store.write("kate", lambda writing: memories.restore(writing, ["a"])) == ()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(
            lambda w: memories.supersede(w, {"a": row("n"), "x": row("m")}), id="supersede"
        ),
        pytest.param(lambda w: memories.rewrite(w, [row("a", "n"), row("x")]), id="rewrite"),
        pytest.param(lambda w: memories.update(w, [row("a", pinned=True), row("x")]), id="update"),
        pytest.param(lambda w: memories.move(w, dict.fromkeys("ax", MemoryTier.RAG)), id="move"),
        pytest.param(lambda w: memories.forget(w, ["a", "x"]), id="forget"),
        pytest.param(lambda w: memories.restore(w, ["a", "x"]), id="restore"),
    ],
)
def test_an_act_on_a_foreign_or_unknown_memory_changes_none(
    store: Store, act: Callable[[Writing], object]
) -> None:
    before = add(store, "kate", "a")
    add(store, "tom", "x")
    with pytest.raises(UnknownMemoryError, match="'kate' has no memory 'x'") as no:
        store.write("kate", act)
    assert no.value.memory_ids == ("x",)
    assert current(store) == before
    assert ids(current(store, "tom")) == ["x"]
    assert read(store, "kate", workspaces.change_seq) == 1


def test_a_use_counts_once_for_a_session_and_an_hour(store: Store, clock: Clock) -> None:
    add(store, "kate", "a", "b", "gone")
    store.write("kate", lambda writing: memories.forget(writing, ["gone"]))

    def count(*memory_ids: str, session_id: str | None = None) -> list[str]:
        return sorted(
            ids(
                store.write(
                    "kate",
                    lambda writing: accesses.count(writing, memory_ids, session_id=session_id),
                )
            )
        )

    assert count("a", "unknown", "gone", "a", session_id="s") == ["a"]
    assert count("a", "b", session_id="s") == ["b"]
    assert count("a", session_id="t") == ["a"]
    assert count("a") == ["a"]
    assert count("a") == []
    later = clock.move(hours=1)
    assert count("a", session_id="s") == ["a"]
    found = current(store)[0]
    assert (found.access_count, found.last_accessed_at) == (4, later)


def test_a_use_is_looked_up_by_its_memories_and_not_by_the_hour(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [f"m{number}" for number in range(30)]
    add(store, "kate", *every)
    store.write("kate", lambda writing: accesses.count(writing, every))
    counted: list[int] = []
    scalars = Result.scalars

    def spied(found: Result[Any]) -> list[Any]:
        values = list(scalars(found))
        counted.append(len(values))
        return values

    monkeypatch.setattr(Result, "scalars", spied)
    assert store.write("kate", lambda writing: accesses.count(writing, ["m3", "m4"])) == ()
    assert max(counted) == 2


def test_a_write_that_fails_is_undone_whole(store: Store) -> None:
    def fail(writing: Writing) -> None:
        memories.add(writing, [row("a")])
        raise KeyError("no")

    with pytest.raises(KeyError):
        store.write("kate", fail)
    assert current(store) == ()
    assert read(store, "kate", workspaces.change_seq) == 0


def test_1000_memories_are_added_at_once(store: Store) -> None:
    rows = [row(f"m{number}", tags=("t",)) for number in range(1_000)]
    stored = add(store, "kate", *rows)
    assert [one.added_seq for one in stored] == list(range(1, 1_001))
    assert current(store) == stored
