"""`ensure`: the daemon of a file, started if there is none, once however many ask at the same time.

Who wants to start one holds `<db>.start-lock` until it answers. All others wait for that lock, look
again, and find it. The operating system gives the lock up if the one who starts is killed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.daemon.place import Daemon, beside, running
from mba_integrations.services.store.sqlite.lock_file import LockFile

IDLE_SECONDS = 900
"""After so long without a request a daemon that a client started ends by itself."""
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.02
_SHOWN_BYTES = 2_000
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    _DETACHED: dict[str, Any] = {"creationflags": _FLAGS}
else:
    _DETACHED: dict[str, Any] = {"start_new_session": True}


class DaemonError(MemoryBudgetError, RuntimeError):
    """The daemon cannot be started."""


def serve_command(database: Path) -> list[str]:
    """What starts a daemon on a file: `mba serve` where its extra is, else MCP alone."""
    idle = ["--idle-exit", str(IDLE_SECONDS)]
    if importlib.util.find_spec("fastapi") is not None:
        serve = ["mba_integrations", "serve", "--db", str(database), "--port", "0"]
        return [sys.executable, "-m", *serve, *idle]
    return [sys.executable, "-m", "mba_integrations.services.mcp.runner", str(database), *idle]


def ensure(database: Path, command: Sequence[str] | None = None) -> Daemon:
    """The daemon of a file that answers now.

    Args:
        database: The file; made if it is not there.
        command: What starts a daemon on it.

    Raises:
        DaemonError: If it does not start; with the end of what it said.
    """
    database = database.resolve()
    found = answering(database)
    if found is not None:
        return found
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = LockFile(beside(database, "start-lock"))
    try:
        lock.lock()
        return answering(database) or _started(database, command or serve_command(database))
    finally:
        lock.close()


def answering(database: Path) -> Daemon | None:
    """The process that answers for a file and takes connections now; None where there is none."""
    daemon = running(database)
    return daemon if daemon is not None and _listens(daemon.url) else None


def _listens(url: str) -> bool:
    import socket

    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1.0).close()
    except TimeoutError:
        return True  # too busy to take connections, but there
    except OSError:
        return False
    return True


def _started(database: Path, command: Sequence[str]) -> Daemon:
    log = beside(database, "daemon-log")
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as said:
        process = launched(command, said.fileno())
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll() is not None  # before looking: it may end because another one runs
        daemon = answering(database)
        if daemon is not None:
            leave(process)
            return daemon
        if ended:
            break
        time.sleep(_PAUSE_SECONDS)
    raise DaemonError(f"the server of {database} does not start. {_last_words(log)}")


def launched(command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    """A process that outlives this one, whose client may end all that it started."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_DETACHED
    )


def leave(process: subprocess.Popen[bytes]) -> None:
    """Do not wait for it, nor warn that it runs on: it is meant to."""
    process.returncode = 0


def _last_words(log: Path) -> str:
    lines = log.read_bytes()[-_SHOWN_BYTES:].decode(errors="replace").strip().splitlines()
    return f"It said: {lines[-1]}" if lines else f"It said nothing; see {log}."
