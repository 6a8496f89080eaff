"""Keys: what is kept of them, who a caller is, and that nobody gives away more than they have."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.services.access.errors import MissingScopeError, UnknownCallerError
from mba_integrations.services.access.keys import Keys
from mba_integrations.services.access.principal import EVERYTHING, LOCAL, Principal, Scope
from mba_integrations.services.store.errors import UnknownKeyError
from mba_integrations.services.store.opening import open_store
from mba_integrations.testing import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "memory.db"))


@pytest.fixture
def keys(path: Path, clock: Clock) -> Iterator[Keys]:
    with open_store(path, clock=clock) as store:
        yield Keys(store)


def test_a_key_says_who_the_caller_is(keys: Keys) -> None:
    made = keys.create("app", scopes=["read", "write"], workspaces=["kate"])
    caller = keys.authenticate(made.key)
    assert caller.key_id == made.row.key_id
    assert caller.scopes == {Scope.READ, Scope.WRITE}
    assert caller.workspaces == frozenset({"kate"})
    assert keys.any_hold()


def test_the_secret_is_nowhere(keys: Keys, path: Path) -> None:
    made = keys.create("app")
    secret = made.key.split("_", 2)[2]
    assert secret not in repr(made)
    with closing(sqlite3.connect(path)) as connection:
        dump = "\n".join(connection.iterdump())
    assert made.row.sha256 in dump
    assert secret not in dump


def test_keys_that_are_none_are_refused_alike(keys: Keys, clock: Clock) -> None:
    known = keys.create("app", expires_at=clock() + timedelta(days=1))
    gone = keys.create("gone")
    keys.revoke(gone.row.key_id)
    wrong = [
        *("", "mba_", "é", known.key[:-1], known.key + "x", "\0", known.key.upper()),
        "mba_000000000000_" + known.key.split("_", 2)[2],
        known.key[:-1] + ("A" if known.key[-1] != "A" else "B"),
        gone.key,
    ]
    said = set()
    for key in wrong:
        with pytest.raises(UnknownCallerError) as refused:
            keys.authenticate(key)
        said.add(str(refused.value))
    clock.pass_seconds(86_400)
    with pytest.raises(UnknownCallerError) as refused:
        keys.authenticate(known.key)
    assert said == {str(refused.value)}
    assert not keys.any_hold()


def test_a_use_is_written_once_in_an_hour(keys: Keys, clock: Clock) -> None:
    made = keys.create("app")
    first = clock()
    keys.authenticate(made.key)
    clock.pass_seconds(59 * 60)
    keys.authenticate(made.key)
    assert keys.list()[0].last_used_at == first
    clock.pass_seconds(60)
    keys.authenticate(made.key)
    assert keys.list()[0].last_used_at == clock()


SOME = Principal(key_id="k", scopes=EVERYTHING - {Scope.GATEWAY}, workspaces=frozenset({"kate"}))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"workspaces": None}, id="everywhere"),
        pytest.param({"workspaces": ["kate", "tom"]}, id="another-workspace"),
        pytest.param({"scopes": ["gateway"]}, id="another-scope"),
    ],
)
def test_nobody_makes_a_key_that_may_do_more(keys: Keys, more: dict[str, Any]) -> None:
    with pytest.raises(MissingScopeError, match="cannot make one that may do more"):
        keys.create("x", by=SOME, **{"workspaces": ["kate"], **more})
    assert keys.list() == ()


def test_keys_that_reach_farther_are_not_seen(keys: Keys) -> None:
    far = keys.create("far")
    near = keys.create("near", workspaces=["kate"])
    assert [row.name for row in keys.list(by=SOME)] == ["near"]
    with pytest.raises(UnknownKeyError):
        keys.revoke(far.row.key_id, by=SOME)
    keys.revoke(near.row.key_id, by=SOME)
    assert {row.name for row in keys.list() if row.revoked_at} == {"near"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"name": " "}, "name must have 1 to 200", id="empty-name"),
        pytest.param({"name": "x" * 201}, "name must have 1 to 200", id="long-name"),
        pytest.param({"scopes": []}, "scopes is empty", id="no-scope"),
        pytest.param({"scopes": ["root"]}, "a scope of scopes must be one of", id="no-such-scope"),
        pytest.param({"workspaces": []}, "workspaces must name 1 to 1,000", id="no-workspace"),
        pytest.param({"expires_at": "soon"}, "must be a time with a zone", id="no-time"),
    ],
)
def test_what_no_key_can_have_is_refused(keys: Keys, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        keys.create(**{"name": "app", **given})


def test_a_key_that_has_ended_is_not_made(keys: Keys, clock: Clock) -> None:
    with pytest.raises(InputError, match="lies in the past"):
        keys.create("app", expires_at=clock())


def test_a_foreign_workspace_is_answered_like_one_that_is_not_there() -> None:
    with pytest.raises(UnknownWorkspaceError, match=r"^there is no workspace 'tom'\.$"):
        SOME.check(Scope.READ, "tom")
    SOME.check(Scope.READ, "kate")
    LOCAL.check_everywhere(Scope.ADMIN)
    with pytest.raises(MissingScopeError, match="the scope 'gateway'"):
        SOME.check(Scope.GATEWAY, "kate")
    with pytest.raises(MissingScopeError, match="for all workspaces"):
        SOME.check_everywhere(Scope.ADMIN)
    assert SOME.reachable(["tom", "kate"]) == ("kate",)
