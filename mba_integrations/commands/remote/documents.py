"""Documents of a server, under the names of `RagService`.

Files are read here, where the command runs, and sent as the pieces they were cut into; a server
opens no path that a caller names. What is there already is known by what the server lists.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.remote.reading import read, read_all
from mba_integrations.commands.remote.recalled import ToldRecall
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.client.errors import ServerError
from mba_integrations.services.rag.files import (
    FolderDocuments,
    FolderProgress,
    new_document,
)
from mba_integrations.services.rag.folders import sync_files
from mba_integrations.services.rag.new_document import (
    LONGEST_DOCUMENT_ID,
    CutDocument,
    cut_document,
)
from mba_integrations.services.rag.replacing import PutReply, RemoveReply
from mba_integrations.services.rag.retrieving import Citation
from mba_integrations.services.rag.syncing import (
    MOST_REMOVED,
    RefusedDocument,
    Stamps,
    SyncReply,
    SyncRequest,
)
from mba_integrations.services.store.rows.documents import DocumentPage, DocumentRow, DocumentStamp
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.store import utc_now

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient

_EXPLAINED = 20
_AT_ONCE = 500
_TOO_LARGE = 413
_OF_PIECE = ("importance", "created_at", "group", "embedding", "metadata")


class ToldRetrieve(ToldRecall):
    """A reply with passages and where they stand."""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Of each passage in the prompt, in its order."""
        return read_all(Citation, self._told["citations"])


class RemoteDocuments:
    """Documents of a server."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def put_file(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        *,
        document_id: str | None = None,
        **more: Any,
    ) -> PutReply:
        """Keep the document that a file has.

        Raises:
            InputError: If it cannot be read or kept, with the reason.
        """
        cut = cut_document(new_document(path, document_id, None, **more), now=utc_now())
        try:
            return put(self._client, workspace_id, cut)
        except ServerError as error:
            if error.status != _TOO_LARGE:
                raise
            raise InputError(f"document {cut.row.document_id!r}: {error}") from error

    def sync_folder(
        self,
        workspace_id: str,
        folder: str | os.PathLike[str],
        *,
        prefix: str | None = None,
        origin: str | None = None,
        dry_run: bool = False,
        most_removed: float = MOST_REMOVED,
        progress: FolderProgress | None = None,
    ) -> SyncReply:
        """Bring a workspace to the files that a folder has now."""
        found = FolderDocuments.find(folder, prefix=prefix, origin=origin)
        request = SyncRequest(
            origin=found.origin,
            dry_run=dry_run,
            most_removed=most_removed,
            progress=found.counted(progress),
        )
        target = ServedWorkspace(self._client, workspace_id)
        return sync_files(target, found, request, now=utc_now())

    def list(
        self,
        workspace_id: str,
        *,
        origin: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> DocumentPage:
        """A page of documents, in the order of their ids."""
        return listed(self._client, workspace_id, origin=origin, after=after, limit=limit)

    def get(self, workspace_id: str, document_id: str) -> DocumentRow:
        """What is known of a document."""
        return read(DocumentRow, self._client.get_document(workspace_id, document_id))

    def pieces(self, workspace_id: str, document_id: str) -> tuple[MemoryRow, ...]:
        """The pieces of a document, in their order; their ids, texts and places are told."""
        told = self._client.pieces(workspace_id, document_id)["pieces"]
        return read_all(MemoryRow, ({**one, "tier": MemoryTier.RAG} for one in told))

    def remove(self, workspace_id: str, document_ids: Sequence[str]) -> RemoveReply:
        """Remove documents."""
        return read(RemoveReply, self._client.remove_documents(workspace_id, document_ids))

    def retrieve(
        self,
        workspace_id: str,
        query: str,
        *,
        budget_tokens: int | None = None,
        session_id: str | None = None,
        with_memories: bool = False,
        document_ids: Sequence[str] | None = None,
    ) -> ToldRetrieve:
        """Passages for a question, within the budget."""
        told = self._client.retrieve(
            workspace_id,
            query,
            budget_tokens=budget_tokens,
            session_id=session_id,
            with_memories=with_memories,
            document_ids=document_ids,
            format="messages",
            explain=_EXPLAINED,
        )
        return ToldRetrieve(cast(Mapping[str, Any], told))


@dataclass
class ServedWorkspace:
    """A `SyncTarget` behind a server."""

    client: MbaClient
    workspace_id: str

    def stamps(self, origin: str) -> Stamps:
        """What an origin brought before, by id."""
        rows = every(self.client, self.workspace_id, origin)
        return {row.document_id: _stamp(row) for row in rows}

    def hashes(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        """Hashes of the contents of documents, by id."""
        return {one: self._hashes[one] for one in document_ids if one in self._hashes}

    @cached_property
    def _hashes(self) -> Mapping[str, str]:
        rows = every(self.client, self.workspace_id, None)
        return {row.document_id: row.content_hash for row in rows}

    def put(
        self, new: Sequence[CutDocument], request: SyncRequest
    ) -> Iterator[PutReply | RefusedDocument]:
        """Put documents, one after the other."""
        for one in new:
            try:
                yield put(self.client, self.workspace_id, one, origin=request.origin)
            except ServerError as error:
                if error.status != _TOO_LARGE:
                    raise
                yield RefusedDocument(document_id=one.row.document_id, reason=str(error))

    def remove(
        self, vanished: Sequence[str], seen: Collection[str], request: SyncRequest
    ) -> RemoveReply:
        """Remove what the origin has no more."""
        kept = [one for one in seen if len(one) <= LONGEST_DOCUMENT_ID]
        told = self.client.sync_documents(
            self.workspace_id, request.origin, kept, most_removed=request.most_removed
        )
        return RemoveReply(
            document_ids=tuple(told["removed"]),
            pieces=told["removed_pieces"],
            change_seq=told["change_seq"],
        )

    def change_seq(self) -> int:
        """Where the workspace's sequence of changes stands."""
        return self.client.workspace(self.workspace_id)["change_seq"]


def put(
    client: MbaClient, workspace_id: str, cut: CutDocument, *, origin: str | None = None
) -> PutReply:
    """Put a document that was cut in this process."""
    new = cut.given
    if new is None:
        raise ValueError("what another process cut is for a store")
    body = {one.name: plain(getattr(new, one.name)) for one in fields(new)}
    document_id = body.pop("document_id")
    body["pieces"] = None if new.pieces is None else [_piece(one) for one in new.pieces]
    return read(PutReply, client.put_document(workspace_id, document_id, **body, origin=origin))


def listed(
    client: MbaClient, workspace_id: str, *, origin: str | None, after: str | None, limit: int
) -> DocumentPage:
    """A page of documents, in the order of their ids."""
    told = client.list_documents(workspace_id, origin=origin, after=after, limit=limit)
    rows = read_all(DocumentRow, told["documents"])
    more = told["next_cursor"] is not None
    return DocumentPage(documents=rows, next_after=rows[-1].document_id if more else None)


def every(client: MbaClient, workspace_id: str, origin: str | None) -> Iterator[DocumentRow]:
    """All documents, page by page."""
    after: str | None = None
    while True:
        page = listed(client, workspace_id, origin=origin, after=after, limit=_AT_ONCE)
        yield from page.documents
        after = page.next_after
        if after is None:
            return


def _piece(piece: str | MemoryItem) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"text": piece}
    named = {name: plain(getattr(piece, name)) for name in _OF_PIECE}
    return {"text": piece.content, **{name: one for name, one in named.items() if one is not None}}


def _stamp(row: DocumentRow) -> DocumentStamp:
    return DocumentStamp(**{one.name: getattr(row, one.name) for one in fields(DocumentStamp)})
