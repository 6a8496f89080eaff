"""Where the process that holds a file answers, and the token that it knows its owner by.

The lock file `<db>.lock` names who holds it; `<db>.token` has a token that is made anew at each
start and that only the file's owner can read. Who read a token of an earlier process is refused and
reads again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mba_integrations.services.store.sqlite.lock_file import Holder, LockFile

_TOKEN_BYTES = 32


class Daemon(NamedTuple):
    """A process that answers for a file.

    Attributes:
        pid: Its process.
        url: Where it answers.
        token: What it knows the file's owner by.
    """

    pid: int
    url: str
    token: str


def beside(database: Path, ending: str) -> Path:
    """A file beside the database, such as `memory.db.token`."""
    return database.with_name(f"{database.name}.{ending}")


def write_token(database: Path) -> str:
    """Make the token of this process; called by who holds the file."""
    import secrets  # costs a hook, which only reads, 9 ms

    token = secrets.token_urlsafe(_TOKEN_BYTES)
    path = beside(database.resolve(), "token")
    new = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        json.dump({"pid": os.getpid(), "token": token}, stream)
    os.replace(new, path)
    return token


def remove_token(database: Path) -> None:
    """Take the token of this process away."""
    path = beside(database.resolve(), "token")
    if _token_of(path, os.getpid()) is not None:
        path.unlink(missing_ok=True)


@contextmanager
def token_beside(database: Path) -> Iterator[str]:
    """The token of this process, there as long as the process answers."""
    token = write_token(database)
    try:
        yield token
    finally:
        remove_token(database)


def running(database: Path) -> Daemon | None:
    """The process that answers for a file; None where there is none, or it is not ready yet."""
    database = database.resolve()
    holder = _holder(beside(database, "lock"))
    if holder is None or holder.url is None or not holder.exclusive or not _lives(holder.pid):
        return None
    token = _token_of(beside(database, "token"), holder.pid)
    return None if token is None else Daemon(holder.pid, holder.url, token)


def _holder(path: Path) -> Holder | None:
    if not path.exists():
        return None
    lock = LockFile(path)
    try:
        return lock.holder()
    finally:
        lock.close()


def _token_of(path: Path, pid: int) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(path.read_text(encoding="ascii"))
        return str(said["token"]) if said["pid"] == pid else None
    return None


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # os.kill would end it; whether it answers is seen when it is asked
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
