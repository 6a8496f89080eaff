"""`NewDocument`: a document to be put, and the memories that its pieces become.

The id of a piece is that of its document and the hash of its text:

    handbook#9ba255aa7c12, handbook#9ba255aa7c12~2 for the second piece of that text

So a piece that a new version has too stays the memory that it was, with its vector, its uses and
its place in prompts; a new version costs what is new in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from mba_integrations.core.arguments import checked_iterable, checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier, items_of_columns
from mba_integrations.ingest.documents.citing import cited
from mba_integrations.ingest.documents.model import Chunk, Document, Refusal
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.services.memory.new_memory import (
    NewMemory,
    check_metadata,
    check_past,
    check_text,
    check_time,
    check_written_metadata,
    checked_memory,
    row_of,
)
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.scopes import LONGEST_ID, checked_id, checked_storable
from mba_integrations.services.store.statements.records import ReadyRows, hash_of, ready_rows

MOST_PIECES = 50_000
MOST_TEXT_BYTES = 16 * 1024 * 1024
"""Of a whole document; a piece has the limit of a memory."""
_HASH_LETTERS = 12
_HEADINGS = re.compile(r"(?:#{1,6} [^\n]*\n*)+")
_OWN = frozenset({"id", "tier", "source", "position", "created_at", "metadata"})
_KEPT = tuple(one.name for one in fields(MemoryItem) if one.name not in _OWN)
"""What a piece keeps of the item that was given; the rest the document decides."""
LONGEST_DOCUMENT_ID = LONGEST_ID - 32
"""What leaves room for the rest of a piece's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to be put: its text, or the pieces that it was cut into.

    Args:
        document_id: Unique in its workspace, at most 480 characters.
        text: The whole text, which is cut here; None where there are pieces.
        pieces: Texts or items, in their order; None where there is a text.
        name: A file's name, whose suffix says how the text is cut; by default that of the uri or
            of the id. What has no suffix is cut as Markdown.
        title: What people call it.
        uri: Where it can be opened.
        metadata: Anything else that JSON can hold; each piece has it as well.
        created_at: When it was written; from then on its freshness falls. By default when its
            file was changed, or the document first put.
        valid_until: From this moment on its pieces are not recalled.
        tags: Words to filter its pieces by.
        subject: The person whom it is about, for erasure.
        file_size: Bytes of the file that it was read from.
        file_modified_at: When that file was last changed.
    """

    document_id: str
    text: str | None = None
    pieces: Sequence[str | MemoryItem] | None = None
    name: str | None = None
    title: str | None = None
    uri: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    valid_until: datetime | None = None
    tags: tuple[str, ...] = ()
    subject: str | None = None
    file_size: int | None = None
    file_modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutDocument:
    """A document as it is stored.

    Attributes:
        row: What is known of it.
        pieces: Its pieces, ready to be added.
        embedded: Those of them that bring a vector, by their ids.
        given: What it was made of; None where another process cut it, which keeps that.
    """

    row: DocumentRow
    pieces: ReadyRows
    embedded: Mapping[str, NewMemory]
    given: NewDocument | None

    @property
    def document_id(self) -> str:
        """Its id."""
        return self.row.document_id


def cut_document(new: NewDocument, *, now: datetime) -> CutDocument:
    """The document with its pieces, if the store can keep it.

    Raises:
        InputError: Naming the document, and what is wrong.
    """
    document_id = checked_document_id(new.document_id)
    label = f"document {document_id!r}"
    for name in ("title", "uri"):
        if getattr(new, name) is not None:
            checked_storable(f"{label}: {name}", checked_text(name, getattr(new, name)))
    check_metadata(label, new.metadata)
    for name in ("created_at", "valid_until", "file_modified_at"):
        check_time(f"{label}: {name}", getattr(new, name))
    new, items = _with_pieces(label, new)
    pieces = _pieces(new, items, now)
    # What the document gives to all of them is checked on the first.
    checked_memory(_memory(new, pieces[0]), now=now)
    for piece in pieces:
        _check_piece(piece, now)
    row = DocumentRow(
        document_id=document_id,
        title=new.title,
        uri=new.uri,
        metadata=dict(new.metadata),
        created_at=new.created_at,
        valid_until=new.valid_until,
        content_hash=_content_hash(new, items),
        piece_count=len(pieces),
        file_size=new.file_size,
        file_modified_at=new.file_modified_at,
    )
    ready = ready_rows([row_of(_memory(new, piece)) for piece in pieces])
    for piece, written in zip(pieces, ready.columns["metadata"], strict=True):
        check_written_metadata(f"memory {piece.id!r}", piece.metadata, written)
    embedded = {one.id: _memory(new, one) for one in pieces if one.embedding is not None}
    return CutDocument(row=row, pieces=ready, embedded=embedded, given=new)


def checked_document_id(document_id: object) -> str:
    """An id of a document.

    Raises:
        InputError: If it is no text, empty or too long.
    """
    named = checked_id("document_id", document_id)
    if len(named) > LONGEST_DOCUMENT_ID:
        raise InputError(
            f"document_id has {len(named):,} characters, at most {LONGEST_DOCUMENT_ID} are kept."
        )
    return named


def document_of(memory_id: str) -> str:
    """The document whose piece has that id; an id of another kind gives what is no document's.

    >>> document_of("notes#1#9ba255aa7c12~2")
    'notes#1'
    """
    return memory_id.rpartition("#")[0]


def _with_pieces(label: str, new: NewDocument) -> tuple[NewDocument, list[MemoryItem]]:
    """The document, with the title that its text gives it if it brings none, and its pieces."""
    if (new.text is None) is (new.pieces is None):
        given = "neither" if new.text is None else "both"
        raise InputError(f"{label}: give a text or pieces, got {given}.")
    if new.pieces is None:
        read = _read(label, new)
        new = replace(new, title=new.title or read.title)
        items = piece_items(read)
    else:
        items = _of_pieces(label, new.pieces)
    if not items:
        raise InputError(f"{label}: has no text. Leave it out, or remove the one that is there.")
    if len(items) > MOST_PIECES:
        raise InputError(
            f"{label}: has {len(items):,} pieces, at most {MOST_PIECES:,} are kept. "
            "Put its parts as documents of their own."
        )
    return new, items


def _read(label: str, new: NewDocument) -> Document:
    text = checked_storable(f"{label}: text", checked_text(f"{label}: text", new.text))
    name = new.name or new.uri or new.document_id
    if not PurePath(name).suffix:
        name = f"{name}.md"
    with DocumentReader(max_text_bytes=MOST_TEXT_BYTES) as reader:
        found = reader.parse(text.encode(), name)
    if isinstance(found, Refusal):
        raise InputError(f"{label}: {found.message}{f' ({found.detail})' if found.detail else ''}.")
    return found


def piece_items(document: Document) -> list[MemoryItem]:
    """The pieces of a document that was read, with their places as metadata.

    A heading with nothing below it answers no question, so it begins the piece that follows.
    """
    texts: list[str] = []
    places: list[dict[str, Any]] = []
    above: list[Chunk] = []
    for chunk in document.chunks:
        if _HEADINGS.fullmatch(chunk.text) and chunk is not document.chunks[-1]:
            above.append(chunk)
            continue
        texts.append("\n\n".join([*(one.text for one in above), chunk.text]))
        places.append(_place(above[0] if above else chunk, chunk))
        above = []
    count = len(texts)
    columns: dict[str, Iterable[Any]] = {
        "id": ["piece"] * count,
        "content": texts,
        "tier": [MemoryTier.RAG] * count,
        "metadata": places,
    }
    return items_of_columns(count, columns)


def _place(first: Chunk, last: Chunk) -> dict[str, Any]:
    """Where a piece of chunks stands that follow each other, all but the last of them headings."""
    place = dict(last.place)
    begins, ends = first.place.get("lines"), last.place.get("lines")
    if begins and ends:
        place["lines"] = [begins[0], ends[1]]
    return place


def _of_pieces(label: str, pieces: Sequence[str | MemoryItem]) -> list[MemoryItem]:
    checked_iterable(f"{label}: pieces", pieces, "a list of texts or items")
    items = []
    for place, piece in enumerate(pieces):
        if not isinstance(piece, str | MemoryItem):
            raise InputError(
                f"{label}: piece {place} must be a text or a MemoryItem, got {shown(piece)}."
            )
        if isinstance(piece, str):
            if not piece.strip():
                raise InputError(f"{label}: piece {place} is empty. Leave it out.")
            piece = MemoryItem("piece", piece, MemoryTier.RAG)
        items.append(piece)
    return items


def _piece_ids(new: NewDocument, items: Sequence[MemoryItem]) -> list[str]:
    """Ids by the hashes of the texts."""
    seen: Counter[str] = Counter()
    ids = []
    for item in items:
        mark = hash_of(item.content)[:_HASH_LETTERS]
        seen[mark] += 1
        again = f"~{seen[mark]}" if seen[mark] > 1 else ""
        ids.append(f"{new.document_id}#{mark}{again}")
    return ids


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    """A file's time, which may lie in the future: clocks differ, and anybody can set it."""
    return None if moment is None else min(moment, now)


def _pieces(new: NewDocument, items: Sequence[MemoryItem], now: datetime) -> list[MemoryItem]:
    """The items as pieces of the document."""
    dated = new.created_at or _past(new.file_modified_at, now) or now
    source = new.title or new.document_id
    count = len(items)
    columns: dict[str, Iterable[Any]] = {
        **{name: [getattr(one, name) for one in items] for name in _KEPT},
        "id": _piece_ids(new, items),
        "tier": [MemoryTier.RAG] * count,
        "source": [new.document_id] * count,
        "position": map(float, range(count)),
        "created_at": [item.created_at or dated for item in items],
        "metadata": [
            {"citation": cited(source, item.metadata), **new.metadata, **item.metadata}
            for item in items
        ],
    }
    return items_of_columns(count, columns)


def _memory(new: NewDocument, piece: MemoryItem) -> NewMemory:
    return NewMemory(item=piece, subject=new.subject, expires_at=new.valid_until, tags=new.tags)


def _check_piece(piece: MemoryItem, now: datetime) -> None:
    """Refuse what a piece alone can have wrong, but for what the store checks."""
    name = f"memory {piece.id!r}"
    check_text(name, piece.content)
    check_past(f"{name}: created_at", piece.created_at, now)
    check_past(f"{name}: last_accessed_at", piece.last_accessed_at, now)


def _content_hash(new: NewDocument, items: Sequence[MemoryItem]) -> str:
    """Of all that makes the document what it is, but when its file was touched."""
    times = [None if one is None else one.isoformat() for one in (new.created_at, new.valid_until)]
    said = [
        *(new.title, new.uri, dict(new.metadata), list(new.tags), new.subject, *times),
        *([item.content, item.importance, dict(item.metadata), item.group] for item in items),
    ]
    written = json.dumps(said, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
