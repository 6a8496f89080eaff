"""What is read from git: the files that are not ignored, and commits, whatever they hold."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

import pytest
from git_repositories import commit_object, committed, git

from mba_integrations.core.model import MemoryTier
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.git import read_history, tracked_files
from mba_integrations.ingest.git_folder import GitError, NoRepositoryError, git_folder_of

NO_LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
KATE = "K <k@x> 1700000000 +0000"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("ignored.md\n")
    (folder / "ignored.md").write_text("ignored")
    (folder / "kept.md").write_text("kept")
    git(folder, "add", "kept.md")
    git(folder, "commit", "-q", "-m", "First", "--date=2026-01-02T03:04:05+02:00")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Second\n\nBecause of é.")
    return folder


def contents(folder: Path) -> list[str]:
    return [item.content for item in read_history(folder).items]


# Histories


def test_history_is_long_term_memory_with_the_author_date(repository: Path) -> None:
    first, second = read_history(repository).items
    assert (first.content, second.content) == ("First", "Second\n\nBecause of é.")
    assert first.created_at == datetime.fromisoformat("2026-01-02T03:04:05+02:00")
    assert (first.tier, first.position) == (MemoryTier.LONG_TERM, 0.0)
    assert first.metadata == {"author": "Kate"}
    assert git(repository, "rev-parse", second.id) == git(repository, "rev-parse", "HEAD")


def test_only_the_newest_commits_are_read(repository: Path) -> None:
    (item,) = read_history(repository, max_commits=1).items
    assert item.content.startswith("Second")


def test_merges_are_left_out(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side", "HEAD~1")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Aside")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "Joined", "side")
    assert set(contents(repository)) == {"First", "Second\n\nBecause of é.", "Aside"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            b"a\x1e0\x1f2026-01-01\x1fMallory\x1fforged",
            "a\x1e0\x1f2026-01-01\x1fMallory\x1fforged",
            id="separators-of-ascii",
        ),
        pytest.param(b"a\x1eb", "a\x1eb", id="one-separator"),
        pytest.param(b"a\0dead\n2026\nMallory\nforged\n", "a", id="nul-ends-a-message"),
        pytest.param(b"a\n\nb\n\n\nc\n", "a\n\nb\n\n\nc", id="blank-lines"),
        pytest.param(b"caf\xe9", "caf\ufffd", id="not-utf-8"),
        pytest.param(b"\x1b[31mred", "\x1b[31mred", id="escape-sequence"),
    ],
)  # fmt: skip
def test_a_message_is_one_commit_whatever_it_holds(
    tmp_path: Path, message: bytes, expected: str
) -> None:
    committed(tmp_path)
    commit_object(tmp_path, f"author {KATE}\ncommitter {KATE}", message)
    (item,) = read_history(tmp_path).items
    assert item.content == expected
    assert item.metadata == {"author": "K"}


def test_an_author_with_separators_stays_one_name(tmp_path: Path) -> None:
    committed(tmp_path)
    odd = "K\x1e\x1fx <k@x> 1700000000 +0000"
    commit_object(tmp_path, f"author {odd}\ncommitter {odd}", b"message")
    (item,) = read_history(tmp_path).items
    assert item.metadata["author"].startswith("K")
    assert item.content == "message"


@pytest.mark.parametrize(
    ("seconds", "year"),
    [
        pytest.param(253402300799, 9999, id="last-second-of-9999"),
        pytest.param(253402300800, None, id="year-10000"),
        pytest.param(999999999999, None, id="year-33658"),
        pytest.param(0, 1970, id="the-epoch"),
    ],
)
def test_a_date_beyond_the_calendar_is_unknown_and_noted(
    tmp_path: Path, seconds: int, year: int | None
) -> None:
    committed(tmp_path)
    commit_object(tmp_path, f"author K <k@x> {seconds} +0000\ncommitter {KATE}", b"message")
    read = read_history(tmp_path)
    (item,) = read.items
    assert (item.created_at.year if item.created_at else None) == year
    assert bool(read.notes) == (year is None)
    assert all(f"1 commits have a date that no calendar has, such as {item.id}" in note
               for note in read.notes)  # fmt: skip


def test_a_commit_without_a_message_is_no_memory(repository: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    assert len(read_history(repository).items) == 2


def test_a_signed_commit_is_read_without_its_signature(tmp_path: Path) -> None:
    committed(tmp_path)
    signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n odd\n -----END SSH SIGNATURE-----"
    commit_object(tmp_path, f"author {KATE}\ncommitter {KATE}\n{signature}", b"Signed")
    assert contents(tmp_path) == ["Signed"]


# Where git keeps it


def test_without_a_repository_git_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError, match="not a git repository"):
        read_history(tmp_path)


def test_before_the_first_commit_there_is_no_history(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "new.md").write_text("new")
    assert [item.content for item in read_folder(tmp_path).items] == ["new"]
    with pytest.raises(GitError, match="has no commits"):
        read_history(tmp_path)


def test_a_file_is_no_folder_of_a_repository(repository: Path) -> None:
    with pytest.raises(GitError, match="not a folder"):
        read_history(repository / "kept.md")


def test_packed_references_are_found(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert contents(repository)[0] == "First"


def test_a_detached_head_is_followed(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach", "HEAD~1")
    assert contents(repository) == ["First"]


def test_hashes_of_sha256_are_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "kept.md").write_text("kept")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Long hash")
    assert contents(tmp_path) == ["Long hash"]
    assert list(tracked_files(tmp_path)) == ["kept.md"]


def test_a_shallow_clone_is_read_to_its_edge(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "clone")
    assert contents(tmp_path / "clone") == ["Second\n\nBecause of é."]


def test_a_bare_repository_has_a_history_and_no_files(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    assert contents(tmp_path / "bare")[0] == "First"
    with pytest.raises(GitError, match="no work tree"):
        list(tracked_files(tmp_path / "bare"))


def test_a_folder_inside_the_work_tree_lists_its_own_files(repository: Path) -> None:
    (repository / "deep" / "er").mkdir(parents=True)
    (repository / "deep" / "er" / "ignored.md").write_text("ignored")
    (repository / "deep" / "er" / "a.md").write_text("deep")
    assert list(tracked_files(repository / "deep")) == ["er/a.md"]
    assert contents(repository / "deep")[0] == "First"


def test_a_split_index_is_read(repository: Path) -> None:
    git(repository, "update-index", "--split-index")
    assert list((repository / ".git").glob("sharedindex.*"))
    assert set(tracked_files(repository)) == {"kept.md", ".gitignore"}


def test_ignored_files_are_left_out(repository: Path) -> None:
    assert [item.content for item in read_folder(repository).items] == ["kept"]


def test_the_repositorys_own_list_of_ignored_files_counts(repository: Path) -> None:
    (repository / "mine.md").write_text("mine")
    exclude = repository / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("mine.md\n")
    assert "mine.md" not in set(tracked_files(repository))


def test_without_the_git_program_folders_are_walked_and_a_note_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    read = read_folder(repository)
    assert [item.content for item in read.items] == ["ignored", "kept"]
    assert "ignored files are not left out: the git program is not installed" in read.notes[0]
    with pytest.raises(GitError, match="not installed"):
        read_history(repository)


# A `.git` that leads elsewhere


def secret_of(folder: Path) -> Path:
    return committed(folder, message="secret history", content="secret")


@pytest.mark.parametrize("form", ["file", pytest.param("link", marks=NO_LINKS)])
def test_a_git_file_or_link_does_not_borrow_the_history_of_another_folder(
    tmp_path: Path, form: str
) -> None:
    secret = secret_of(tmp_path / "secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    if form == "file":
        (folder / ".git").write_text(f"gitdir: {secret / '.git'}\n")
    else:
        (folder / ".git").symlink_to(secret / ".git")
    with pytest.raises(GitError, match="does not belong to it"):
        read_history(folder)
    read = read_folder(folder)
    assert [item.content for item in read.items] == ["a"]
    assert "does not belong to it" in read.notes[0]


def test_a_copy_of_a_worktree_does_not_borrow_its_history(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert contents(tmp_path / "side")[0] == "First"
    shutil.copytree(tmp_path / "side", tmp_path / "copy")
    with pytest.raises(GitError, match="does not belong to it"):
        read_history(tmp_path / "copy")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("ref: refs/heads/../../../../secret/.git/refs/heads/main", id="dots"),
        pytest.param("ref: /etc/passwd", id="absolute"),
        pytest.param("ref: HEAD", id="to-itself"),
        pytest.param("--upload-pack=touch", id="option"),
        pytest.param("0" * 39, id="short-hash"),
        pytest.param("", id="empty"),
    ],
)
def test_a_head_that_is_no_reference_is_no_history(
    repository: Path, tmp_path: Path, head: str
) -> None:
    secret_of(tmp_path / "secret")
    (repository / ".git" / "HEAD").write_text(head)
    with pytest.raises(GitError, match="has no commits"):
        read_history(repository)
    assert "kept.md" in set(tracked_files(repository))


def test_references_that_go_round_in_a_circle_end(repository: Path) -> None:
    refs = repository / ".git" / "refs" / "heads"
    (refs / "main").write_text("ref: refs/heads/other\n")
    (refs / "other").write_text("ref: refs/heads/main\n")
    assert git_folder_of(repository).head() is None


def test_an_empty_git_folder_is_none(repository: Path) -> None:
    (repository / "inner" / ".git").mkdir(parents=True)
    assert git_folder_of(repository / "inner").work_tree == repository.resolve()


def test_the_time_of_files_is_left_alone(repository: Path) -> None:
    before = os.stat(repository / ".git" / "index").st_mtime_ns
    os.utime(repository / "kept.md", (1, 1))
    list(tracked_files(repository))
    assert os.stat(repository / ".git" / "index").st_mtime_ns == before
