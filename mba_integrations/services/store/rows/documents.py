"""A document as it is stored; its text is in memories, one for each of its pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document. Its pieces are memories whose source is its id.

    Attributes:
        document_id: Unique in its workspace.
        origin: The folder or system that a sync brought it from; None where it was put alone.
        title: What people call it.
        uri: Where it can be opened.
        metadata: Anything else that JSON can hold.
        created_at: When it was written; None where unknown.
        valid_until: From this moment on its pieces are not recalled.
        content_hash: SHA-256 of all that makes the document what it is, in hexadecimal.
        piece_count: How many pieces it has.
        file_size: Bytes of the file that it was read from; None where it was none.
        file_modified_at: When that file was last changed.

    Attributes that the store sets:
        version: From 1; each content that differs from the one before has the next.
        stored_at: When its first version was put.
        replaced_at: When this version was put.
    """

    document_id: str
    origin: str | None = None
    title: str | None = None
    uri: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    valid_until: datetime | None = None
    content_hash: str = ""
    piece_count: int = 0
    file_size: int | None = None
    file_modified_at: datetime | None = None
    version: int = 1
    stored_at: datetime | None = None
    replaced_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStamp:
    """What tells whether a document has to be read again.

    Attributes:
        document_id: Which one.
        content_hash: Of what is stored.
        file_size: Bytes of the file that it was read from.
        file_modified_at: When that file was last changed.
    """

    document_id: str
    content_hash: str
    file_size: int | None
    file_modified_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Some of a workspace's documents, by their ids.

    Attributes:
        documents: They, in the order of their ids.
        next_after: What to ask for the page that follows with; None where there is none.
    """

    documents: tuple[DocumentRow, ...]
    next_after: str | None
