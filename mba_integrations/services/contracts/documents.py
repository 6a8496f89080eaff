"""Documents as they are sent in and as they come back, and what is retrieved of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.contracts.body import (
    Body,
    Flag,
    Id,
    Ids,
    Metadata,
    Moment,
    Number,
    Part,
    Query,
    Tags,
    Text,
    Tokens,
    Vector,
    View,
    Whole,
)
from mba_integrations.services.contracts.filters import FilterBody
from mba_integrations.services.contracts.recalls import Explained, RecallView
from mba_integrations.services.rag.new_document import (
    LONGEST_DOCUMENT_ID,
    MOST_PIECES,
    MOST_TEXT_BYTES,
)
from mba_integrations.services.rag.replacing import PutReply, RemoveReply
from mba_integrations.services.rag.retrieving import RetrieveReply
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.rag.syncing import MOST_REMOVED, SyncReply
from mba_integrations.services.store.rows.documents import DocumentPage, DocumentRow
from mba_integrations.services.store.rows.memories import MemoryRow

MOST_CANDIDATES = 1_000
MOST_SEEN = 100_000
"""Ids that one sync may name."""
_WholeText = Annotated[str, Field(strict=True, min_length=1, max_length=MOST_TEXT_BYTES)]
_Title = Annotated[str, Field(strict=True, min_length=1, max_length=2_000)]
_DocumentId = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_DOCUMENT_ID)]


class PieceBody(Body):
    """A piece of a document, as the caller cut it."""

    text: Text
    importance: Part = 0.5
    created_at: Moment | None = None
    group: Id | None = None
    embedding: Vector | None = None
    metadata: Metadata = Field(default_factory=dict)

    def to_item(self) -> MemoryItem:
        """The piece that the service keeps; its id is made of its text."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return MemoryItem("piece", given.pop("text"), MemoryTier.RAG, **given)


class DocumentBody(Body):
    """A document to keep: its text, or the pieces that it was cut into."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "# Leave\n\nBen approves leave.\n", "title": "Handbook"}]
        }
    )

    text: _WholeText | None = None
    pieces: Annotated[list[PieceBody], Field(min_length=1, max_length=MOST_PIECES)] | None = None
    name: Id | None = None
    title: _Title | None = None
    uri: _Title | None = None
    metadata: Metadata = Field(default_factory=dict)
    created_at: Moment | None = None
    valid_until: Moment | None = None
    tags: Tags = Field(default_factory=list)
    subject: Id | None = None
    file_size: Whole | None = None
    file_modified_at: Moment | None = None
    origin: Id | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of `put_document`, but the ids."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        pieces = self.pieces
        items = None if pieces is None else [piece.to_item() for piece in pieces]
        return {**given, "pieces": items}


class FileQuery(Body):
    """What a caller says of a file that is the body; by default it is named as the document is."""

    name: Id | None = None
    title: _Title | None = None
    uri: _Title | None = None
    created_at: Moment | None = None
    valid_until: Moment | None = None
    tags: Tags = Field(default_factory=list)
    subject: Id | None = None
    file_modified_at: Moment | None = None
    origin: Id | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of `put_bytes`, but the ids and the bytes."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {**given, "tags": tuple(self.tags)}


class SyncBody(Body):
    """Which documents an origin still has: those that it put before and has no more are removed."""

    origin: Id
    document_ids: Annotated[list[_DocumentId], Field(max_length=MOST_SEEN)]
    dry_run: Flag = False
    most_removed: Part = MOST_REMOVED


class RemoveDocumentsBody(Body):
    """Documents to remove."""

    document_ids: Ids


class CandidateBody(Body):
    """What an index of the caller's own returned."""

    text: Text
    id: Id | None = None
    score: Number | None = None
    source: Id | None = None
    position: Number | None = None
    retriever: Id | None = None
    importance: Part | None = None
    created_at: Moment | None = None
    embedding: Vector | None = None
    metadata: Metadata = Field(default_factory=dict)

    def to_candidate(self) -> dict[str, Any]:
        """The mapping that `retrieve` takes."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in given.items() if value is not None}


class RetrieveBody(Body):
    """A question to be answered with passages of documents, within a budget."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "Who approves leave?", "budget_tokens": 800}]}
    )

    query: Query
    budget_tokens: Tokens | None = None
    reserved_tokens: Whole | None = None
    session_id: Id | None = None
    with_memories: Flag = False
    document_ids: Annotated[list[_DocumentId], Field(min_length=1, max_length=1_000)] | None = None
    filters: FilterBody | None = None
    candidates: Annotated[list[CandidateBody], Field(max_length=MOST_CANDIDATES)] | None = None
    query_embedding: Vector | None = None
    record_access: Flag = True
    min_change_seq: Whole | None = None
    format: Literal["text", "messages", "blocks"] = "text"
    explain: Explained | None = None

    def retrieved(self, service: RagService, workspace_id: str) -> RetrieveReply:
        """What the question gets."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        del given["format"], given["explain"]
        found = self.candidates
        candidates = None if found is None else [one.to_candidate() for one in found]
        filters = None if self.filters is None else self.filters.to_filter()
        return service.retrieve(
            workspace_id, **{**given, "candidates": candidates, "filters": filters}
        )


class DocumentView(View):
    """A document as it is stored."""

    document_id: str
    origin: str | None
    title: str | None
    uri: str | None
    metadata: Metadata
    created_at: datetime | None
    valid_until: datetime | None
    content_hash: str
    piece_count: int
    file_size: int | None
    file_modified_at: datetime | None
    version: int
    stored_at: datetime | None
    replaced_at: datetime | None

    @classmethod
    def of(cls, row: DocumentRow) -> DocumentView:
        """The view of a row."""
        return cls.model_construct(**{name: getattr(row, name) for name in cls.model_fields})


class PutDocumentView(View):
    """What became of a document."""

    document: DocumentView
    created: bool
    unchanged: bool
    added: int
    kept: int
    removed: int
    change_seq: int

    @classmethod
    def of(cls, reply: PutReply) -> PutDocumentView:
        """The view of a reply."""
        given = {name: getattr(reply, name) for name in cls.model_fields}
        return cls(**{**given, "document": DocumentView.of(reply.document)})


class DocumentPageView(View):
    """Some documents of a list."""

    documents: list[DocumentView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: DocumentPage, next_cursor: str | None) -> DocumentPageView:
        """The view of a page."""
        listed = [DocumentView.of(row) for row in page.documents]
        return cls(documents=listed, next_cursor=next_cursor)


class PieceView(View):
    """A piece of a document."""

    memory_id: str
    content: str
    metadata: Metadata


class PiecesView(View):
    """The pieces of a document, in their order."""

    pieces: list[PieceView]

    @classmethod
    def of(cls, rows: tuple[MemoryRow, ...]) -> PiecesView:
        """The view of rows."""
        names = PieceView.model_fields
        pieces = [{name: getattr(row, name) for name in names} for row in rows]
        return cls(pieces=[PieceView.model_construct(**one) for one in pieces])


class RemoveDocumentsView(View):
    """What was removed."""

    document_ids: list[str]
    pieces: int
    change_seq: int

    @classmethod
    def of(cls, reply: RemoveReply) -> RemoveDocumentsView:
        """The view of a reply."""
        return cls(
            document_ids=list(reply.document_ids), pieces=reply.pieces, change_seq=reply.change_seq
        )


class SyncView(View):
    """What a sync removed, or would remove."""

    origin: str
    unchanged: int
    removed: list[str]
    removed_pieces: int
    dry_run: bool
    change_seq: int

    @classmethod
    def of(cls, reply: SyncReply) -> SyncView:
        """The view of a reply."""
        given = {name: getattr(reply, name) for name in cls.model_fields}
        return cls(**{**given, "removed": list(reply.removed)})


class CitationView(View):
    """Where a passage of the prompt stands."""

    memory_id: str
    text: str
    document_id: str | None
    title: str | None
    uri: str | None
    place: dict[str, Any]


class RetrieveView(RecallView):
    """The passages for a question, within the budget, and where they stand."""

    citations: list[CitationView]
