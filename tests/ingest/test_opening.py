"""Files that others named: nothing outside of the folder is read, and nothing is waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.ingest import opening
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.opening import UnsuitableFileError, read_below, read_named
from mba_integrations.ingest.reading import read_bytes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links and named pipes")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.md").write_text("secret")
    folder = tmp_path / "root"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.md").write_text("inside")
    return folder


# Links


def test_a_file_below_the_folder_is_read(root: Path) -> None:
    assert read_below(root, "deep/a.md", max_bytes=100) == b"inside"


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(root)
    assert read_below(tmp_path / "named", "deep/a.md", max_bytes=100) == b"inside"


def linked_file(root: Path) -> str:
    (root / "link.md").symlink_to(root.parent / "outside" / "a.md")
    return "link.md"


def linked_folder(root: Path) -> str:
    (root / "link").symlink_to(root.parent / "outside")
    return "link/a.md"


def linked_below(root: Path) -> str:
    (root / "deep" / "link").symlink_to(root.parent / "outside")
    return "deep/link/a.md"


def linked_inside(root: Path) -> str:
    (root / "link").symlink_to(root / "deep")
    return "link/a.md"


@pytest.mark.parametrize("by_folder", [True, False], ids=["by-folder", "by-resolving"])
@pytest.mark.parametrize("make", [linked_file, linked_folder, linked_below, linked_inside])
def test_a_link_on_the_way_is_not_followed(
    root: Path, make: Callable[[Path], str], by_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_BY_FOLDER", by_folder and opening._BY_FOLDER)
    with pytest.raises((OSError, UnsuitableFileError)):
        read_below(root, make(root), max_bytes=100)


def test_a_folder_that_becomes_a_link_after_it_was_listed_is_not_left(
    root: Path, tmp_path: Path
) -> None:
    def swapped(things: object, work: str) -> object:
        (root / "deep").rename(tmp_path / "gone")
        (root / "deep").symlink_to(tmp_path / "outside")
        return things

    read = read_folder(root, track=swapped)  # type: ignore[arg-type]
    assert not read.items
    assert "1 left out, cannot be read, such as deep/a.md" in read.notes[0]


def test_a_folder_that_is_swapped_all_the_time_never_gives_what_is_outside(
    root: Path, tmp_path: Path
) -> None:
    (root / "swapped").mkdir()
    (root / "swapped" / "a.md").write_text("inside")
    (root / "link").symlink_to(tmp_path / "outside")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for one, other in (("swapped", "kept"), ("link", "swapped"), ("swapped", "link"),
                               ("kept", "swapped")):  # fmt: skip
                os.rename(root / one, root / other)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        until = time.monotonic() + 1.0
        contents = set()
        while time.monotonic() < until:
            try:
                contents.add(read_below(root, "swapped/a.md", max_bytes=100))
            except OSError:
                contents.add(b"")
    finally:
        ended.set()
        swapper.join()
    assert contents <= {b"", b"inside"}


def test_links_to_folders_are_counted(root: Path) -> None:
    linked_folder(root)
    read = read_folder(root)
    assert [item.content for item in read.items] == ["inside"]
    assert "1 left out, symbolic links, such as link." in read.notes[0]


# Pipes, devices, sizes


def test_pipes_and_sockets_in_a_folder_are_counted_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket.md"))
        read = read_folder(root)
    assert [item.content for item in read.items] == ["inside"]
    (note,) = [note for note in read.notes if "pipe.md" in note]
    assert "not a regular file" in note


def test_a_file_that_grows_past_the_limit_is_read_to_the_limit(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "log.md").write_text("x" * 50)
    read_all = opening._read

    def grown(descriptor: int, max_bytes: int | None = None) -> bytes:
        with (root / "log.md").open("a") as file:
            file.write("x" * 1000)
        return read_all(descriptor, max_bytes)

    monkeypatch.setattr(opening, "_read", grown)
    assert len(read_below(root, "log.md", max_bytes=100)) == 100


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/tty", "/dev/null"])
def test_a_device_is_refused(place: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_bytes(place)


def test_a_folder_is_no_file(root: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        read_bytes(root)


def test_a_pipe_that_nobody_writes_to_is_waited_for_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(opening, "_waited_for", lambda pipe, seconds: waits.append(seconds))
    os.mkfifo(root / "pipe")
    with pytest.raises(InputError, match=r"pipe: cannot be read: it is a pipe that nothing was"):
        read_bytes(root / "pipe")
    assert waits == [opening._WRITER_SECONDS]


def test_a_pipe_that_stays_silent_is_refused_in_time(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_SILENT_SECONDS", 0.2)
    os.mkfifo(root / "pipe")
    writer = os.open(root / "pipe", os.O_RDWR)
    try:
        with pytest.raises(UnsuitableFileError, match=r"nothing came for 0\.2 seconds"):
            read_named(root / "pipe")
    finally:
        os.close(writer)


@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_a_pipe_is_read_to_its_end_however_slow_its_writer_is(root: Path, delay: float) -> None:
    os.mkfifo(root / "pipe")

    def write() -> None:
        time.sleep(delay)
        with open(root / "pipe", "wb") as pipe:
            pipe.write(b"a" * 100_000)
            pipe.flush()
            time.sleep(delay)
            pipe.write(b"b")

    writer = threading.Thread(target=write)
    writer.start()
    content = read_named(root / "pipe")
    writer.join()
    assert content == b"a" * 100_000 + b"b"


def test_the_output_of_a_command_is_read_through_its_descriptor() -> None:
    with subprocess.Popen(["echo", "from a command"], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        content = read_bytes(f"/dev/fd/{command.stdout.fileno()}")
    assert content == b"from a command\n"


# Names


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("in_git", [True, False])
def test_names_that_are_not_utf8_are_told(root: Path, in_git: bool) -> None:
    if in_git:
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / os.fsdecode(b"caf\xe9.md")).write_text("lost")
    (root / os.fsdecode(b"d\xe9ep")).mkdir()
    (root / os.fsdecode(b"d\xe9ep") / "a.md").write_text("lost")
    read = read_folder(root)
    assert [item.content for item in read.items] == ["inside"]
    assert f"{root}: 2 left out, name not UTF-8, such as caf\\xe9.md." in read.notes
