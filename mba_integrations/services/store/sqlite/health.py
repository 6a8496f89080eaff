"""What a SQLite file says of itself, read without changing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SQLITE_VERSION = sqlite3.sqlite_version
_MOST_DAMAGES = 10


def journal_mode(path: Path) -> str:
    """How the file keeps its transactions, such as "wal"."""
    with _looking_at(path) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def damages(path: Path) -> list[str]:
    """What SQLite finds wrong with the file, at most ten; nothing where it is whole."""
    with _looking_at(path) as connection:
        found = connection.execute(f"PRAGMA integrity_check({_MOST_DAMAGES})")
        said = [str(line) for (line,) in found]
    return [] if said == ["ok"] else said


@contextmanager
def _looking_at(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection
