"""`Transfer`: export a workspace, import what was exported, as `service.transfer`.

An export reads one moment of the workspace. An import remembers in batches, each durable when the
next begins; done again, it adds nothing twice. What was erased is left out, whatever file has it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.new_memory import NewMemory, checked_memory
from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE
from mba_integrations.services.memory.remembering.remember import RememberRequest, remember
from mba_integrations.services.memory.transfer.documents import read_chat, read_markdown_folder
from mba_integrations.services.memory.transfer.export_file import (
    ExportReceipt,
    open_export,
    write_export,
)
from mba_integrations.services.memory.transfer.imported import Imported
from mba_integrations.services.memory.transfer.langgraph_store import read_langgraph_store
from mba_integrations.services.memory.transfer.mcp_memory import read_mcp_memory
from mba_integrations.services.memory.transfer.mem0 import read_mem0
from mba_integrations.services.memory.transfer.records import (
    DOCUMENT,
    MEMORY,
    VECTOR,
    document_of,
    document_record,
    memory_of,
    memory_record,
    vector_of,
    vector_record,
)
from mba_integrations.services.store.erasure import ledger
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.rows.erasures import ErasedKind
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import (
    documents,
    finding,
    memories,
    vectors,
    workspaces,
)

Progress = Callable[[int, int], None]
"""Told how many memories are done, and of how many."""
_REJECTS = 20


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


@dataclass(slots=True)
class ImportReply:
    """What an import did, or would do.

    Attributes:
        created: Memories that are new.
        duplicates: Memories that are there already.
        erased: Memories that were erased before, and are left out.
        rejected: How many cannot be kept.
        reasons: Why, of the first 20.
        vectors: Vectors that came along.
        notes: What the reader of the file left out or changed.
    """

    created: int = 0
    duplicates: int = 0
    erased: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    vectors: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file has: memories or why not, the ids that are not active, vectors, documents."""

    memories: Sequence[NewMemory | InputError]
    inactive: frozenset[str] = frozenset()
    vectors: Sequence[Mapping[str, Any]] = ()
    notes: tuple[str, ...] = ()
    documents: Sequence[DocumentRow] = ()


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
            row = workspaces.get(reading)
            header = {
                "workspace_id": workspace_id,
                "exported_at": self._equipment.clock().isoformat(),
                "settings": dict(row.settings),
                "retention": dict(row.retention),
                "time_zone": row.time_zone,
                "change_seq": row.change_seq,
            }
            records = _records(reading, with_vectors, with_inactive, progress)
            return write_export(os.fspath(path), header, records)

    def import_from(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        format: ImportFormat | str = ImportFormat.MBA,
        *,
        tier: MemoryTier | str | None = None,
        subject: str | None = None,
        dry_run: bool = False,
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
            dry_run: Whether to count only, and keep nothing.
            progress: Told after each batch how many memories are done, and of how many.

        Raises:
            InputError: If the file is no such file, is cut, changed, or of a newer version.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        kind = checked_member("format", format, ImportFormat)
        named = None if tier is None else checked_member("tier", tier, MemoryTier)
        read = self._read(kind, os.fspath(path), named)
        reply = ImportReply(notes=read.notes)
        total, done = len(read.memories), 0
        for part in _batches(read.memories):
            batch = [self._checked(one, subject) for one in part]
            self._import(workspace_id, batch, read.inactive, reply, dry_run=dry_run)
            done += len(part)
            if progress is not None:
                progress(done, total)
        if not dry_run:
            self._import_documents(workspace_id, read.documents)
            self._import_vectors(workspace_id, read.vectors, reply)
            self._wake()
        return reply

    def _read(self, kind: ImportFormat, path: str, tier: MemoryTier | None) -> _Read:
        if kind is ImportFormat.MBA:
            return _of_export(path)
        found = read_of_others(kind, path, tier, now=self._equipment.clock())
        return _Read(found.memories, notes=found.notes)

    def _checked(self, one: NewMemory | InputError, subject: str | None) -> NewMemory | InputError:
        if isinstance(one, InputError):
            return one
        try:
            about = replace(one, subject=one.subject or subject)
            return checked_memory(about, now=self._equipment.clock())
        except InputError as error:
            return error

    def _import(
        self,
        workspace_id: str,
        batch: Sequence[NewMemory | InputError],
        inactive: frozenset[str],
        reply: ImportReply,
        *,
        dry_run: bool,
    ) -> None:
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            kept = _without_erased(reading, batch)
        reply.erased += len(batch) - len(kept)
        if not kept:
            return
        request = RememberRequest(found=tuple(kept), skip=True, extract=self._extracts)
        models = self._equipment.models

        def act(writing: Writing) -> None:
            result = remember(writing, request, models)
            refused = [one.error for one in result.results if one.error is not None]
            created = {one.memory_id for one in result.results if one.created}
            gone = [one for one in inactive if one in created]
            if gone:
                memories.forget(writing, gone, reason="was not active where it comes from")
            reply.created += len(created)
            reply.rejected += len(refused)
            reply.duplicates += len(kept) - len(created) - len(refused)
            reply.reasons += refused[: _REJECTS - len(reply.reasons)]
            if dry_run:
                raise _DryRunError

        try:
            self._equipment.write(workspace_id, act, actor="import")
        except _DryRunError:
            return

    def _import_documents(self, workspace_id: str, rows: Sequence[DocumentRow]) -> None:
        """Keep what is known of documents that have pieces here, and are not there already."""
        for part in _batches(rows):
            self._equipment.write(workspace_id, partial(_put_documents, rows=part))

    def _import_vectors(
        self, workspace_id: str, records: Sequence[Mapping[str, Any]], reply: ImportReply
    ) -> None:
        for part in _batches(records):
            keep = partial(_put_vectors, records=part)
            reply.vectors += self._equipment.write(workspace_id, keep)


def read_of_others(
    kind: ImportFormat, path: str, tier: MemoryTier | None, *, now: datetime
) -> Imported:
    """What a file or a folder has that is no export of this service.

    Args:
        kind: What it is.
        path: Where it is.
        tier: Where memories go that say no tier; None as the reader decides.
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
        ImportFormat.CHAT: lambda: read_chat(path),
    }
    return readers[kind]()


class _DryRunError(Exception):
    """Undoes the transaction of a dry run."""


def _of_export(path: str) -> _Read:
    read: list[NewMemory | InputError] = []
    found: list[Mapping[str, Any]] = []
    rows: list[DocumentRow] = []
    inactive = set()
    for number, record in enumerate(open_export(path).records(), start=2):
        place = f"{path}:{number}"
        if record.get("kind") == VECTOR:
            found.append({**record, "place": place})
        elif record.get("kind") == DOCUMENT:
            rows.append(document_of(place, record))
        elif record.get("kind") == MEMORY:
            try:
                memory, state = memory_of(place, record)
            except InputError as error:
                read.append(error)
                continue
            read.append(memory)
            if state is not MemoryState.ACTIVE:
                inactive.add(memory.item.id)
    return _Read(read, frozenset(inactive), found, documents=rows)


def _records(
    reading: Reading, with_vectors: bool, with_inactive: bool, progress: Progress | None
) -> Iterator[Mapping[str, Any]]:
    rows = finding.in_any_state(reading) if with_inactive else finding.current(reading)
    models = tuple(vectors.coverage(reading)) if with_vectors else ()
    total = len(rows) * (1 + len(models))
    found = _vectors(reading, models, {row.memory_id for row in rows})
    kept = map(document_record, documents.every(reading))
    for done, record in enumerate(itertools.chain(map(memory_record, rows), kept, found), start=1):
        yield record
        if progress is not None and done % MOST_AT_ONCE == 0:
            progress(done, total)
    if progress is not None:
        progress(total, total)


def _vectors(
    reading: Reading, models: Sequence[str], wanted: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    for model_id in models:
        ids, matrix = vectors.all_of(reading, model_id)
        for memory_id, vector in zip(ids, matrix, strict=True):
            if memory_id in wanted:
                yield vector_record(memory_id, model_id, vector)


def _batches(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), MOST_AT_ONCE):
        yield things[start : start + MOST_AT_ONCE]


def _without_erased(
    reading: Reading, batch: Sequence[NewMemory | InputError]
) -> list[NewMemory | InputError]:
    """What was not erased before, by its id, its subject, its source or its text."""
    fine = [one for one in batch if isinstance(one, NewMemory)]
    said: dict[ErasedKind, set[str]] = {kind: set() for kind in ErasedKind}
    for kind, value in (pair for one in fine for pair in _erasable(one)):
        said[kind].add(value)
    erased = {kind: ledger.was_erased(reading, kind, values) for kind, values in said.items()}

    def is_erased(one: NewMemory) -> bool:
        return any(value in erased[kind] for kind, value in _erasable(one))

    return [one for one in batch if isinstance(one, InputError) or not is_erased(one)]


def _erasable(one: NewMemory) -> Iterator[tuple[ErasedKind, str]]:
    """By what the memory may have been erased."""
    yield ErasedKind.MEMORY, one.item.id
    yield ErasedKind.CONTENT, one.item.content
    if one.subject is not None:
        yield ErasedKind.SUBJECT, one.subject
    if one.item.source is not None:
        yield ErasedKind.SOURCE, one.item.source


def _put_documents(writing: Writing, rows: Sequence[DocumentRow]) -> None:
    named = [row.document_id for row in rows]
    there, known = finding.sources(writing, named), documents.find(writing, named)
    documents.put(
        writing,
        [row for row in rows if row.document_id in there and row.document_id not in known],
    )


def _put_vectors(writing: Writing, records: Sequence[Mapping[str, Any]]) -> int:
    """Keep vectors of memories that are there; gives how many."""
    read = [vector_of(record["place"], record) for record in records]
    there = finding.find(writing, [memory_id for memory_id, _, _ in read])
    of_model: dict[tuple[str, int], dict[str, FloatArray]] = {}
    for memory_id, model_id, vector in read:
        if memory_id in there:
            of_model.setdefault((model_id, len(vector)), {})[memory_id] = vector
    for (model_id, _), found in of_model.items():
        vectors.put(writing, model_id, list(found), np.stack(list(found.values())))
    return sum(map(len, of_model.values()))
