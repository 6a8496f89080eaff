"""`RagService`: documents in, the passages that fit out.

    with RagService.open("memory.db") as rag:
        rag.memory.create_workspace("kate")
        rag.put_document("kate", "handbook", text=Path("handbook.md").read_text())
        reply = rag.retrieve("kate", "Who approves leave?", budget_tokens=800)
        print(reply.prompt_text, reply.citations)

Documents are the fourth tier of a workspace of the memory service: a recall there sees them too,
and their share of its budget flows to where it is worth most.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Self

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.rag.candidates import candidate_items
from mba_integrations.services.rag.files import (
    FolderDocuments,
    FolderProgress,
    document_of_bytes,
    new_document,
)
from mba_integrations.services.rag.folders import sync_files
from mba_integrations.services.rag.kept import KeptDocuments
from mba_integrations.services.rag.new_document import (
    NewDocument,
    checked_document_id,
    cut_document,
)
from mba_integrations.services.rag.replacing import (
    PutReply,
    RemoveReply,
    known_documents,
    put_one,
    remove,
)
from mba_integrations.services.rag.retrieving import RetrieveReply, cited, source_ids, tiers_of
from mba_integrations.services.rag.stored import StoredWorkspace, in_one
from mba_integrations.services.rag.syncing import (
    MOST_REMOVED,
    Progress,
    Synced,
    SyncReply,
    SyncRequest,
    sync,
)
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import checked_id
from mba_integrations.services.store.statements import documents


class RagService(KeptDocuments):
    """Keeps documents whole, and retrieves of them within a budget.

    Args:
        memory: The memory service that it stands on, which stays open when this one is closed.

    Attributes:
        memory: That service.
    """

    _holds = "a memory service"
    _instead = "Open a service in the other process, on the same store."

    def __init__(self, memory: MemoryService) -> None:
        super().__init__(memory)
        self._owns = False

    @classmethod
    def open(cls, where: str | os.PathLike[str], **options: Any) -> RagService:
        """A service with a memory service of its own; see `MemoryService.open`."""
        service = cls(MemoryService.open(where, **options))
        service._owns = True
        return service

    def close(self) -> None:
        """Close the memory service that `open` made. A second time is no error."""
        if self._owns:
            self.memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put_document(
        self,
        workspace_id: str,
        document_id: str,
        *,
        text: str | None = None,
        pieces: Sequence[str | MemoryItem] | None = None,
        name: str | None = None,
        title: str | None = None,
        uri: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        created_at: datetime | None = None,
        valid_until: datetime | None = None,
        tags: Sequence[str] = (),
        subject: str | None = None,
        file_size: int | None = None,
        file_modified_at: datetime | None = None,
        origin: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> PutReply:
        """Keep a document; comes back when it is durable. Vectors are made by a job afterwards.

        A document of that id is replaced in one transaction: no recall sees pieces of both. Pieces
        that the new version has too stay the memories that they are. The same document again
        changes nothing.

        Args:
            workspace_id: Where.
            document_id: Its id, at most 480 characters.
            text: The whole text, which is cut here.
            pieces: Instead of a text, the pieces: texts, or items with metadata and embeddings.
            name: A file's name, whose suffix says how the text is cut; that of the uri or the id
                by default, else as Markdown.
            title: What people call it, for citations.
            uri: Where it can be opened, for citations.
            metadata: Anything else that JSON can hold, for each piece as well.
            created_at: When it was written; from then on its freshness falls. When its file was
                changed by default, or it was first put.
            valid_until: From this moment on it is not recalled.
            tags: Words to filter by.
            subject: The person whom it is about, for erasure.
            file_size: Bytes of the file that it was read from, for a later `sync`.
            file_modified_at: When that file was last changed.
            origin: The folder or system that it comes from, for a later `sync`.
            actor: Who writes, for the history.
            once: Names the request; made again, it is not done again.

        Raises:
            InputError: If the document cannot be kept; what was there stays.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        new = NewDocument(
            document_id=document_id,
            text=text,
            pieces=pieces,
            name=name,
            title=title,
            uri=uri,
            metadata=metadata or {},
            created_at=created_at,
            valid_until=valid_until,
            tags=tuple(tags),
            subject=subject,
            file_size=file_size,
            file_modified_at=file_modified_at,
        )
        return self._put(workspace_id, new, origin, actor, once)

    def _put(
        self,
        workspace_id: str,
        new: NewDocument,
        origin: str | None,
        actor: str | None,
        once: Once | None = None,
    ) -> PutReply:
        cut = cut_document(new, now=self._equipment.clock())
        if origin is not None:
            checked_id("origin", origin)
        act = put_one(cut, origin=origin, models=self._equipment.models)
        reply = self._equipment.write(workspace_id, act, actor=actor, once=once)
        self.memory.jobs.wake()
        return reply

    def sync(
        self,
        workspace_id: str,
        origin: str,
        found: Iterable[Synced],
        *,
        dry_run: bool = False,
        most_removed: float = MOST_REMOVED,
        progress: Progress | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> SyncReply:
        """Bring a workspace to what a folder or system has now.

        What is new is put, what differs replaced, and what an earlier sync of this origin brought
        and is not found any more is removed, at the end.

        Args:
            workspace_id: Where.
            origin: Names the folder or system.
            found: All documents that it has; a `SameDocument` for one that is known to be as it
                was, a `RefusedDocument` for one that cannot be read.
            dry_run: Whether to count only, and write nothing.
            most_removed: The share of the origin's documents that may be removed; five may always
                go.
            progress: Told how many documents were seen.
            actor: Who writes, for the history.
            once: Names the request; made again, it is not done again. All is then one transaction,
                so no document is put where too many would be removed.

        Raises:
            TooManyRemovedError: If more would be removed; what was found is put all the same.
            InputError: If an argument is unusable, an id comes twice, or belongs to another origin.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        request = SyncRequest(
            origin=checked_id("origin", origin),
            dry_run=dry_run,
            most_removed=most_removed,
            actor=actor,
            progress=progress,
        )
        brought = partial(
            sync, found_by=lambda _: found, request=request.checked(), now=self._equipment.clock()
        )
        if once is None:
            reply = brought(StoredWorkspace(self._equipment, workspace_id))
        else:
            act = in_one(brought, self._equipment.models)
            reply = self._equipment.write(workspace_id, act, actor=actor, once=once)
        self.memory.jobs.wake()
        return reply

    def sync_folder(
        self,
        workspace_id: str,
        folder: str | os.PathLike[str],
        *,
        prefix: str | None = None,
        origin: str | None = None,
        wanted: Callable[[str], bool] = lambda path: True,
        reread: bool = False,
        limits: Limits | None = None,
        dry_run: bool = False,
        most_removed: float = MOST_REMOVED,
        progress: FolderProgress | None = None,
        actor: str | None = None,
    ) -> SyncReply:
        """Bring a workspace to the files that a folder has now; see `sync`.

        A file whose time and size are as they were is not read; where 2,000 are, two other
        processes read them. Nothing outside of the folder is read, and no link is followed. A
        document's id is the path of its file.

        Args:
            workspace_id: Where.
            folder: Where to look, subfolders included.
            prefix: What stands before the paths in ids; the folder's name and `/` by default.
            origin: Names the folder for later syncs; its whole path by default.
            wanted: Says of a path below the folder whether it counts; others are in no list, and
                removed if they were put before.
            reread: Whether files are read all the same.
            limits: What a file may take to read.
            dry_run: Whether to count only, and write nothing.
            most_removed: The share of the folder's documents that may be removed.
            progress: Told how many files were seen, and of how many.
            actor: Who writes, for the history.

        Raises:
            TooManyRemovedError: If more would be removed; what was found is put all the same.
            InputError: If the folder is none, or an argument is unusable.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        found = FolderDocuments.find(
            folder, prefix=prefix, origin=origin, wanted=wanted, reread=reread
        )
        request = SyncRequest(
            origin=found.origin,
            dry_run=dry_run,
            most_removed=most_removed,
            actor=actor,
            progress=found.counted(progress),
        )
        target = StoredWorkspace(self._equipment, workspace_id)
        now = self._equipment.clock()
        reply = sync_files(target, found, request, now=now, limits=limits, apart=True)
        self.memory.jobs.wake()
        return reply

    def put_file(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        *,
        document_id: str | None = None,
        limits: Limits | None = None,
        origin: str | None = None,
        actor: str | None = None,
        **more: Any,
    ) -> PutReply:
        """Keep the document that a file has; see `put_document`.

        Args:
            workspace_id: Where.
            path: The file, of any format that `sync_folder` reads.
            document_id: Its id; the file's name by default.
            limits: What the file may take to read.
            origin: The folder or system that it comes from, for a later `sync`.
            actor: Who writes, for the history.
            more: `title`, `uri`, `metadata`, `created_at`, `valid_until`, `tags` and `subject`, as
                for `put_document`.

        Raises:
            InputError: If the file cannot be read, with the reason; what was there stays.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        new = new_document(path, document_id, limits, **more)
        return self._put(workspace_id, new, origin, actor)

    def put_bytes(
        self,
        workspace_id: str,
        document_id: str,
        data: bytes,
        *,
        name: str | None = None,
        limits: Limits | None = None,
        origin: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
        **more: Any,
    ) -> PutReply:
        """Keep the document that the bytes of a file make; see `put_file`.

        *name* is the file's, whose suffix says its format; the document's id by default.
        """
        new = document_of_bytes(data, name or document_id, document_id, limits, **more)
        return self._put(workspace_id, new, origin, actor, once)

    def retrieve(
        self,
        workspace_id: str,
        query: str,
        *,
        budget_tokens: int | None = None,
        reserved_tokens: int | None = None,
        session_id: str | None = None,
        with_memories: bool = False,
        document_ids: Iterable[str] | None = None,
        filters: MemoryFilter | None = None,
        candidates: Iterable[MemoryItem | Mapping[str, Any]] | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        layout: PromptLayout | None = None,
        record_access: bool = True,
        min_change_seq: int | None = None,
    ) -> RetrieveReply:
        """Choose passages for a question and write the prompt, never over the budget.

        Args:
            workspace_id: Of which workspace.
            query: What is asked; at most 64 KiB.
            budget_tokens: An exact total, >= 1, instead of the workspace's own ceiling.
            reserved_tokens: Tokens that the caller needs for itself, off the workspace's ceiling.
            session_id: The conversation that the prompt belongs to; see `MemoryService.recall`.
            with_memories: Whether the other tiers share the budget.
            document_ids: Only these documents.
            filters: Only what it lets through.
            candidates: What an index of your own returned, in place of the workspace's documents:
                items, or mappings with `text`, `id`, `score` and more; see `candidate_items`.
            query_embedding: Vector of the query, shape (d,); else the embedder makes it.
            layout: How the prompt is written, where a framework writes it.
            record_access: Whether what comes into the prompt counts as used.
            min_change_seq: The `change_seq` of a write that must be seen.

        Raises:
            InputError: If an argument is unusable.
            UnknownDocumentError: If one of *document_ids* is not known.
            PinnedOverBudgetError: If pinned memories do not fit.
            NotYetThereError: If *min_change_seq* is not reached within a second.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        items = () if candidates is None else candidate_items(candidates)
        named = None if document_ids is None else _named(document_ids)
        if named is not None and (with_memories or candidates is not None):
            raise InputError(
                "document_ids narrow what is retrieved to documents of the workspace; give them "
                "without with_memories and candidates."
            )
        reply = self.memory.recall(
            workspace_id,
            query,
            budget_tokens=budget_tokens,
            reserved_tokens=reserved_tokens,
            session_id=session_id,
            tiers=tiers_of(with_memories, candidates is None),
            filters=self._filter(workspace_id, filters, named),
            query_embedding=query_embedding,
            layout=layout,
            record_access=record_access,
            min_change_seq=min_change_seq,
            items=items,
        )
        sources = source_ids([one.item for one in reply.selected])
        with self._equipment.read(workspace_id) as reading:
            return cited(reply, documents.find(reading, sources))

    def remove(
        self,
        workspace_id: str,
        document_ids: str | Sequence[str],
        *,
        actor: str | None = None,
        once: Once | None = None,
    ) -> RemoveReply:
        """Remove documents: no recall sees them any more; their texts stay in the history.

        What must be nowhere is erased: `memory.erasures.erase(workspace_id, sources=...)`.

        Raises:
            UnknownDocumentError: If there is none of an id; nothing is removed then.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        act = remove(_named([document_ids] if isinstance(document_ids, str) else document_ids))
        return self._equipment.write(workspace_id, act, actor=actor, once=once)

    def _filter(
        self, workspace_id: str, filters: MemoryFilter | None, named: Sequence[str] | None
    ) -> MemoryFilter | None:
        if named is None:
            return filters
        with self._equipment.read(workspace_id) as reading:
            known_documents(reading, named)
        wanted = MemoryFilter() if filters is None else filters
        sources = frozenset(named) & (wanted.sources or frozenset(named))
        return dataclasses.replace(wanted, sources=sources)


def _named(document_ids: Iterable[str]) -> list[str]:
    named = list(dict.fromkeys(checked_document_id(one) for one in document_ids))
    if not named:
        raise InputError("document_ids is empty. Name the documents.")
    return named
