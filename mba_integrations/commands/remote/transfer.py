"""Files from a server and to it: exports, imports, copies of its store.

A server opens no path that a caller names, so files are sent and received here. Files and folders
of others are read here, since memories are named after their paths, and sent as an export has them.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mba_integrations.commands.remote.keeping import job_of
from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.ingest.reading import read_bytes
from mba_integrations.services.memory.transfer.export_file import (
    ExportReceipt,
    open_export,
    write_export,
)
from mba_integrations.services.memory.transfer.exporting import Progress
from mba_integrations.services.memory.transfer.imported import Imported
from mba_integrations.services.memory.transfer.importing import ImportReply
from mba_integrations.services.memory.transfer.records import memory_record
from mba_integrations.services.memory.transfer.transfer import (
    ImportFormat,
    read_of_others,
)
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.store import utc_now

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient


class RemoteTransfer:
    """Export and import."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def export_to(
        self,
        workspace_id: str,
        path: Path,
        *,
        with_vectors: bool = False,
        with_inactive: bool = False,
        progress: Progress | None = None,
    ) -> ExportReceipt:
        """Write a workspace to a file; one that is there is replaced by one that is whole."""
        came = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            self._client.export(
                workspace_id, came, with_vectors=with_vectors, with_inactive=with_inactive
            )
            found = open_export(came)
            os.replace(came, path)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error
        finally:
            came.unlink(missing_ok=True)
        return ExportReceipt(path=path, count=found.count, sha256=found.sha256)

    def import_from(
        self,
        workspace_id: str,
        path: Path,
        format: str,
        *,
        tier: MemoryTier | None = None,
        subject: str | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ImportReply:
        """Remember what a file or a folder has."""
        content, notes = _content(path, format, tier)
        told = self._client.import_file(workspace_id, content, subject=subject, dry_run=dry_run)
        return ImportReply(**{**told, "notes": (*notes, *told["notes"])})

    def begin_import(
        self,
        workspace_id: str,
        path: Path,
        format: str,
        *,
        tier: MemoryTier | None = None,
        subject: str | None = None,
        dry_run: bool = False,
    ) -> JobRow:
        """As `import_from`, by a job of the server."""
        content, _ = _content(path, format, tier)
        told = self._client.import_file(
            workspace_id, content, subject=subject, dry_run=dry_run, background=True
        )
        return job_of(told)


def _content(path: Path, format: str, tier: MemoryTier | None) -> tuple[bytes, tuple[str, ...]]:
    """What is sent, and what was left out of it."""
    kind = checked_member("format", format, ImportFormat)
    if kind is ImportFormat.MBA:
        return read_bytes(path), ()
    return _as_export(read_of_others(kind, str(path), tier, now=utc_now()))


def _as_export(found: Imported) -> tuple[bytes, tuple[str, ...]]:
    """What was read, as an export has it, and what was left out."""
    from mba_integrations.services.memory.new_memory import row_of

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memories.jsonl"
        write_export(file, {}, (memory_record(row_of(one)) for one in found.memories))
        return file.read_bytes(), found.notes


def backed_up(client: MbaClient, path: Path) -> Path:
    """A copy of the server's store at a path where nothing is, with its manifest beside it.

    Raises:
        InputError: If something is there.
    """
    beside = path.with_name(f"{path.name}.json")
    for one in (path, beside):
        if one.exists():
            raise InputError(f"{one} cannot be made: File exists.")
    said = client.backup(path)
    beside.write_text(json.dumps(said, indent=1), encoding="utf-8")
    return path
