"""Documents: put, list, get, remove, sync; and passages of them for a question."""

from __future__ import annotations

import functools
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from mba_integrations.services.api.asking import PROBLEMS, Call, Forget, OwnRouter, Read, Write
from mba_integrations.services.api.files import FILE_BODY, receive_into, received_file
from mba_integrations.services.api.routes.recalls import say_tokens
from mba_integrations.services.api.work import RUNNING, in_thread
from mba_integrations.services.contracts.documents import (
    DocumentBody,
    DocumentPageView,
    DocumentView,
    FileQuery,
    PiecesView,
    PutDocumentView,
    RemoveDocumentsBody,
    RemoveDocumentsView,
    RetrieveBody,
    RetrieveView,
    SyncBody,
    SyncView,
)
from mba_integrations.services.rag.new_document import LONGEST_DOCUMENT_ID
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.rag.syncing import SameDocument
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["documents"], responses=PROBLEMS)
DocumentId = Annotated[str, Path(min_length=1, max_length=LONGEST_DOCUMENT_ID)]
Origin = Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[str | None, Query(min_length=1, max_length=LONGEST_DOCUMENT_ID)]
Cursor = Annotated[str | None, Query(max_length=2_000)]


def _rag(call: Call) -> RagService:
    return RagService(call.service)


@router.get("/documents")
@in_thread("store")
def list_documents(
    call: Read,
    origin: Origin = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    after: After = None,
) -> DocumentPageView:
    """A page of documents, in the order of their ids: behind an id, or where a cursor goes on."""
    of = ("documents", call.workspace_id, origin)
    cursors = call.ground.cursors
    after = after if cursor is None else cursors.place(cursor, *of)
    page = _rag(call).list(call.workspace_id, origin=origin, after=after, limit=limit)
    following = None if page.next_after is None else cursors.make(page.next_after, *of)
    return DocumentPageView.of(page, following)


@router.post("/documents/sync")
@in_thread("store")
def sync_documents(call: Forget, body: SyncBody) -> SyncView:
    """Remove what an origin put before and has no more; refused where that is too much at once."""
    reply = _rag(call).sync(
        call.workspace_id,
        body.origin,
        [SameDocument(document_id=one) for one in dict.fromkeys(body.document_ids)],
        dry_run=body.dry_run,
        most_removed=body.most_removed,
        actor=call.principal.actor,
        once=call.once(SyncView.of),
    )
    return SyncView.of(reply)


@router.post("/documents/remove")
@in_thread("store")
def remove_documents(call: Forget, body: RemoveDocumentsBody) -> RemoveDocumentsView:
    """Remove documents: no recall sees them any more. What must be nowhere is erased."""
    return _removed(call, body.document_ids)


@router.get("/documents/{document_id:rest}")
@in_thread("store")
def get_document(call: Read, document_id: DocumentId) -> DocumentView:
    """What is known of one document."""
    return DocumentView.of(_rag(call).get(call.workspace_id, document_id))


@router.put("/documents/{document_id:rest}")
@in_thread("store")
def put_document(call: Write, document_id: DocumentId, body: DocumentBody) -> PutDocumentView:
    """Keep a document, in place of the one of that id; the same again changes nothing."""
    reply = _rag(call).put_document(
        call.workspace_id,
        document_id,
        **body.arguments(),
        actor=call.principal.actor,
        once=call.once(PutDocumentView.of),
    )
    return PutDocumentView.of(reply)


@router.delete("/documents/{document_id:rest}")
@in_thread("store")
def remove_document(call: Forget, document_id: DocumentId) -> RemoveDocumentsView:
    """Remove one document."""
    return _removed(call, [document_id])


def _removed(call: Call, document_ids: list[str]) -> RemoveDocumentsView:
    reply = _rag(call).remove(
        call.workspace_id,
        document_ids,
        actor=call.principal.actor,
        once=call.once(RemoveDocumentsView.of),
    )
    return RemoveDocumentsView.of(reply)


@router.put("/files/{document_id:rest}", openapi_extra=FILE_BODY)
async def put_file(
    call: Write, document_id: DocumentId, about: Annotated[FileQuery, Query()], request: Request
) -> PutDocumentView:
    """Keep the document that the body makes, a file of any format that is read.

    The suffix of `name`, else of the document's id, says the format. A file that cannot be read is
    refused with the reason, and what was there stays.
    """
    with received_file() as path:
        await receive_into(path, request)
        keep = functools.partial(_kept_file, call, document_id, path, about.arguments())
        return await RUNNING.get().run("read", keep, timed=True)


def _kept_file(
    call: Call, document_id: str, path: FilePath, about: dict[str, Any]
) -> PutDocumentView:
    data = path.read_bytes()
    reply = _rag(call).put_bytes(
        call.workspace_id,
        document_id,
        data,
        **about,
        actor=call.principal.actor,
        once=call.once(PutDocumentView.of, body=data),
    )
    return PutDocumentView.of(reply)


@router.get("/pieces/{document_id:rest}")
@in_thread("store")
def list_pieces(call: Read, document_id: DocumentId) -> PiecesView:
    """The pieces of one document, in their order."""
    return PiecesView.of(_rag(call).pieces(call.workspace_id, document_id))


@router.post("/retrieve")
@in_thread("long")
def retrieve(call: Read, body: RetrieveBody, response: Response) -> RetrieveView:
    """Choose passages for a question and write the prompt, never over the budget."""
    reply = body.retrieved(_rag(call), call.workspace_id)
    say_tokens(response, reply.used_tokens, reply.budget_tokens, reply.allocation_id)
    return RetrieveView.of(reply, body.format, body.explain)
