"""The files of a folder, found without opening one: path, size, time of change.

Where the folder lies in a git work tree, git lists the files and ignored ones are left out;
elsewhere folders of installed dependencies are. No symbolic link is followed, so there is no way
out of the folder and no circle.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mba_integrations.core.arguments import check_function, checked_path
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.documents.model import Refusal
from mba_integrations.ingest.formats.kinds import format_of_name, is_text_name
from mba_integrations.ingest.formats.refusing import RefusalReason
from mba_integrations.ingest.git import tracked_files
from mba_integrations.ingest.git_folder import GitError, NoRepositoryError

DEPENDENCY_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
_MESSAGES = {
    RefusalReason.HIDDEN: "hidden",
    RefusalReason.LINK: "symbolic links",
    RefusalReason.REPOSITORY: "repositories of their own",
    RefusalReason.NAME: "name not UTF-8",
    RefusalReason.OTHER_KIND: "not text, Markdown or code by name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that may be read.

    Attributes:
        path: Below the folder, with `/` between its parts.
        size: In bytes.
        modified_ns: When its content last changed, in nanoseconds since 1970.
    """

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a folder holds.

    Attributes:
        files: Those that may be read, by path.
        refused: Files and folders that are left out, each with its reason.
        remarks: What could not be found out, one line each.
    """

    files: tuple[FoundFile, ...]
    refused: tuple[Refusal, ...]
    remarks: tuple[str, ...] = ()


def scan_folder(folder: str | Path, *, wanted: Callable[[str], bool] = lambda path: True) -> Scan:
    """Find the files of a folder and its subfolders.

    Args:
        folder: Where to look.
        wanted: Says of a path below the folder whether it counts; others are in no list.

    Raises:
        InputError: If the folder is not one, or *wanted* is no function.
    """
    check_function("wanted", wanted)
    root = _root(folder)
    files: list[FoundFile] = []
    refused: list[Refusal] = []
    remarks: list[str] = []
    for path in sorted(_listed(root, refused, remarks)):
        if not _is_utf8(path):
            refused.append(_refusal(_escaped(path), RefusalReason.NAME))
        elif wanted(path):
            found = _found(root, path)
            if isinstance(found, FoundFile):
                files.append(found)
            elif found is not None:
                refused.append(_refusal(path, found))
    return Scan(files=tuple(files), refused=tuple(refused), remarks=tuple(remarks))


def _root(folder: str | Path) -> Path:
    root = checked_path("folder", folder)
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except FileNotFoundError:
        raise InputError(f"{folder}: does not exist.") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}.") from error
    if not is_folder:
        raise InputError(f"{folder}: is a file, not a folder.")
    return root


def _found(root: Path, path: str) -> FoundFile | RefusalReason | None:
    """The file, why it is left out, or None if it was deleted since it was listed."""
    if path.startswith(".") or "/." in path:
        return RefusalReason.HIDDEN
    try:
        known = os.lstat(f"{root}/{path}")
    except OSError:
        return None
    if stat.S_ISLNK(known.st_mode):
        return RefusalReason.LINK
    if stat.S_ISDIR(known.st_mode):
        return RefusalReason.REPOSITORY
    if not (is_text_name(path) or format_of_name(path)):
        return RefusalReason.OTHER_KIND
    return FoundFile(path=path, size=known.st_size, modified_ns=known.st_mtime_ns)


def _refusal(path: str, reason: RefusalReason) -> Refusal:
    return Refusal(path=path, reason=reason, message=_MESSAGES[reason])


def _is_utf8(path: str) -> bool:
    """Whether the system's bytes for *path* are UTF-8; others are surrogates in Python."""
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _listed(root: Path, refused: list[Refusal], remarks: list[str]) -> Iterator[str]:
    try:
        yield from tracked_files(root)
    except GitError as error:
        if not isinstance(error, NoRepositoryError):
            remarks.append(f"ignored files are not left out: {error}")
        yield from _walked(root, refused)


def _walked(root: Path, refused: list[Refusal]) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        below = Path(folder).relative_to(root).as_posix()
        before = "" if below == "." else f"{below}/"
        hidden = sorted(name for name in subfolders if name.startswith("."))
        dependencies = sorted(DEPENDENCY_FOLDERS.intersection(subfolders))
        for reason, left, message in (
            (RefusalReason.HIDDEN, hidden, "hidden folders"),
            (RefusalReason.DEPENDENCY, dependencies, "dependency folders"),
        ):
            refused += [
                Refusal(path=_escaped(before + name), reason=reason, message=message)
                for name in left
            ]
        subfolders[:] = sorted({*subfolders} - {*hidden} - {*dependencies})
        # A link to a folder is listed, to be counted; os.walk does not enter it.
        links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            yield before + name
