"""Put documents in the place of those that have their ids, and remove documents.

Each act is one transaction: a recall sees the old pieces or the new ones, never some of both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.given_vectors import GivenVectors
from mba_integrations.services.memory.remembering.remember import row_of
from mba_integrations.services.rag.errors import UnknownDocumentError
from mba_integrations.services.rag.new_document import CutDocument, document_of
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import documents, finding, memories, workspaces

_REPLACED = "another version of the document was put"
_REMOVED = "the document was removed"
_AGAIN = "the document has it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutReply:
    """What became of one document.

    Attributes:
        document: The document as it is stored.
        created: Whether there was none of that id.
        unchanged: Whether it was there just so, and nothing was written.
        added: Pieces that are new, or came back.
        kept: Pieces that stayed.
        removed: Pieces that went.
        change_seq: Where the workspace's sequence of changes stood then.
    """

    document: DocumentRow
    created: bool = False
    unchanged: bool = False
    added: int = 0
    kept: int = 0
    removed: int = 0
    change_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveReply:
    """What was removed.

    Attributes:
        document_ids: Which documents.
        pieces: How many pieces they had.
        change_seq: Where the workspace's sequence of changes stood then.
    """

    document_ids: tuple[str, ...]
    pieces: int
    change_seq: int


def put(
    new: Sequence[CutDocument], *, origin: str | None, models: EmbeddingModels
) -> Callable[[Writing], list[PutReply]]:
    """The act that puts documents of different ids."""

    def act(writing: Writing) -> list[PutReply]:
        known = documents.find(writing, [one.row.document_id for one in new])
        _check_origins(known.values(), origin)
        changed = [one for one in new if not _is_same(known.get(one.row.document_id), one)]
        counts = _replace_pieces(writing, changed, known, models)
        replies = [_reply(writing, known.get(one.row.document_id), one, counts) for one in new]
        rows = [
            replace(reply.document, origin=origin or reply.document.origin) for reply in replies
        ]
        documents.put(writing, [row for row in rows if row != known.get(row.document_id)])
        seq = workspaces.change_seq(writing)
        return [
            replace(reply, document=row, change_seq=seq)
            for reply, row in zip(replies, rows, strict=True)
        ]

    return act


def put_one(
    new: CutDocument, *, origin: str | None, models: EmbeddingModels
) -> Callable[[Writing], PutReply]:
    """The act that puts one document."""
    act = put([new], origin=origin, models=models)
    return lambda writing: act(writing)[0]


def remove(document_ids: Sequence[str]) -> Callable[[Writing], RemoveReply]:
    """The act that removes documents: their pieces are forgotten."""

    def act(writing: Writing) -> RemoveReply:
        known_documents(writing, document_ids)
        pieces = _active_pieces(writing, document_ids)
        memories.forget(writing, pieces, reason=_REMOVED)
        documents.delete(writing, document_ids)
        return RemoveReply(
            document_ids=tuple(document_ids),
            pieces=len(pieces),
            change_seq=workspaces.change_seq(writing),
        )

    return act


def known_documents(reading: Reading, document_ids: Sequence[str]) -> list[DocumentRow]:
    """Documents in the order of their ids.

    Raises:
        UnknownDocumentError: Naming those that are not known.
    """
    found = documents.find(reading, document_ids)
    missing = tuple(one for one in document_ids if one not in found)
    if missing:
        named = ", ".join(repr(one) for one in missing[:5])
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        raise UnknownDocumentError(
            f"workspace {reading.workspace_id!r} has no document {named}{more}.", missing
        )
    return [found[one] for one in document_ids]


def _check_origins(known: Iterable[DocumentRow], origin: str | None) -> None:
    for row in known:
        if origin is not None and row.origin not in (None, origin):
            raise InputError(
                f"document {row.document_id!r} belongs to {row.origin!r}. Give those of {origin!r} "
                "ids of their own, such as by a prefix."
            )


def _is_same(old: DocumentRow | None, new: CutDocument) -> bool:
    return old is not None and old.content_hash == new.row.content_hash


def _reply(
    writing: Writing, old: DocumentRow | None, new: CutDocument, counts: Mapping[str, _Counts]
) -> PutReply:
    row = new.row
    if old is not None and _is_same(old, new):
        # What its file is known by may be new all the same.
        row = replace(old, file_size=row.file_size, file_modified_at=row.file_modified_at)
        return PutReply(document=row, unchanged=True, kept=row.piece_count)
    row = replace(
        row,
        origin=None if old is None else old.origin,
        version=1 if old is None else old.version + 1,
        stored_at=writing.at if old is None else old.stored_at,
        replaced_at=writing.at,
    )
    count = counts[row.document_id]
    return PutReply(
        document=row,
        created=old is None,
        added=count.added,
        kept=row.piece_count - count.added,
        removed=count.removed,
    )


@dataclass(slots=True)
class _Counts:
    added: int = 0
    removed: int = 0


def _replace_pieces(
    writing: Writing,
    changed: Sequence[CutDocument],
    known: Mapping[str, DocumentRow],
    models: EmbeddingModels,
) -> dict[str, _Counts]:
    """Write the pieces of documents in place of those that are there; counts by document."""
    pieces = {name: piece for one in changed for name, piece in one.pieces.items()}
    counts = {one.row.document_id: _Counts() for one in changed}
    vectors = GivenVectors(writing, models, list(pieces.values()))
    for piece in pieces.values():
        vectors.check(piece)
    gone = _active_pieces(writing, [one for one in counts if one in known])
    gone = {name: document_id for name, document_id in gone.items() if name not in pieces}
    for document_id in gone.values():
        counts[document_id].removed += 1
    memories.forget(writing, gone, reason=_REPLACED)
    there = finding.find(writing, pieces)
    fresh = {name: piece for name, piece in pieces.items() if name not in there}
    back = [name for name, row in there.items() if row.state is not MemoryState.ACTIVE]
    for name in (*fresh, *back):
        counts[pieces[name].item.source or ""].added += 1
    memories.add(writing, [row_of(piece) for piece in fresh.values()])
    memories.restore(writing, back, reason=_AGAIN)
    dated = {one.row.document_id for one in changed if one.row.created_at is not None}
    moved = [_moved(row, pieces[name], dated) for name, row in there.items()]
    memories.update(writing, [row for row in moved if row != there[row.memory_id]])
    if vectors.put(fresh) < len(fresh) + len(back):
        ask_for_vectors(writing, models)
    return counts


def _active_pieces(reading: Reading, document_ids: Sequence[str]) -> dict[str, str]:
    """Ids of the pieces of documents that can be recalled, with those of the documents."""
    if not document_ids:
        return {}
    found = finding.ids(reading, MemoryFilter(sources=frozenset(document_ids)))
    owners = {one: document_of(one) for one in found}
    wanted = frozenset(document_ids)
    return {one: owner for one, owner in owners.items() if owner in wanted}


def _moved(old: MemoryRow, new: NewMemory, dated: Collection[str]) -> MemoryRow:
    """A piece that is there, with the place and all else that the new version gives it."""
    wanted = row_of(new)
    return replace(
        old,
        importance=wanted.importance,
        # One without a date keeps the day on which it was first put.
        created_at=wanted.created_at if wanted.source in dated else old.created_at,
        expires_at=wanted.expires_at,
        position=wanted.position,
        group=wanted.group,
        metadata=dict(wanted.metadata),
        subject=wanted.subject,
        tags=tuple(sorted(wanted.tags)),
    )
