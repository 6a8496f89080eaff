"""Put documents in the place of those that have their ids, and remove documents.

Each act is one transaction: a recall sees the old pieces or the new ones, never some of both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.remembering.given_vectors import GivenVectors
from mba_integrations.services.rag.errors import UnknownDocumentError
from mba_integrations.services.rag.new_document import CutDocument, document_of
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import documents, finding, memories, workspaces
from mba_integrations.services.store.statements.records import ReadyRows, joined_rows

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
    counts = {one.row.document_id: _Counts() for one in changed}
    if not changed:
        return counts
    embedded = {name: piece for one in changed for name, piece in one.embedded.items()}
    vectors = GivenVectors(writing, models, list(embedded.values()))
    for piece in embedded.values():
        vectors.check(piece)
    pieces = joined_rows([one.pieces for one in changed])
    places = {name: place for place, name in enumerate(pieces.ids)}
    _forget_others(writing, [one for one in counts if one in known], places, counts)
    there = finding.find(writing, places)
    fresh = [place for name, place in places.items() if name not in there]
    back = [name for name, row in there.items() if row.state is not MemoryState.ACTIVE]
    owners = pieces.columns["source"]
    for place in (*fresh, *(places[name] for name in back)):
        counts[owners[place]].added += 1
    memories.add_ready(writing, pieces.only(fresh) if there else pieces)
    memories.restore(writing, back, reason=_AGAIN)
    dated = {one.row.document_id for one in changed if one.row.created_at is not None}
    moved = [_moved(row, pieces, places[name], dated) for name, row in there.items()]
    memories.update(writing, [row for row in moved if row != there[row.memory_id]])
    given = vectors.put({name: one for name, one in embedded.items() if name not in there})
    if given < len(fresh) + len(back):
        ask_for_vectors(writing, models)
    return counts


def _forget_others(
    writing: Writing,
    document_ids: Sequence[str],
    kept: Collection[str],
    counts: Mapping[str, _Counts],
) -> None:
    """Forget the pieces of documents that a new version does not have, and count them."""
    owners = _active_pieces(writing, document_ids)
    gone = [name for name in owners if name not in kept]
    for name in gone:
        counts[owners[name]].removed += 1
    memories.forget(writing, gone, reason=_REPLACED)


def _active_pieces(reading: Reading, document_ids: Sequence[str]) -> dict[str, str]:
    """Ids of the pieces of documents that can be recalled, with those of the documents."""
    if not document_ids:
        return {}
    found = finding.ids(reading, MemoryFilter(sources=frozenset(document_ids)))
    owners = {one: document_of(one) for one in found}
    wanted = frozenset(document_ids)
    return {one: owner for one, owner in owners.items() if owner in wanted}


def _moved(old: MemoryRow, pieces: ReadyRows, place: int, dated: Collection[str]) -> MemoryRow:
    """A piece that is there, with the place and all else that the new version gives it."""
    wanted = pieces.at(place)
    return replace(
        old,
        importance=wanted["importance"],
        # One without a date keeps the day on which it was first put.
        created_at=wanted["created_at"] if wanted["source"] in dated else old.created_at,
        expires_at=wanted["expires_at"],
        position=wanted["position"],
        group=wanted["group_id"],
        metadata=json.loads(wanted["metadata"]),
        subject=wanted["subject"],
        tags=pieces.tags[place],
    )
