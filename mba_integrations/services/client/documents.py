"""Documents of a server: put, read, list, remove, sync, retrieve; of both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, cast

from mba_integrations.services.client import endpoints
from mba_integrations.services.client.endpoints import Named, ids_of, of
from mba_integrations.services.client.replies import (
    DocumentInfo,
    DocumentList,
    PutDocument,
    Retrieved,
)
from mba_integrations.services.client.requests import Request, got


class DocumentCalls(ABC):
    """What `MbaClient` asks about documents."""

    @abstractmethod
    def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    def put_document(self, workspace_id: str, document_id: str, **more: Any) -> PutDocument:
        """Keep a document, in place of the one of that id; the same again changes nothing.

        Args:
            workspace_id: Where.
            document_id: Its id.
            more: `text`, or `pieces` as mappings with `text`; `name`, `title`, `uri`, `metadata`,
                `created_at`, `valid_until`, `tags`, `subject`, `origin`, `file_size`,
                `file_modified_at`.
        """
        request = endpoints.put_document(workspace_id, document_id, more)
        return cast(PutDocument, self.send(request))

    def put_file(
        self, workspace_id: str, document_id: str, content: bytes, **more: Any
    ) -> PutDocument:
        """Keep the document that the bytes of a file make, which the server reads.

        Args:
            workspace_id: Where.
            document_id: Its id.
            content: The file, of any format that a folder's files may have.
            more: `name`, whose suffix says the format, by default that of the id; `title`, `uri`,
                `created_at`, `valid_until`, `tags`, `subject`, `origin`, `file_modified_at`.
        """
        request = endpoints.put_file(workspace_id, document_id, content, more)
        return cast(PutDocument, self.send(request))

    def get_document(self, workspace_id: str, document_id: str) -> DocumentInfo:
        """What is known of one document."""
        request = got(endpoints.document(workspace_id, document_id))
        return cast(DocumentInfo, self.send(request))

    def list_documents(self, workspace_id: str, **more: Any) -> DocumentList:
        """A page of documents by their ids: `origin`, `limit`, `after`, `cursor`."""
        return cast(DocumentList, self.send(got(of(workspace_id, "documents"), **more)))

    def pieces(self, workspace_id: str, document_id: str) -> dict[str, Any]:
        """The pieces of one document, in their order."""
        request = got(endpoints.document(workspace_id, document_id, "pieces"))
        return cast(dict[str, Any], self.send(request))

    def remove_documents(self, workspace_id: str, document_ids: Named) -> dict[str, Any]:
        """Remove documents: no recall sees them any more."""
        body = {"document_ids": ids_of(document_ids)}
        request = endpoints.act(workspace_id, "documents/remove", body)
        return cast(dict[str, Any], self.send(request))

    def sync_documents(
        self, workspace_id: str, origin: str, document_ids: Sequence[str], **more: Any
    ) -> dict[str, Any]:
        """Remove what an origin put before and has no more: `dry_run`, `most_removed`."""
        body = {"origin": origin, "document_ids": list(document_ids), **more}
        request = endpoints.act(workspace_id, "documents/sync", body)
        return cast(dict[str, Any], self.send(request))

    def retrieve(self, workspace_id: str, query: str, **more: Any) -> Retrieved:
        """Passages for a question, within the budget, with citations.

        Args:
            workspace_id: Of which workspace.
            query: What is asked.
            more: `budget_tokens`, `reserved_tokens`, `session_id`, `with_memories`,
                `document_ids`, `filters`, `candidates`, `query_embedding`, `record_access`,
                `min_change_seq`, `format`, `explain`.
        """
        request = endpoints.ask(workspace_id, "retrieve", query, more)
        return cast(Retrieved, self.send(request))


class AsyncDocumentCalls(ABC):
    """What `AsyncMbaClient` asks about documents."""

    @abstractmethod
    async def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    async def put_document(self, workspace_id: str, document_id: str, **more: Any) -> PutDocument:
        """Keep a document, in place of the one of that id; the same again changes nothing.

        Args:
            workspace_id: Where.
            document_id: Its id.
            more: `text`, or `pieces` as mappings with `text`; `name`, `title`, `uri`, `metadata`,
                `created_at`, `valid_until`, `tags`, `subject`, `origin`, `file_size`,
                `file_modified_at`.
        """
        request = endpoints.put_document(workspace_id, document_id, more)
        return cast(PutDocument, await self.send(request))

    async def put_file(
        self, workspace_id: str, document_id: str, content: bytes, **more: Any
    ) -> PutDocument:
        """Keep the document that the bytes of a file make, which the server reads.

        Args:
            workspace_id: Where.
            document_id: Its id.
            content: The file, of any format that a folder's files may have.
            more: `name`, whose suffix says the format, by default that of the id; `title`, `uri`,
                `created_at`, `valid_until`, `tags`, `subject`, `origin`, `file_modified_at`.
        """
        request = endpoints.put_file(workspace_id, document_id, content, more)
        return cast(PutDocument, await self.send(request))

    async def get_document(self, workspace_id: str, document_id: str) -> DocumentInfo:
        """What is known of one document."""
        request = got(endpoints.document(workspace_id, document_id))
        return cast(DocumentInfo, await self.send(request))

    async def list_documents(self, workspace_id: str, **more: Any) -> DocumentList:
        """A page of documents by their ids: `origin`, `limit`, `after`, `cursor`."""
        return cast(DocumentList, await self.send(got(of(workspace_id, "documents"), **more)))

    async def pieces(self, workspace_id: str, document_id: str) -> dict[str, Any]:
        """The pieces of one document, in their order."""
        request = got(endpoints.document(workspace_id, document_id, "pieces"))
        return cast(dict[str, Any], await self.send(request))

    async def remove_documents(self, workspace_id: str, document_ids: Named) -> dict[str, Any]:
        """Remove documents: no recall sees them any more."""
        body = {"document_ids": ids_of(document_ids)}
        request = endpoints.act(workspace_id, "documents/remove", body)
        return cast(dict[str, Any], await self.send(request))

    async def sync_documents(
        self, workspace_id: str, origin: str, document_ids: Sequence[str], **more: Any
    ) -> dict[str, Any]:
        """Remove what an origin put before and has no more: `dry_run`, `most_removed`."""
        body = {"origin": origin, "document_ids": list(document_ids), **more}
        request = endpoints.act(workspace_id, "documents/sync", body)
        return cast(dict[str, Any], await self.send(request))

    async def retrieve(self, workspace_id: str, query: str, **more: Any) -> Retrieved:
        """Passages for a question, within the budget, with citations.

        Args:
            workspace_id: Of which workspace.
            query: What is asked.
            more: `budget_tokens`, `reserved_tokens`, `session_id`, `with_memories`,
                `document_ids`, `filters`, `candidates`, `query_embedding`, `record_access`,
                `min_change_seq`, `format`, `explain`.
        """
        request = endpoints.ask(workspace_id, "retrieve", query, more)
        return cast(Retrieved, await self.send(request))
