"""`KeptDocuments`: what is there to look at: documents, their pieces, how many there are."""

from __future__ import annotations

from mba_integrations.core.live import LiveHandle
from mba_integrations.services.memory.recalling.request import check_listed
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.rag.new_document import checked_document_id, document_of
from mba_integrations.services.rag.replacing import known_documents
from mba_integrations.services.store.rows.documents import DocumentPage, DocumentRow
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.statements import documents, finding, workspaces


class KeptDocuments(LiveHandle):
    """Documents that are there; see `RagService`."""

    def __init__(self, memory: MemoryService) -> None:
        self.memory = memory
        self._equipment = memory.equipment

    def count(self, workspace_id: str) -> int:
        """How many documents a workspace has.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return documents.count(reading)

    def list(
        self,
        workspace_id: str,
        *,
        origin: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> DocumentPage:
        """A page of documents, in the order of their ids.

        Args:
            workspace_id: Of which workspace.
            origin: Only those that a sync brought from there.
            after: `next_after` of the page before; None for the first page.
            limit: The most documents of a page, 1 to 500.

        Raises:
            InputError: If an argument is unusable.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        check_listed(limit)
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return documents.listed(reading, origin, after=after, limit=limit)

    def get(self, workspace_id: str, document_id: str) -> DocumentRow:
        """What is known of a document.

        Raises:
            UnknownDocumentError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        named = checked_document_id(document_id)
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return known_documents(reading, [named])[0]

    def pieces(self, workspace_id: str, document_id: str) -> tuple[MemoryRow, ...]:
        """The pieces of a document that can be recalled, in their order.

        Raises:
            UnknownDocumentError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        named = checked_document_id(document_id)
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            known_documents(reading, [named])
            own = finding.ids(reading, MemoryFilter(sources=frozenset({named})))
            found = finding.known(reading, [one for one in own if document_of(one) == named])
        return tuple(sorted(found, key=lambda row: row.position or 0.0))
