"""Open a file: what it may be, where it may lie, who else has it, whether it is whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import add, current, ids

from mba_integrations.core.errors import InputError
from mba_integrations.services.store.errors import (
    StoreClosedError,
    StoreFileError,
    StoreInUseError,
)
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.sqlite import opening as opening_module
from mba_integrations.services.store.sqlite.file_system import kind_of_mount, network_file_system
from mba_integrations.services.store.sqlite.lock_file import Holder, LockFile
from mba_integrations.services.store.statements import workspaces


def make_folder(path: Path) -> None:
    path.mkdir()


def make_text(path: Path) -> None:
    path.write_text("not a database, " * 500)


def make_other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipe (title)")


def make_damaged(path: Path) -> None:
    open_store(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x07" * 4096 + whole[8192:])
    Path(f"{path}-wal").write_bytes(b"left by a process that died")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(make_folder, "is a folder. Name a file in it, such as", id="folder"),
        pytest.param(make_text, "is no SQLite database, or a damaged one", id="text"),
        pytest.param(
            make_other_database, "has tables of something else, such as 'recipe'", id="other"
        ),
        pytest.param(make_damaged, "is damaged|or a damaged one", id="damaged-after-a-crash"),
    ],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "memory.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreFileError, match=says):
        open_store(path)
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize(
    ("where", "error", "says"),
    [
        pytest.param(
            "no/memory.db", StoreFileError, "there is no folder .*no. Make it first", id="folder"
        ),
        pytest.param("", InputError, "where must be a path, got an empty text", id="empty"),
        pytest.param(3, InputError, "where must be a path", id="number"),
        pytest.param("a" * 300, StoreFileError, "cannot be opened: File name too long", id="long"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: type[Exception], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        open_store(where)
    assert not list(tmp_path.iterdir())


def test_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with open_store(f"sqlite:///{path}") as store:
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))
        modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
        assert modes == {0o600}
        status = store.status()
    assert status.engine.startswith("SQLite 3.")
    assert status.size_bytes > 0
    assert status.free_bytes
    assert status.url == f"sqlite:///{path}"
    assert not Path(f"{path}-wal").exists()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/data/memory.db", "nfs4", id="on-the-mount"),
        pytest.param("/data/disk/memory.db", "ext4", id="on-a-disk-within"),
        pytest.param("/database/memory.db", "ext4", id="beside-a-mount-of-like-name"),
        pytest.param("/with space/memory.db", "fuse.sshfs", id="name-with-a-space"),
    ],
)
def test_the_innermost_mount_says_what_a_file_lies_on(path: str, kind: str) -> None:
    mounts = (
        "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\n/dev/b /data/disk ext4 rw 0 0\n"
        "h /with\\040space fuse.sshfs rw 0 0\nbroken\n"
    )
    assert kind_of_mount(mounts, path) == kind


def test_a_network_file_system_is_refused_unless_it_is_allowed(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert network_file_system(sqlite_path) is None
    monkeypatch.setattr(opening_module, "network_file_system", lambda _: "nfs4")
    with pytest.raises(StoreFileError, match=r"is on a network file system \(nfs4\)"):
        open_store(sqlite_path)
    open_store(sqlite_path, allow_network_fs=True).close()


def test_a_held_file_says_by_whom_and_where_that_one_answers(sqlite_path: Path) -> None:
    with (
        open_store(sqlite_path, exclusive=True, url="http://127.0.0.1:8377"),
        pytest.raises(StoreInUseError, match="Ask it at http://127") as refused,
    ):
        open_store(sqlite_path)
    assert (refused.value.pid, refused.value.url) == (os.getpid(), "http://127.0.0.1:8377")
    open_store(sqlite_path).close()


def test_a_file_that_others_share_is_not_had_alone(sqlite_path: Path) -> None:
    with open_store(sqlite_path), pytest.raises(StoreInUseError, match="End it first"):
        open_store(sqlite_path, exclusive=True)
    open_store(sqlite_path, exclusive=True).close()


def test_what_a_holder_that_died_left_behind_holds_nothing(sqlite_path: Path) -> None:
    lock = LockFile(sqlite_path.with_name(f"{sqlite_path.name}.lock"))
    lock.say_who(Holder(pid=1, url="http://gone", exclusive=True))
    lock.close()
    open_store(sqlite_path).close()


def test_two_stores_on_one_file_see_each_others_writes(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as one, open_store(sqlite_path) as two:
        one.write("kate", lambda writing: workspaces.create(writing, settings={}))
        add(two, "kate", "a")
        add(one, "kate", "b")
        assert ids(current(two)) == ids(current(one)) == ["a", "b"]


def test_a_file_whose_writer_was_killed_is_checked_and_whole(
    sqlite_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left.db"
    with open_store(sqlite_path) as store:
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))
        add(store, "kate", "a")
        for suffix in ("", "-wal"):  # what is on the disk if the process dies now
            shutil.copy(f"{sqlite_path}{suffix}", f"{left}{suffix}")
    checked: list[Path] = []
    check = opening_module._check_whole

    def note(path: Path) -> None:
        checked.append(path)
        check(path)

    monkeypatch.setattr(opening_module, "_check_whole", note)
    with open_store(left) as store:
        assert ids(current(store)) == ["a"]
    with open_store(left):
        pass
    assert checked == [left]


def test_a_store_is_not_used_in_a_process_that_was_forked_from_its_own(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(sqlite_path) as store:
        pid = os.getpid()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: pid + 1)
            with pytest.raises(StoreClosedError, match=f"was forked from process {pid}"):
                current(store)
            store.close()
        assert current(store) == ()


def test_opening_a_store_that_is_up_to_date_loads_no_alembic(sqlite_path: Path) -> None:
    code = (
        "import sys\nfrom mba_integrations.services.store.opening import open_store\n"
        "open_store(sys.argv[1]).close()\nprint('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(sqlite_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_a_store_is_closed_at_the_end_of_its_block(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as store:
        pass
    with pytest.raises(StoreClosedError):
        current(store)
