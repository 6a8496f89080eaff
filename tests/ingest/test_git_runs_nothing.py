"""Reading a folder runs no program that the folder names.

Each way that a repository can name one is set to a command that leaves a file behind. The first
tests show that plain git does run some of them, so that a pass means something.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from git_repositories import (
    ATTRIBUTES,
    EXECUTING_KEYS,
    HOOKS,
    committed,
    executable,
    git,
    values_that_run,
    write_config,
)

from mba_integrations.commands.demo_sources import demo_memories
from mba_integrations.ingest import git_program
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.git import read_history, tracked_files
from mba_integrations.ingest.git_folder import GitError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = committed(tmp_path / "repository")
    (folder / ".gitattributes").write_text(ATTRIBUTES)
    (folder / ".gitignore").write_text("ignored.md\n")
    (folder / "ignored.md").write_text("secret")
    return folder


def hostile(repository: Path, marker: Path, keys: dict[str, str]) -> None:
    values = values_that_run(marker.parent / "programs", marker, keys)
    write_config(repository / ".git" / "config", values)
    for name in HOOKS:
        executable(repository / ".git" / "hooks" / name, marker)
    os.utime(repository / "kept.md", (1, 1))  # git wants to look at a file that has changed


def read_all(repository: Path) -> None:
    """Every way in which this package asks git."""
    assert [item.content for item in read_folder(repository).items] == ["kept"]
    assert [item.content for item in read_history(repository).items] == ["First"]
    demo_memories(repository, now=datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        pytest.param("core.fsmonitor", ("ls-files", "-mo"), id="fsmonitor"),
        pytest.param("diff.external", ("log", "-p", "--ext-diff"), id="external-diff"),
        pytest.param("alias.marked", ("marked",), id="alias"),
    ],
)
def test_plain_git_runs_what_the_configuration_names(
    repository: Path, marker: Path, key: str, arguments: tuple[str, ...]
) -> None:
    hostile(repository, marker, {**EXECUTING_KEYS, "alias.marked": "!{run}"})
    git_line = ["git", "-c", "extensions.partialClone=", *arguments]
    subprocess.run(git_line, cwd=repository, check=False, capture_output=True)
    assert marker.exists(), f"{key} would pass the tests below without being safe"


def test_reading_runs_none_of_the_programs_that_a_configuration_names(
    repository: Path, marker: Path
) -> None:
    hostile(repository, marker, EXECUTING_KEYS)
    read_all(repository)
    assert not marker.exists()


@pytest.mark.parametrize("key", EXECUTING_KEYS)
def test_no_key_runs_a_program_when_it_is_the_only_one(
    repository: Path, marker: Path, key: str
) -> None:
    hostile(repository, marker, {key: EXECUTING_KEYS[key]})
    assert list(tracked_files(repository))
    assert read_history(repository).items
    assert not marker.exists()


@pytest.mark.parametrize("include", ["include.path", "includeIf.gitdir:/**.path"])
def test_an_included_configuration_runs_nothing(
    repository: Path, marker: Path, include: str
) -> None:
    values = values_that_run(marker.parent / "programs", marker, EXECUTING_KEYS)
    write_config(repository / "more", values)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    write_config(repository / ".git" / "config", {include: str(repository / "more")})
    read_all(repository)
    assert not marker.exists()


def test_a_missing_object_of_a_partial_clone_is_not_fetched(repository: Path, marker: Path) -> None:
    hostile(repository, marker, EXECUTING_KEYS)
    head = _head(repository)
    (repository / ".git" / "objects" / head[:2] / head[2:]).unlink()
    with pytest.raises(GitError):
        read_history(repository)
    assert not marker.exists()


def _head(repository: Path) -> str:
    return (repository / ".git" / "refs" / "heads" / "main").read_text().strip()


def test_a_worktree_runs_nothing(repository: Path, marker: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    hostile(repository, marker, {**EXECUTING_KEYS, "extensions.worktreeConfig": "true"})
    own = repository / ".git" / "worktrees" / "side"
    write_config(own / "config.worktree", values_that_run(tmp_path / "p", marker, EXECUTING_KEYS))
    marker.unlink(missing_ok=True)
    assert [item.content for item in read_folder(tmp_path / "side").items] == ["kept"]
    assert [item.content for item in read_history(tmp_path / "side").items] == ["First"]
    assert not marker.exists()


def test_a_submodule_and_the_folder_above_it_run_nothing(
    repository: Path, marker: Path, tmp_path: Path
) -> None:
    inner = committed(tmp_path / "inner", "Inner", "inner")
    (repository / ".gitattributes").unlink()  # it would have .gitmodules written in UTF-16
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    write_config(
        repository / ".git" / "modules" / "sub" / "config",
        values_that_run(tmp_path / "programs", marker, EXECUTING_KEYS),
    )
    hostile(repository, marker, EXECUTING_KEYS)
    read = read_folder(repository)
    assert [item.content for item in read.items] == ["kept"]
    assert any("1 left out, repositories of their own, such as sub" in note for note in read.notes)
    assert [item.content for item in read_folder(repository / "sub").items] == ["inner"]
    assert [item.content for item in read_history(repository / "sub").items] == ["Inner"]
    assert not marker.exists()


@pytest.mark.parametrize("folder", ["docs", "."])
def test_a_bare_repository_among_the_files_runs_nothing(
    repository: Path, marker: Path, tmp_path: Path, folder: str
) -> None:
    bare = repository / "docs"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    values = values_that_run(tmp_path / "programs", marker, EXECUTING_KEYS)
    write_config(bare / "config", values | {"core.worktree": str(repository), "core.bare": "false"})
    read_folder(repository / folder)
    read_history(repository / folder)
    assert not marker.exists()


@pytest.mark.parametrize("entry", [".", "bin", ""])
def test_a_program_called_git_in_the_folder_is_not_run(
    repository: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    executable(repository / "git", marker)
    executable(repository / "bin" / "git", marker)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", f"{entry}{os.pathsep}{os.environ['PATH']}")
    assert read_history(".").items
    assert not marker.exists()
    monkeypatch.setenv("PATH", entry)
    with pytest.raises(GitError, match="not installed"):
        read_history(".")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("GIT_EXTERNAL_DIFF", "{file}", id="external-diff"),
        pytest.param("GIT_PAGER", "{run}", id="pager"),
        pytest.param("GIT_EXEC_PATH", "{hooks}", id="exec-path"),
        pytest.param("GIT_DIR", "{hooks}", id="another-repository"),
        pytest.param("GIT_TRACE", "{marker}", id="trace"),
        pytest.param(
            "GIT_CONFIG_PARAMETERS", "'core.fsmonitor'='{file}'", id="inherited-parameters"
        ),
    ],
)
def test_git_variables_of_the_environment_are_not_passed_on(
    repository: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    place = marker.parent / "programs"
    values = values_that_run(place, marker, {"x.run": "{run}", "x.file": "{file}"})
    slots = {"run": values["x.run"], "file": values["x.file"], "hooks": place / "hooks"}
    monkeypatch.setenv(name, value.format(**slots, marker=marker))
    read_all(repository)
    assert not marker.exists()


def test_the_persons_own_configuration_runs_nothing_but_its_list_of_ignored_files_counts(
    repository: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "ignore").write_text("kept-out.md\n")
    (repository / "kept-out.md").write_text("secret")
    values = values_that_run(tmp_path / "programs", marker, EXECUTING_KEYS)
    write_config(home / ".gitconfig", values | {"core.excludesFile": "~/ignore"})
    monkeypatch.setenv("HOME", str(home))
    read_all(repository)
    assert not marker.exists()


def test_git_is_given_up_after_its_time_and_the_folder_is_walked(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".gitignore").unlink()
    os.mkfifo(repository / ".gitignore")  # git waits for someone to write to it
    monkeypatch.setattr(git_program, "_TIMEOUT_SECONDS", 0.3)
    read = read_folder(repository)
    assert {item.content for item in read.items} == {"kept", "secret"}
    assert "ignored files are not left out: git ls-files: no answer within 0.3" in read.notes[0]


@pytest.mark.parametrize(
    "name", ["HEAD", "index", "refs/heads/main", "packed-refs", "info/exclude"]
)
def test_a_pipe_in_the_place_of_one_of_gits_files_does_not_hang(
    repository: Path, name: str
) -> None:
    path = repository / ".git" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert {item.content for item in read_folder(repository).items} >= {"kept"}
