"""Copies of a store in a file, made while it is used, and whether they are whole.

A copy has a manifest beside it, `<copy>.json`, with its SHA-256 and what is in it. It holds what
was erased since it was made, until it is deleted; `restoring` keeps that from coming back.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from mba_integrations.services.store.errors import StoreFileError
from mba_integrations.services.store.migrations.revisions import current_revision
from mba_integrations.services.store.scopes import ReadingAll
from mba_integrations.services.store.sqlite.connecting import reading_engine
from mba_integrations.services.store.sqlite.failures import our_errors
from mba_integrations.services.store.statements.workspaces import counts

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a copy says of itself.

    Attributes:
        format: Of the manifest.
        revision: Of the tables.
        created_at: When it was made, as ISO 8601 text.
        size_bytes: Of the copy.
        sha256: Of the copy, in hexadecimal.
        workspaces: How many there are in it.
        memories: How many there are in it, in any state.
    """

    format: int
    revision: str
    created_at: str
    size_bytes: int
    sha256: str
    workspaces: int
    memories: int


def back_up(path: Path, copy: Path, *, at: datetime) -> Path:
    """Copy the store in *path* as it stands now; gives the path of the copy.

    Raises:
        StoreFileError: If *copy* is there, or cannot be made.
    """
    part = copy.with_name(f"{copy.name}.part")
    made = _made(copy)
    try:
        made += _made(part)
        with our_errors(copy):
            _copy(path, part)
        manifest = _manifest_of(part, at=at)
        made += _made(_beside(copy))
        _beside(copy).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        os.replace(part, copy)
    except BaseException:
        for one in made:
            one.unlink(missing_ok=True)
        raise
    return copy


def verify(copy: Path) -> Manifest:
    """What a copy says of itself, if it is that, and whole.

    Raises:
        StoreFileError: If it is not, or has no manifest.
    """
    said = _said_of(copy)
    found = _manifest_of(copy, at=datetime.fromisoformat(said.created_at))
    for name, value in asdict(said).items():
        if value != getattr(found, name):
            raise StoreFileError(
                f"{copy} is not what {_beside(copy)} says: {name} is {getattr(found, name)}, "
                f"not {value}. It was changed or damaged; use another copy."
            )
    return said


def _copy(path: Path, part: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.execute("PRAGMA query_only = ON")
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself


def _manifest_of(copy: Path, *, at: datetime) -> Manifest:
    engine = reading_engine(copy)
    try:
        with our_errors(copy), engine.begin() as connection:
            whole = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            revision = current_revision(connection)
            counted = counts(ReadingAll(connection=connection))
    finally:
        engine.dispose()
    if whole != "ok":
        raise StoreFileError(f"{copy} is damaged: {whole}.")
    return Manifest(
        format=FORMAT,
        revision=revision or "",
        created_at=at.isoformat(),
        size_bytes=copy.stat().st_size,
        sha256=_sha256(copy),
        workspaces=counted["workspace"],
        memories=counted["memory"],
    )


def _said_of(copy: Path) -> Manifest:
    try:
        said = json.loads(_beside(copy).read_text(encoding="utf-8"))
        return Manifest(**said)
    except FileNotFoundError as error:
        raise StoreFileError(f"{copy} has no manifest: there is no {error.filename}.") from None
    except (OSError, ValueError, TypeError) as error:
        raise StoreFileError(f"{_beside(copy)} is no manifest of a copy: {error}.") from error


def _beside(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.json")


def _made(path: Path) -> list[Path]:
    """Make an empty file that only its owner can read."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreFileError(f"{path} cannot be made: {error.strerror}.") from error
    return [path]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
