"""The ledger of erasures beside the file, `<db>.erased`, for the case that the file is lost.

It holds what the table holds: hashes, which say nothing without the store's key. Keep it with the
backups.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from mba_integrations.services.store.erasure import ledger
from mba_integrations.services.store.errors import StoreFileError
from mba_integrations.services.store.rows.erasures import ErasedKind, LedgerEntry
from mba_integrations.services.store.scopes import ReadingAll
from mba_integrations.services.store.tables.columns import microseconds_of, moment_of

FORMAT = 1


def ledger_path(path: Path) -> Path:
    """Where the ledger of a store is."""
    return path.with_name(f"{path.name}.erased")


def store_mark(reading: ReadingAll) -> str:
    """What tells a store and its copies from other stores, without telling its key."""
    return hashlib.sha256(reading.store_info(ledger.LEDGER_KEY).encode()).hexdigest()


def keep_ledger(path: Path, reading: ReadingAll) -> None:
    """Write the ledger anew; nothing is written while there is nothing in it."""
    entries = ledger.entries(reading)
    if not entries:
        return
    lines = [{"format": FORMAT, "store": store_mark(reading)}, *map(_line, entries)]
    part = path.with_name(f"{path.name}.erased.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, ledger_path(path))


def kept_ledger(path: Path) -> tuple[str, tuple[LedgerEntry, ...]] | None:
    """The mark of the store and its ledger, as they were kept; None if none was.

    Raises:
        StoreFileError: If the file is no ledger.
    """
    place = ledger_path(path)
    try:
        head, *lines = [json.loads(line) for line in place.read_text().splitlines()]
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']}, this release knows {FORMAT}")
        return head["store"], tuple(map(_entry, lines))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreFileError(f"{place} is no ledger of erasures: {error}.") from error


def _line(entry: LedgerEntry) -> dict[str, object]:
    return {
        "workspace_id": entry.workspace_id,
        "kind": entry.kind.value,
        "digest": entry.digest,
        "erased_at": microseconds_of(entry.erased_at),
    }


def _entry(line: dict[str, str]) -> LedgerEntry:
    return LedgerEntry(
        workspace_id=line["workspace_id"],
        kind=ErasedKind(line["kind"]),
        digest=line["digest"],
        erased_at=moment_of(int(line["erased_at"])),
    )
