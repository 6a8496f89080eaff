"""Ask git for the files of a work tree and for its history. Reads only; needs the `git` program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.reading import Ingested

_TIMEOUT_SECONDS = 60.0
_FIELD, _RECORD = "\x1f", "\x1e"
_SETTINGS = ("log.showSignature=false", "i18n.logOutputEncoding=UTF-8", "core.quotePath=false")


class GitError(InputError):
    """Git is not installed, refuses, or the folder is in no work tree."""


def tracked_files(folder: Path) -> Iterator[str]:
    """Paths below *folder* of files that exist and that git does not ignore, in git's order.

    Raises:
        GitError: If git cannot say.
    """
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for path in dict.fromkeys(listed.split("\0")):
        if path and (folder / path).is_file():
            yield path


def read_history(folder: str | Path, *, max_commits: int = 1000) -> Ingested:
    """Commit messages as long-term memory, the oldest first.

    An item's id is the abbreviated hash, its `created_at` the author date, its `position` the
    place in the history.

    Args:
        folder: Any folder of the work tree.
        max_commits: Only the newest so many.

    Raises:
        GitError: If git is not installed, refuses, or there is no history.
    """
    pretty = f"--pretty=tformat:%h{_FIELD}%aI{_FIELD}%an{_FIELD}%B{_RECORD}"
    log = _git(Path(folder), "log", "--no-merges", f"--max-count={max_commits}", pretty)
    records = [record.strip("\n") for record in log.split(_RECORD) if record.strip()]
    items = tuple(
        item
        for place, record in enumerate(reversed(records))
        if (item := _commit(record, place)) is not None
    )
    return Ingested(items=items)


def _commit(record: str, place: int) -> MemoryItem | None:
    short_hash, written, author, message = record.split(_FIELD, 3)
    if not message.strip():
        return None
    return MemoryItem(
        short_hash,
        message.strip(),
        MemoryTier.LONG_TERM,
        created_at=datetime.fromisoformat(written),
        source="git log",
        position=float(place),
        metadata={"author": author},
    )


def _git(folder: Path, *arguments: str) -> str:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", *settings, *arguments],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", "GIT_PAGER": "", "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError as error:
        raise GitError("the git program is not installed.") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        raise GitError(f"git {arguments[0]}: {said[0]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {arguments[0]}: {error}") from error
    return done.stdout.decode("utf-8", "replace")
