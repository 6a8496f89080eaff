"""The feed of changes: a mirror that follows it is the workspace, and the past can be told."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import START, Clock, add, current, ids, read, row

from mba_integrations import MemoryTier
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.rows.changes import ChangeFeed
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    accesses,
    changes,
    finding,
    history,
    memories,
    workspaces,
)
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.services.store.store import Store

NAMES = "abcd"
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "supersede", "rewrite", "update", "move", "forget", "expire", "restore", "use"]
        ),
        st.sampled_from(NAMES),
        st.sampled_from(["x", "y"]),
        st.sampled_from(list(MemoryTier)),
    ),
    max_size=12,
)


def act(writing: Writing, what: str, name: str, text: str, tier: MemoryTier) -> None:
    """One act, or none where it is not possible."""
    known = finding.find(writing, [name])
    if what == "add":
        if not known:
            memories.add(writing, [row(name, text, tier=tier)])
    elif not known:
        return
    elif what == "supersede":
        new = f"{name}+{workspaces.change_seq(writing)}"
        if known[name].state is MemoryState.ACTIVE:
            memories.supersede(writing, {name: row(new, text, tier=tier)})
    elif what == "rewrite":
        memories.rewrite(writing, [row(name, text)], keep_versions=True)
    elif what == "use":
        accesses.count(writing, [name])
    else:
        {
            "update": lambda: memories.update(writing, [known[name]]),
            "move": lambda: memories.move(writing, {name: tier}),
            "forget": lambda: memories.forget(writing, [name]),
            "expire": lambda: memories.forget(writing, [name], expired=True),
            "restore": lambda: memories.restore(writing, [name]),
        }[what]()


def act_once(writing: Writing, given: tuple[str, str, str, MemoryTier]) -> None:
    act(writing, *given)


def follow(store: Store, workspace_id: str, mirror: dict[str, MemoryRow], seq: int) -> int:
    """Bring a mirror of the active memories up to date by the feed alone, as a pool is."""
    with store.read(workspace_id) as reading:
        feed = changes.changes_since(reading, seq)
        assert feed.complete
        touched = {change.memory_id for change in feed.changes}
        found = finding.find(reading, touched)
    for memory_id in touched:
        mirror.pop(memory_id, None)
        if memory_id in found and found[memory_id].state is MemoryState.ACTIVE:
            mirror[memory_id] = found[memory_id]
    return feed.change_seq


def said(rows: Any) -> list[tuple[str, str, MemoryTier]]:
    return [(one.memory_id, one.content, one.tier) for one in rows]


@given(acts=ACTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_a_mirror_that_follows_the_feed_is_the_workspace_and_every_moment_can_be_told(
    store: Store, acts: list[tuple[str, str, str, MemoryTier]]
) -> None:
    workspace_id = f"w{len(read_all_names(store))}"
    store.write(workspace_id, lambda writing: workspaces.create(writing, settings={}))
    mirror: dict[str, MemoryRow] = {}
    seen: list[tuple[datetime, list[tuple[str, str, MemoryTier]]]] = []
    seq = 0
    for place, one in enumerate(acts):
        moment = START + timedelta(hours=place)
        store.write(workspace_id, partial(act_once, given=one), at=moment)
        seq = follow(store, workspace_id, mirror, seq)
        whole = current(store, workspace_id)
        assert sorted(mirror.values(), key=lambda kept: kept.added_seq) == list(whole)
        seen.append((moment, said(whole)))
    for moment, expected in seen:
        told = read(store, workspace_id, partial(history.as_of, moment=moment))
        assert said(told) == expected


@pytest.mark.parametrize("what", ["supersede", "rewrite", "move", "forget", "expire", "use"])
def test_each_act_is_undone_where_the_past_is_told(store: Store, clock: Clock, what: str) -> None:
    add(store, "kate", row("a", "old"), row("b", "stays"))
    before = said(current(store))
    clock.move(hours=1)
    store.write("kate", lambda writing: act(writing, what, "a", "new", MemoryTier.RAG))
    after = said(current(store))
    assert (after != before) is (what != "use")
    clock.move(hours=1)
    store.write("kate", lambda writing: memories.restore(writing, ["a"]))
    told = [
        said(read(store, "kate", partial(history.as_of, moment=START + timedelta(hours=hours))))
        for hours in (-1, 0, 1, 2)
    ]
    assert told == [[], before, after, said(current(store))]


def read_all_names(store: Store) -> list[str]:
    with store.read_all() as reading:
        return [one.workspace_id for one in workspaces.listed(reading)]


def since(store: Store, seq: int, **options: int) -> ChangeFeed:
    return read(store, "kate", lambda reading: changes.changes_since(reading, seq, **options))


def test_the_feed_says_what_was_done_without_a_text(store: Store) -> None:
    add(store, "kate", row("a", "a secret"))
    store.write("kate", lambda writing: memories.forget(writing, ["a"], reason="r"), actor="ann")
    feed = since(store, 0)
    assert (feed.change_seq, feed.complete) == (2, True)
    born, gone = feed.changes
    assert (born.op, born.before_hash, born.after_hash) == ("add", None, hash_of("a secret"))
    assert (born.tier_from, born.tier_to, born.actor) == (None, MemoryTier.PROJECT, None)
    assert (gone.op, gone.reason, gone.actor, gone.at) == ("forget", "r", "ann", START)
    assert "a secret" not in repr(feed)


def test_who_is_up_to_date_gets_nothing(store: Store) -> None:
    add(store, "kate", "a")
    assert since(store, 1) == ChangeFeed(change_seq=1, complete=True, changes=())


@pytest.mark.parametrize(
    ("seq", "limit", "complete", "count"),
    [
        pytest.param(0, 3, True, 3, id="as-many-as-asked-for"),
        pytest.param(0, 2, False, 2, id="more-than-asked-for"),
        pytest.param(1, 2, True, 2, id="the-rest"),
        pytest.param(9, 2, False, 0, id="a-place-that-is-yet-to-come"),
    ],
)
def test_a_feed_says_whether_it_is_all(
    store: Store, seq: int, limit: int, complete: bool, count: int
) -> None:
    add(store, "kate", *"abc")
    feed = since(store, seq, limit=limit)
    assert (feed.complete, len(feed.changes), feed.change_seq) == (complete, count, 3)


def test_a_pruned_feed_is_complete_only_from_where_it_begins(store: Store, clock: Clock) -> None:
    add(store, "kate", "a", "b")
    later = clock.move(days=1)
    add(store, "kate", "c")
    store.write("kate", lambda writing: pruning.prune(writing, pruning.Horizon(changes=later)))
    assert not since(store, 0).complete
    assert not since(store, 1).complete
    assert [one.memory_id for one in since(store, 2).changes] == ["c"]
    assert since(store, 2).complete
    with pytest.raises(InputError, match=r"are kept since 2026-03-03.*Ask for a later time"):
        read(store, "kate", lambda reading: history.as_of(reading, START))
    assert ids(read(store, "kate", lambda reading: history.as_of(reading, later))) == list("abc")


def test_workspaces_have_their_own_sequences(store: Store) -> None:
    add(store, "kate", "a", "b")
    add(store, "tom", "c")
    assert since(store, 0).change_seq == 2
    assert read(store, "tom", workspaces.change_seq) == 1
    assert read(store, "tom", lambda reading: changes.changes_of(reading, "a")) == ()
    assert len(read(store, "kate", lambda reading: changes.changes_of(reading, "a"))) == 1
