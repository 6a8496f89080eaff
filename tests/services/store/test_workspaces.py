"""Workspaces: settings with versions, the sequence of changes, deletion."""

from __future__ import annotations

import pytest
from store_rows import START, Clock, add, current, ids, read, row

from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.services.store.errors import SettingsConflictError, WorkspaceExistsError
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.workspaces import WorkspaceRow
from mba_integrations.services.store.statements import (
    accesses,
    answers,
    jobs,
    memories,
    vectors,
    workspaces,
)
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.services.store.store import Store


def test_a_workspace_comes_back_as_it_was_created(store: Store) -> None:
    made = store.write(
        "ann",
        lambda writing: workspaces.create(
            writing,
            settings={"b": 1, "a": [None, 0.5]},
            retention={"rag": 3},
            time_zone="Asia/Tokyo",
        ),
    )
    assert made == WorkspaceRow(
        workspace_id="ann",
        settings={"b": 1, "a": [None, 0.5]},
        settings_version=1,
        retention={"rag": 3},
        time_zone="Asia/Tokyo",
        change_seq=0,
        created_at=START,
    )
    assert list(made.settings) == ["b", "a"]
    assert read(store, "ann", workspaces.find) == made


def test_a_workspace_is_created_once(store: Store) -> None:
    with pytest.raises(WorkspaceExistsError, match="'kate' is there already"):
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))


def test_all_workspaces_are_listed_by_id(store: Store) -> None:
    store.write("Ann", lambda writing: workspaces.create(writing, settings={}))
    with store.read_all() as reading:
        assert [one.workspace_id for one in workspaces.listed(reading)] == ["Ann", "kate", "tom"]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(workspaces.get, id="get"),
        pytest.param(workspaces.change_seq, id="change-seq"),
        pytest.param(workspaces.delete, id="delete"),
        pytest.param(lambda writing: memories.add(writing, [row("a")]), id="add"),
        pytest.param(lambda writing: memories.forget(writing, []), id="forget"),
        pytest.param(lambda writing: vectors.put(writing, "e", ["a"], [[1.0]]), id="vector"),
        pytest.param(lambda writing: sessions.put(writing, "s", {}), id="session"),
        pytest.param(lambda writing: jobs.enqueue(writing, "j", "k", {}), id="job"),
        pytest.param(lambda writing: answers.keep(writing, "k", "h", {}), id="answer"),
        pytest.param(
            lambda writing: allocations.add(
                writing, [AllocationRow(allocation_id="a", at=START, record={})]
            ),
            id="allocation",
        ),
        pytest.param(lambda writing: accesses.count(writing, ["a"]), id="access"),
    ],
)
def test_what_needs_a_workspace_says_that_it_is_not_there(store: Store, act: object) -> None:
    with pytest.raises(UnknownWorkspaceError, match="there is no workspace 'nobody'"):
        store.write("nobody", act)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("workspace_id", "says"),
    [
        pytest.param("", "must be a text that is not empty", id="empty"),
        pytest.param(3, "must be a text that is not empty, got 3", id="number"),
        pytest.param("a" * 513, "has 513 characters, at most 512", id="too-long"),
        pytest.param("a\0b", "holds a NUL", id="nul"),
        pytest.param("a\ud800b", r"holds U\+D800", id="half-a-character"),
    ],
)
def test_an_id_that_not_both_databases_can_hold_is_refused(
    store: Store, workspace_id: str, says: str
) -> None:
    with pytest.raises(InputError, match=f"workspace_id {says}"), store.read(workspace_id):
        pass
    with pytest.raises(InputError, match=f"workspace_id {says}"):
        store.write(workspace_id, workspaces.get)


def test_settings_keep_their_versions(store: Store, clock: Clock) -> None:
    later = clock.move(hours=1)
    changed = store.write(
        "kate", lambda writing: workspaces.change_settings(writing, {"a": 2}), actor="ann"
    )
    assert (changed.settings, changed.settings_version) == ({"a": 2}, 2)
    kept = read(store, "kate", workspaces.settings_versions)
    assert [(one.version, one.settings, one.at, one.actor) for one in kept] == [
        (1, {}, START, None),
        (2, {"a": 2}, later, "ann"),
    ]


def test_settings_made_from_an_older_version_are_refused(store: Store) -> None:
    def change(expected: int) -> WorkspaceRow:
        return store.write(
            "kate",
            lambda writing: workspaces.change_settings(writing, {}, expected_version=expected),
        )

    assert change(1).settings_version == 2
    with pytest.raises(SettingsConflictError, match="at version 2, the change was made from") as no:
        change(1)
    assert no.value.version == 2
    assert len(read(store, "kate", workspaces.settings_versions)) == 2


def test_retention_and_time_zone_are_changed(store: Store) -> None:
    kept = {"working": {"max_items": 5}}
    store.write("kate", lambda writing: workspaces.change_retention(writing, kept))
    store.write(
        "kate", lambda writing: workspaces.change_retention(writing, kept, time_zone="Asia/Tokyo")
    )
    found = read(store, "kate", workspaces.get)
    assert (found.retention, found.time_zone) == (kept, "Asia/Tokyo")


def test_a_deleted_workspace_leaves_nothing_and_no_other_loses_anything(store: Store) -> None:
    for name in ("kate", "tom"):
        add(store, name, row("a", tags=("x",)), "b")
        store.write(name, lambda writing: vectors.put(writing, "e", ["a"], [[1.0]]))
        store.write(name, lambda writing: sessions.put(writing, "s", {}))
        store.write(name, lambda writing: jobs.enqueue(writing, "j", "k", {}))
    with store.read_all() as reading:
        before = workspaces.counts(reading)
    gone = store.write("kate", workspaces.delete)
    assert {name: count for name, count in gone.items() if count} == {
        **dict.fromkeys(("workspace", "workspace_settings", "memory_tag", "memory_vector"), 1),
        **dict.fromkeys(("session", "job"), 1),
        **dict.fromkeys(("memory", "memory_change"), 2),
    }
    with store.read_all() as reading:
        after = workspaces.counts(reading)
    assert after == {name: count - gone.get(name, 0) for name, count in before.items()}
    assert ids(current(store, "tom")) == ["a", "b"]
