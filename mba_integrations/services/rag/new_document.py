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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from mba_integrations.core.arguments import checked_iterable, checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.documents.citing import cited
from mba_integrations.ingest.documents.model import Chunk, Document, Refusal
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.services.memory.new_memory import (
    NewMemory,
    check_metadata,
    check_time,
    checked_memory,
)
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.scopes import LONGEST_ID, checked_id, checked_storable
from mba_integrations.services.store.statements.records import hash_of

MOST_PIECES = 50_000
MOST_TEXT_BYTES = 16 * 1024 * 1024
"""Of a whole document; a piece has the limit of a memory."""
_HASH_LETTERS = 12
_HEADINGS = re.compile(r"(?:#{1,6} [^\n]*\n*)+")
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
        pieces: Its pieces, by their ids.
        given: What it was made of.
    """

    row: DocumentRow
    pieces: Mapping[str, NewMemory]
    given: NewDocument


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
    dated = new.created_at or _past(new.file_modified_at, now)
    ids = _piece_ids(new, items)
    made = (_piece(new, *of, dated) for of in zip(ids, items, range(len(items)), strict=True))
    pieces = {piece.item.id: checked_memory(piece, now=now) for piece in made}
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
    return CutDocument(row=row, pieces=pieces, given=new)


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
    items: list[MemoryItem] = []
    above: list[Chunk] = []
    for chunk in document.chunks:
        above.append(chunk)
        if not _HEADINGS.fullmatch(chunk.text):
            items.append(_item_of(above))
            above = []
    if above:
        items.append(_item_of(above))
    return items


def _item_of(chunks: Sequence[Chunk]) -> MemoryItem:
    """One piece of chunks that follow each other, all but the last of them headings."""
    place = dict(chunks[-1].place)
    first, last = (one.place.get("lines") for one in (chunks[0], chunks[-1]))
    if first and last:
        place["lines"] = [first[0], last[1]]
    text = "\n\n".join(one.text for one in chunks)
    return MemoryItem("piece", text, MemoryTier.RAG, metadata=place)


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


def _piece(
    new: NewDocument, piece_id: str, item: MemoryItem, place: int, dated: datetime | None
) -> NewMemory:
    metadata = {**new.metadata, **item.metadata}
    cite = cited(new.title or new.document_id, item.metadata)
    of_document = replace(
        item,
        id=piece_id,
        tier=MemoryTier.RAG,
        source=new.document_id,
        position=float(place),
        created_at=item.created_at or dated,
        metadata={"citation": cite, **metadata},
    )
    return NewMemory(
        item=of_document, subject=new.subject, expires_at=new.valid_until, tags=new.tags
    )


def _content_hash(new: NewDocument, items: Sequence[MemoryItem]) -> str:
    """Of all that makes the document what it is, but when its file was touched."""
    times = [None if one is None else one.isoformat() for one in (new.created_at, new.valid_until)]
    said = [
        *(new.title, new.uri, dict(new.metadata), list(new.tags), new.subject, *times),
        *([item.content, item.importance, dict(item.metadata), item.group] for item in items),
    ]
    written = json.dumps(said, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
