"""Where git keeps a folder's history, and which commit is checked out, read without git.

Nothing here reads a configuration, so nothing that a repository says can steer what is read. A
`.git` that leads elsewhere (a worktree, a submodule, a symbolic link) is followed only if the place
it leads to belongs to it: a worktree's names the `.git` back, a submodule's lies in the `.git` of a
folder above. Otherwise a folder could pass the history of another one off as its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mba_integrations.core.errors import InputError
from mba_integrations.ingest.opening import read_regular

_SMALL_BYTES = 4096
_PACKED_BYTES = 64_000_000
"""About a million branches and tags; a file above it is no list of them."""
_LINKS = 5
"""As many symbolic references as git follows."""
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFERENCE = re.compile(r"refs/(?!.*\.\.)[^\x00-\x20\x7f~^:?*\[\\]+")


class GitError(InputError):
    """Git is not installed, refuses, or the folder is in no work tree."""


class NoRepositoryError(GitError):
    """The folder is in no repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFolder:
    """The parts of a repository on disk.

    Attributes:
        work_tree: The folder whose files it keeps; None for a bare one.
        own: Where the index and HEAD are.
        shared: Where objects and references are; another folder for a worktree.
    """

    work_tree: Path | None
    own: Path
    shared: Path

    def head(self) -> str | None:
        """Hash of the commit that is checked out; None before the first one."""
        return _resolved(self, "HEAD", _LINKS)


def git_folder_of(folder: Path) -> GitFolder:
    """The repository that *folder* lies in: that of the nearest `.git` above it.

    Raises:
        NoRepositoryError: If there is none.
        GitError: If its `.git` leads to a place that is not its own.
    """
    start = folder.resolve()
    for place in (start, *start.parents):
        if _is_git_folder(place):
            return GitFolder(work_tree=None, own=place, shared=place)
        found = _of_work_tree(place)
        if found is not None:
            return found
    raise NoRepositoryError(f"{folder}: not a git repository, nor any folder above it.")


def _is_git_folder(place: Path) -> bool:
    return (place / "HEAD").is_file() and (place / "objects").is_dir() and (place / "refs").exists()


def _of_work_tree(place: Path) -> GitFolder | None:
    dot_git = place / ".git"
    if dot_git.is_dir() and not dot_git.is_symlink():
        whole = _is_git_folder(dot_git)
        return GitFolder(work_tree=place, own=dot_git, shared=dot_git) if whole else None
    target = _target(dot_git)
    if target is None:
        return None
    shared = _shared(target)
    if not (_names_back(target, shared, dot_git) or _is_of_a_submodule(target, place)):
        raise GitError(f"{dot_git} leads to {target}, which does not belong to it.")
    return GitFolder(work_tree=place, own=target, shared=shared)


def _target(dot_git: Path) -> Path | None:
    """Where a `.git` that is a file or a symbolic link leads."""
    if dot_git.is_symlink():
        return dot_git.resolve()
    line = _text_of(dot_git) or ""
    if not line.startswith("gitdir: "):
        return None
    return (dot_git.parent / line.removeprefix("gitdir: ")).resolve()


def _shared(target: Path) -> Path:
    elsewhere = _text_of(target / "commondir")
    return (target / elsewhere).resolve() if elsewhere else target


def _names_back(target: Path, shared: Path, dot_git: Path) -> bool:
    """Whether *target* is the folder of a worktree whose `.git` is this one."""
    named = _text_of(target / "gitdir")
    return (
        named is not None
        and target.parent == shared / "worktrees"
        and (target / named).resolve() == dot_git.resolve()
    )


def _is_of_a_submodule(target: Path, place: Path) -> bool:
    modules = (above / ".git" / "modules" for above in place.parents)
    return any(target.is_relative_to(folder) for folder in modules) and _is_git_folder(target)


def _resolved(found: GitFolder, name: str, links: int) -> str | None:
    """The hash behind a reference: in its own file, else in the list of packed ones."""
    for folder in dict.fromkeys((found.own, found.shared)):
        text = _text_of(folder / name) or ""
        if _HASH.fullmatch(text):
            return text
        target = text.removeprefix("ref: ")
        if text.startswith("ref: ") and links and _REFERENCE.fullmatch(target):
            return _resolved(found, target, links - 1)
    return next(_packed(found.shared, name), None)


def _packed(shared: Path, name: str) -> Iterator[str]:
    try:
        lines = read_regular(shared / "packed-refs", max_bytes=_PACKED_BYTES).split(b"\n")
    except (OSError, InputError):
        return
    for line in lines:
        commit, _, named = line.partition(b" ")
        if named == os.fsencode(name) and _HASH.fullmatch(commit.decode("ascii", "replace")):
            yield commit.decode()


def _text_of(path: Path) -> str | None:
    """The only line of a small file; None if there is no such file."""
    try:
        return os.fsdecode(read_regular(path, max_bytes=_SMALL_BYTES)).strip()
    except (OSError, ValueError):
        return None
