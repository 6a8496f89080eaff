"""The files of a git work tree, and its history as memories.

Reads only; needs the `git` program, and runs nothing that the repository names (`git_program`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from mba_integrations.core.arguments import checked_path, checked_whole
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.git_folder import GitError, git_folder_of
from mba_integrations.ingest.git_program import git_output
from mba_integrations.ingest.reading import Ingested

# No part but the message can hold a line end, and nothing can hold a NUL: git ends a message there.
_FORMAT = "tformat:%h%n%aI%n%an%n%B"


def tracked_files(folder: Path) -> Iterator[str]:
    """Paths below *folder* that git has in its index or does not ignore, in git's order.

    They may have been deleted since, and may be symbolic links or folders of submodules.

    Raises:
        GitError: If git cannot say.
    """
    inside = folder.resolve()
    found = git_folder_of(inside)
    if found.work_tree is None:
        raise GitError(f"{folder}: a bare repository, which has no work tree.")
    wanted = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = git_output(found, *wanted, folder=inside).split(b"\0")
    yield from dict.fromkeys(os.fsdecode(path) for path in listed if path)


def read_history(folder: str | Path, *, max_commits: int = 1000) -> Ingested:
    """Commit messages as long-term memory, the oldest first.

    An item's id is the abbreviated hash, its `created_at` the author date, its `position` the
    place in the history. A date that no calendar has is unknown; a note counts them.

    Args:
        folder: Any folder of the work tree.
        max_commits: Only the newest so many.

    Raises:
        GitError: If git is not installed, refuses, or there is no history.
        InputError: If an argument is unusable.
    """
    max_commits = checked_whole("max_commits", max_commits)
    inside = Path(os.path.realpath(checked_path("folder", folder)))
    if not inside.is_dir():
        raise GitError(f"{folder}: not a folder.")
    found = git_folder_of(inside)
    head = found.head()
    if head is None:
        raise GitError(f"{folder}: its git repository has no commits.")
    arguments = ("-z", "--no-merges", f"--max-count={max_commits}", f"--pretty={_FORMAT}", head)
    log = git_output(found, "log", *arguments, folder=inside).decode("utf-8", "replace")
    records = [record.split("\n", 3) for record in log.split("\0")[:-1]]
    numbered = enumerate(reversed(records))
    items = tuple(_commit(record, place) for place, record in numbered if record[-1].strip())
    return Ingested(items=items, notes=tuple(_notes(items, os.fspath(folder))))


def _commit(record: list[str], place: int) -> MemoryItem:
    short_hash, written, author, message = record
    return MemoryItem(
        short_hash,
        message.strip(),
        MemoryTier.LONG_TERM,
        created_at=_date(written),
        source="git log",
        position=float(place),
        metadata={"author": author},
    )


def _date(written: str) -> datetime | None:
    """The author date; git allows years that a `datetime` has not."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _notes(items: tuple[MemoryItem, ...], folder: str) -> Iterator[str]:
    undated = [item.id for item in items if item.created_at is None]
    if undated:
        yield (
            f"{folder}: {len(undated):,} commits have a date that no calendar has, "
            f"such as {undated[0]}."
        )
