"""`Transfer`: export a workspace, import what was exported, as `service.transfer`.

An export reads one moment of the workspace. An import remembers in batches, each durable when the
next begins; done again, it adds nothing twice. What was erased is left out, whatever file has it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.transfer.documents import read_chat, read_markdown_folder
from mba_integrations.services.memory.transfer.export_file import (
    ExportLines,
    ExportReceipt,
    open_export,
    write_export,
)
from mba_integrations.services.memory.transfer.exporting import Progress, export_records
from mba_integrations.services.memory.transfer.import_job import (
    ImportJob,
    begin,
    begun_before,
    digest_of_file,
)
from mba_integrations.services.memory.transfer.imported import Imported
from mba_integrations.services.memory.transfer.importing import (
    Batches,
    ImportReply,
    put_documents,
    put_vectors,
)
from mba_integrations.services.memory.transfer.langgraph_store import read_langgraph_store
from mba_integrations.services.memory.transfer.mcp_memory import read_mcp_memory
from mba_integrations.services.memory.transfer.mem0 import read_mem0
from mba_integrations.services.memory.transfer.records import DOCUMENT, MEMORY, VECTOR, memory_of
from mba_integrations.services.memory.transfer.staged import Found, batches
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import workspaces


class ImportFormat(StrEnum):
    """What a file is."""

    MBA = "mba"
    """An export of this service."""
    MEM0 = "mem0"
    LANGGRAPH_STORE = "langgraph_store"
    MCP_MEMORY = "mcp_memory"
    """The JSON lines of the reference memory server of MCP."""
    MARKDOWN_FOLDER = "markdown_folder"
    CHAT = "chat"
    """Messages in OpenAI's format."""


class Transfer:
    """Export and import.

    Args:
        equipment: What the service lends.
        wake: Tells the worker that there is a job.
        extracts: Whether the messages of a chat are then given to an extractor.
    """

    def __init__(
        self, equipment: Equipment, wake: Callable[[], None], *, extracts: bool = False
    ) -> None:
        self._equipment = equipment
        self._wake = wake
        self._extracts = extracts

    def export_to(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        *,
        with_vectors: bool = False,
        with_inactive: bool = False,
        progress: Progress | None = None,
    ) -> ExportReceipt:
        """Write a workspace to a file of JSON lines that ends with a count and a hash.

        Args:
            workspace_id: Which one.
            path: The file; one that is there is replaced once the new one is whole.
            with_vectors: Whether the vectors of all models go along.
            with_inactive: Whether superseded and forgotten memories go along.
            progress: Told now and then how many records are written, and of how many at most.

        Raises:
            InputError: If the file cannot be written.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            header = self._header(reading)
            records = export_records(
                reading,
                with_vectors=with_vectors,
                with_inactive=with_inactive,
                progress=progress,
            )
            return write_export(os.fspath(path), header, records)

    def export_lines(
        self, workspace_id: str, *, with_vectors: bool = False, with_inactive: bool = False
    ) -> Iterator[bytes]:
        """The lines of `export_to`, as they are read: whoever takes none holds the transaction.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            header = self._header(reading)
            records = export_records(
                reading, with_vectors=with_vectors, with_inactive=with_inactive
            )
            yield from ExportLines(header, records)

    def _header(self, reading: Reading) -> dict[str, Any]:
        row = workspaces.get(reading)
        settings = {name: one for name, one in row.settings.items() if name != "experiment"}
        return {
            "workspace_id": reading.workspace_id,
            "exported_at": self._equipment.clock().isoformat(),
            "settings": settings,
            "retention": dict(row.retention),
            "time_zone": row.time_zone,
            "change_seq": row.change_seq,
        }

    def import_from(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        format: ImportFormat | str = ImportFormat.MBA,
        *,
        tier: MemoryTier | str | None = None,
        subject: str | None = None,
        name: str | None = None,
        dry_run: bool = False,
        request: str | None = None,
        progress: Progress | None = None,
    ) -> ImportReply:
        """Remember what a file has.

        Args:
            workspace_id: Where; the workspace must be there.
            path: The file or folder.
            format: What it is.
            tier: Where memories go that say no tier; as the reader of the format decides by
                default.
            subject: Whom memories are about that do not say.
            name: What the file is called, in what is said of it and in the ids of a chat's
                messages; its path by default.
            dry_run: Whether to count only, and keep nothing.
            request: Names the request; made again, it gives the same counts.
            progress: Told after each batch how many memories are done, and of how many.

        Raises:
            InputError: If the file is no such file, is cut, changed, or of a newer version.
            IdempotencyConflictError: If the request of that name was another one.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        kind = checked_member("format", format, ImportFormat)
        named = None if tier is None else checked_member("tier", tier, MemoryTier)
        read = self._read(kind, os.fspath(path), named, name)
        own = Batches(self._equipment, extracts=self._extracts)
        names = _names_of_parts(request, path, (kind, named, subject, name))
        reply = ImportReply(notes=read.notes)
        total, done = len(read.memories), 0
        for part in batches(read.memories):
            batch = replace(read, memories=part)
            if dry_run:
                reply += own.counted(workspace_id, batch, subject=subject)
            else:
                act = partial(own.bring, batch=batch, subject=subject)
                reply += own.brought(workspace_id, act, next(names))
            done += len(part)
            if progress is not None:
                progress(done, total)
        if not dry_run:
            for rows in batches(read.documents):
                own.brought(workspace_id, partial(put_documents, records=rows), next(names))
            for some in batches(read.vectors):
                act = partial(put_vectors, records=some)
                reply += own.brought(workspace_id, act, next(names))
            self._wake()
        return reply

    def begin_import(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        format: ImportFormat | str = ImportFormat.MBA,
        *,
        tier: MemoryTier | str | None = None,
        subject: str | None = None,
        name: str | None = None,
        dry_run: bool = False,
        request: str | None = None,
    ) -> JobRow:
        """As `import_from`, by a job: comes back when all that the file has waits in the store.

        The job's progress and counts are those of `jobs.get`. It goes on after a restart where it
        was, can be cancelled, and goes on again with a retry within a week.

        Args:
            request: Names the request; made again, it gives the same job.

        Raises:
            InputError: As for `import_from`.
            IdempotencyConflictError: If the request of that name was another one.
        """
        kind = checked_member("format", format, ImportFormat)
        named = None if tier is None else checked_member("tier", tier, MemoryTier)
        wanted = ImportJob(
            digest=digest_of_file(path, (kind, named, subject, name, dry_run)),
            dry_run=dry_run,
        )
        before = (
            None
            if request is None
            else begun_before(self._equipment, workspace_id, request, wanted)
        )
        if before is not None:
            return before
        read = self._read(kind, os.fspath(path), named, name)
        row = begin(self._equipment, workspace_id, read, wanted, subject=subject, request=request)
        self._wake()
        return row

    def _read(
        self, kind: ImportFormat, path: str, tier: MemoryTier | None, name: str | None
    ) -> Found:
        if kind is ImportFormat.MBA:
            found = _of_export(path)
        else:
            read = read_of_others(kind, path, tier, name=name, now=self._equipment.clock())
            found = Found(read.memories, notes=read.notes)
        return found if name is None else _called(found, path, name)


def _names_of_parts(
    request: str | None, path: str | os.PathLike[str], asked: tuple[object, ...]
) -> Iterator[Once | None]:
    """What each part of an import is known by when the request comes again."""
    if request is None:
        return itertools.repeat(None)
    digest = digest_of_file(path, asked)
    return (
        Once(name=f"{request} part {place}", digest=digest, written=ImportReply.to_dict)
        for place in itertools.count()
    )


def read_of_others(
    kind: ImportFormat,
    path: str,
    tier: MemoryTier | None,
    *,
    name: str | None = None,
    now: datetime,
) -> Imported:
    """What a file or a folder has that is no export of this service.

    Args:
        kind: What it is.
        path: Where it is.
        tier: Where memories go that say no tier; None as the reader decides.
        name: What a chat is called; its path by default.
        now: The present, for what says no time.

    Raises:
        InputError: If it is no such file.
    """
    named: dict[str, Any] = {} if tier is None else {"tier": tier}
    readers: dict[ImportFormat, Callable[[], Imported]] = {
        ImportFormat.MEM0: lambda: read_mem0(path, **named),
        ImportFormat.LANGGRAPH_STORE: lambda: read_langgraph_store(path, now=now, **named),
        ImportFormat.MCP_MEMORY: lambda: read_mcp_memory(path, **named),
        ImportFormat.MARKDOWN_FOLDER: lambda: read_markdown_folder(path, **named),
        ImportFormat.CHAT: lambda: read_chat(path, name=name),
    }
    return readers[kind]()


def _called(found: Found, path: str, name: str) -> Found:
    """What a file has, with its name in the place of its path in all that is said of it."""
    memories = [
        InputError(str(one).replace(path, name)) if isinstance(one, InputError) else one
        for one in found.memories
    ]
    notes = tuple(note.replace(path, name) for note in found.notes)
    return replace(found, memories=memories, notes=notes)


def _of_export(path: str) -> Found:
    read: list[NewMemory | InputError] = []
    found: list[Mapping[str, Any]] = []
    rows: list[Mapping[str, Any]] = []
    inactive = set()
    for number, record in enumerate(open_export(path).records(), start=2):
        place = f"{path}:{number}"
        if record.get("kind") == VECTOR:
            found.append({**record, "place": place})
        elif record.get("kind") == DOCUMENT:
            rows.append({**record, "place": place})
        elif record.get("kind") == MEMORY:
            try:
                memory, state = memory_of(place, record)
            except InputError as error:
                read.append(error)
                continue
            read.append(memory)
            if state is not MemoryState.ACTIVE:
                inactive.add(memory.item.id)
    return Found(read, frozenset(inactive), found, documents=rows)
