"""Workspaces of the store as targets of a sync: batch by batch, or all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.rag.new_document import CutDocument
from mba_integrations.services.rag.replacing import PutReply, RemoveReply, put, remove
from mba_integrations.services.rag.syncing import SyncReply, SyncRequest
from mba_integrations.services.store.rows.documents import DocumentStamp
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import documents, workspaces


@dataclass(frozen=True, slots=True)
class StoredWorkspace:
    """A `SyncTarget` whose writes are transactions of the store."""

    equipment: Equipment
    workspace_id: str

    def stamps(self, origin: str) -> Mapping[str, DocumentStamp]:
        """What an origin brought before, by id.

        Raises:
            UnknownWorkspaceError: If there is no such workspace.
        """
        with self.equipment.read(self.workspace_id) as reading:
            workspaces.get(reading)
            return documents.stamps(reading, origin)

    def hashes(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        """Hashes of the contents of documents, by id."""
        with self.equipment.read(self.workspace_id) as reading:
            known = documents.find(reading, document_ids)
        return {name: row.content_hash for name, row in known.items()}

    def put(self, new: Sequence[CutDocument], request: SyncRequest) -> Sequence[PutReply]:
        """Put documents in one transaction."""
        act = put(new, origin=request.origin, models=self.equipment.models)
        return self.equipment.write(self.workspace_id, act, actor=request.actor)

    def remove(
        self, vanished: Sequence[str], seen: Collection[str], request: SyncRequest
    ) -> RemoveReply:
        """Remove documents in one transaction."""
        return self.equipment.write(self.workspace_id, remove(vanished), actor=request.actor)

    def change_seq(self) -> int:
        """Where the workspace's sequence of changes stands."""
        with self.equipment.read(self.workspace_id) as reading:
            return workspaces.change_seq(reading)


@dataclass(frozen=True, slots=True)
class _OpenTransaction:
    """A `SyncTarget` that is a transaction: all of the sync, or nothing of it."""

    writing: Writing
    models: EmbeddingModels

    def stamps(self, origin: str) -> Mapping[str, DocumentStamp]:
        return documents.stamps(self.writing, origin)

    def hashes(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        known = documents.find(self.writing, document_ids)
        return {name: row.content_hash for name, row in known.items()}

    def put(self, new: Sequence[CutDocument], request: SyncRequest) -> Sequence[PutReply]:
        return put(new, origin=request.origin, models=self.models)(self.writing)

    def remove(
        self, vanished: Sequence[str], seen: Collection[str], request: SyncRequest
    ) -> RemoveReply:
        return remove(vanished)(self.writing)

    def change_seq(self) -> int:
        return workspaces.change_seq(self.writing)


def in_one(
    brought: Callable[[_OpenTransaction], SyncReply], models: EmbeddingModels
) -> Callable[[Writing], SyncReply]:
    """A sync as the act of one transaction."""
    return lambda writing: brought(_OpenTransaction(writing, models))
