"""A watched settings file: what is read when, and what stays in use while the file is invalid."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mba_integrations.core.config import file_settings, watched_file
from mba_integrations.core.config.watched_file import WatchedConfigFile
from mba_integrations.core.errors import ConfigFileError


def text(max_total_tokens: object) -> str:
    return f"workspaces:\n  notes:\n    max_total_tokens: {max_total_tokens}\n"


class SettingsFile:
    """A file whose every change has a new time, however fast changes follow one another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seconds = 1_700_000_000

    def write(self, content: str, *, aside: bool = False) -> None:
        target = self.path.with_suffix(".new") if aside else self.path
        target.write_text(content, encoding="utf-8")
        self.touch(target)
        if aside:
            target.replace(self.path)

    def touch(self, target: Path | None = None) -> None:
        self._seconds += 1
        os.utime(target or self.path, (self._seconds, self._seconds))


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    settings = SettingsFile(tmp_path / "settings.yaml")
    settings.write(text(100))
    return settings


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were read, in order."""
    seen: list[Path] = []
    real = file_settings.read_settings

    def counted(path: Path) -> object:
        seen.append(path)
        return real(path)

    monkeypatch.setattr(watched_file, "read_settings", counted)
    return seen


def tokens(watched: WatchedConfigFile) -> int:
    return watched.current()["notes"].max_total_tokens


def test_unchanged_file_is_read_once(file: SettingsFile, reads: list[Path]) -> None:
    watched = WatchedConfigFile(file.path)
    assert reads == []
    first = watched.current()
    assert [watched.current() for _ in range(3)] == [first] * 3
    assert reads == [file.path]
    assert watched.path == file.path


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda file: file.write(text(2000)), id="written-in-place"),
        pytest.param(lambda file: file.write(text(2000), aside=True), id="replaced"),
    ],
)
def test_changed_file_is_picked_up(
    file: SettingsFile, change: Callable[[SettingsFile], None]
) -> None:
    watched = WatchedConfigFile(file.path)
    assert tokens(watched) == 100
    change(file)
    assert tokens(watched) == 2000
    assert watched.problem is None


def test_same_size_and_inode_with_a_new_time_is_picked_up(file: SettingsFile) -> None:
    watched = WatchedConfigFile(file.path)
    assert tokens(watched) == 100
    file.write(text(200))
    assert tokens(watched) == 200


def test_same_size_and_time_in_another_file_is_picked_up(file: SettingsFile) -> None:
    watched = WatchedConfigFile(file.path)
    assert tokens(watched) == 100
    before = file.path.stat()
    other = file.path.with_suffix(".new")
    other.write_text(text(200), encoding="utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file.path)
    assert tokens(watched) == 200


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda file: file.write(text(-1)), "settings.yaml:3: ", id="invalid"),
        pytest.param(lambda file: file.write("workspaces: ["), "not valid YAML", id="no-yaml"),
        pytest.param(lambda file: file.write(""), "is empty", id="cut-off"),
        pytest.param(lambda file: file.path.unlink(), "no such file", id="vanished"),
    ],
)
def test_invalid_file_keeps_the_settings_and_says_so_until_it_is_valid(
    file: SettingsFile, reads: list[Path], damage: Callable[[SettingsFile], None], said: str
) -> None:
    watched = WatchedConfigFile(file.path)
    assert tokens(watched) == 100
    damage(file)
    assert [tokens(watched) for _ in range(3)] == [100] * 3
    assert watched.problem is not None
    assert said in watched.problem
    assert "\n" not in watched.problem
    assert len(reads) == 2, "an invalid file is read once, not at every call"
    file.write(text(300))
    assert tokens(watched) == 300
    assert watched.problem is None


def test_all_problems_of_an_invalid_file_are_told(file: SettingsFile) -> None:
    watched = WatchedConfigFile(file.path)
    watched.current()
    file.write(text(-1) + "    borowing: true\n")
    watched.current()
    assert watched.problem is not None
    assert "max_total_tokens" in watched.problem
    assert "Did you mean 'borrowing'?" in watched.problem


def test_file_that_was_never_valid_is_an_error_at_every_look(file: SettingsFile) -> None:
    file.write(text(-1))
    watched = WatchedConfigFile(file.path)
    for _ in range(2):
        with pytest.raises(ConfigFileError, match="max_total_tokens"):
            watched.current()
    assert watched.problem is None
    file.write(text(100))
    assert tokens(watched) == 100


def test_settings_of_a_look_cannot_be_changed(file: SettingsFile) -> None:
    current = WatchedConfigFile(file.path).current()
    with pytest.raises(TypeError):
        current["other"] = current["notes"]  # type: ignore[index]


def test_settings_handed_out_before_a_change_stay_as_they_were(file: SettingsFile) -> None:
    watched = WatchedConfigFile(file.path)
    before = watched.current()
    file.write(text(200))
    assert tokens(watched) == 200
    assert before["notes"].max_total_tokens == 100


def test_threads_see_whole_settings_and_share_one_read_for_each_change(
    file: SettingsFile, reads: list[Path]
) -> None:
    watched = WatchedConfigFile(file.path)
    start = threading.Barrier(8)
    seen: list[int] = []

    def look() -> None:
        start.wait()
        seen.extend(tokens(watched) for _ in range(50))

    for expected in (100, 2000):
        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(seen) == {expected}
        seen.clear()
        file.write(text(2000), aside=True)
    assert len(reads) == 2
