"""Sync: what a folder or system has now takes the place of what it had.

Documents are put in batches, each durable when the next begins; a sync that was cut off goes on
where it was, since what is there already costs nothing. What vanished is removed at the end, after
all else was seen, and not where that would be more than its share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.services.rag.errors import TooManyRemovedError
from mba_integrations.services.rag.new_document import (
    CutDocument,
    NewDocument,
    checked_document_id,
    cut_document,
)
from mba_integrations.services.store.rows.documents import DocumentStamp

if TYPE_CHECKING:  # a process that reads files needs nothing of what writes
    from mba_integrations.services.rag.replacing import PutReply, RemoveReply

MOST_REMOVED = 0.2
"""Of the documents that an origin had: more than that is a wrong folder as a rule."""
_FEW = 5
"""So many may always go: a fifth of a small folder is one file."""
_BATCH_PIECES = 2_000
_BATCH_DOCUMENTS = 500

Stamps = Mapping[str, DocumentStamp]
"""What an origin brought before, by id."""
Progress = Callable[[int], None]
"""Told how many documents were seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameDocument:
    """A document of which the origin knows, without reading it, that it is as it was."""

    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDocument:
    """A document that cannot be read; the version that is there stays.

    Attributes:
        document_id: Which one.
        reason: Why; the same for all that share it.
        detail: What belongs to this one alone, such as its size; may be empty.
    """

    document_id: str
    reason: str
    detail: str = ""


Synced = NewDocument | SameDocument | RefusedDocument
Found = Synced | CutDocument
"""A document as an origin has it; one that was cut already is stored as it is."""


@dataclass(slots=True, kw_only=True)
class SyncReply:
    """What a sync did, or would do.

    Attributes:
        origin: Of what.
        created: Documents that are new.
        replaced: Documents that have another version.
        unchanged: Documents that were there just so.
        removed: Ids of documents that vanished.
        refused: Documents that could not be read, with the reason.
        added_pieces: Pieces that are new, or came back.
        removed_pieces: Pieces that went.
        dry_run: Whether nothing was written.
        change_seq: Where the workspace's sequence of changes stood then.
    """

    origin: str
    created: int = 0
    replaced: int = 0
    unchanged: int = 0
    removed: tuple[str, ...] = ()
    refused: list[RefusedDocument] = field(default_factory=list)
    added_pieces: int = 0
    removed_pieces: int = 0
    dry_run: bool = False
    change_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """How a sync goes; see `RagService.sync`."""

    origin: str
    dry_run: bool = False
    most_removed: float = MOST_REMOVED
    actor: str | None = None
    progress: Progress | None = None

    def checked(self) -> SyncRequest:
        """The request, if it can be done.

        Raises:
            InputError: Naming what is wrong.
        """
        share = self.most_removed
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(f"most_removed must be a share in [0, 1], got {shown(share)}.")
        return self


class SyncTarget(Protocol):
    """A workspace that a sync brings to what was found, in a store or behind a server."""

    def stamps(self, origin: str) -> Stamps:
        """What an origin brought before, by id."""
        ...

    def hashes(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        """Hashes of the contents of documents, by id; those that are not there are missing."""
        ...

    def put(
        self, new: Sequence[CutDocument], request: SyncRequest
    ) -> Iterable[PutReply | RefusedDocument]:
        """Put documents; they are durable then. One that cannot be kept there is refused."""
        ...

    def remove(
        self, vanished: Sequence[str], seen: Collection[str], request: SyncRequest
    ) -> RemoveReply:
        """Remove what an origin has no more; *seen* is all that it has."""
        ...

    def change_seq(self) -> int:
        """Where the workspace's sequence of changes stands."""
        ...


def sync(
    target: SyncTarget,
    found_by: Callable[[Stamps], Iterable[Found]],
    request: SyncRequest,
    *,
    now: datetime,
) -> SyncReply:
    """Put what is found and remove what is not; see `RagService.sync`.

    Args:
        target: Where.
        found_by: What the origin has, given what is known of what it had.
        request: How.
        now: The present.
    """
    stamps = target.stamps(request.origin)
    found = found_by(stamps)
    reply = SyncReply(origin=request.origin, dry_run=request.dry_run)
    seen: set[str] = set()
    for batch in _batches(_seen(found, seen, request.progress), now):
        _count_rest(batch, reply)
        if request.dry_run:
            _count(target, batch.documents, reply)
        elif batch.documents:
            _put(target, batch.documents, request, reply)
    vanished = tuple(one for one in stamps if one not in seen)
    _check_share(vanished, stamps, request)
    reply.removed = vanished
    if vanished and not request.dry_run:
        gone = target.remove(vanished, seen, request)
        reply.removed_pieces += gone.pieces
        reply.change_seq = gone.change_seq
    reply.change_seq = reply.change_seq or target.change_seq()
    return reply


@dataclass(slots=True)
class _Batch:
    documents: list[CutDocument] = field(default_factory=list)
    refused: list[RefusedDocument] = field(default_factory=list)
    same: int = 0
    pieces: int = 0


def _seen(found: Iterable[Found], seen: set[str], progress: Progress | None) -> Iterator[Found]:
    for count, one in enumerate(found, start=1):
        if not isinstance(one, Found):
            raise InputError(f"documents must be NewDocuments, got {shown(one)}.")
        if not isinstance(one, RefusedDocument):  # that may be why it is refused
            checked_document_id(one.document_id)
        if one.document_id in seen:
            raise InputError(
                f"document {one.document_id!r} comes twice. Give each an id of its own."
            )
        seen.add(one.document_id)
        yield one
        if progress is not None:
            progress(count)


def _batches(found: Iterable[Found], now: datetime) -> Iterator[_Batch]:
    batch = _Batch()
    for one in found:
        _take(batch, one, now)
        if batch.pieces >= _BATCH_PIECES or len(batch.documents) >= _BATCH_DOCUMENTS:
            yield batch
            batch = _Batch()
    yield batch


def _take(batch: _Batch, one: Found, now: datetime) -> None:
    if isinstance(one, NewDocument):
        one = cut_or_refused(one, now)
    if isinstance(one, SameDocument):
        batch.same += 1
    elif isinstance(one, RefusedDocument):
        batch.refused.append(one)
    else:
        batch.documents.append(one)
        batch.pieces += len(one.pieces)


def cut_or_refused(new: NewDocument, now: datetime) -> CutDocument | RefusedDocument:
    """The document as it is stored, or why the store cannot keep it."""
    try:
        return cut_document(new, now=now)
    except InputError as error:
        return RefusedDocument(document_id=new.document_id, reason=str(error))


def _count_rest(batch: _Batch, reply: SyncReply) -> None:
    reply.unchanged += batch.same
    reply.refused += batch.refused


def _put(
    target: SyncTarget, new: list[CutDocument], request: SyncRequest, reply: SyncReply
) -> None:
    for done in target.put(new, request):
        if isinstance(done, RefusedDocument):
            reply.refused.append(done)
            continue
        reply.created += done.created
        reply.unchanged += done.unchanged
        reply.replaced += not (done.created or done.unchanged)
        reply.added_pieces += done.added
        reply.removed_pieces += done.removed
        reply.change_seq = done.change_seq


def _count(target: SyncTarget, new: list[CutDocument], reply: SyncReply) -> None:
    """What `_put` would count, but for pieces."""
    hashes = target.hashes([one.row.document_id for one in new])
    for one in new:
        known = hashes.get(one.row.document_id)
        reply.created += known is None
        reply.unchanged += known == one.row.content_hash
        reply.replaced += known not in (None, one.row.content_hash)


def _check_share(vanished: tuple[str, ...], known: Stamps, request: SyncRequest) -> None:
    if request.dry_run or len(vanished) <= max(_FEW, request.most_removed * len(known)):
        return
    raise TooManyRemovedError(
        f"{len(vanished):,} of {len(known):,} documents of {request.origin!r} were not found, such "
        f"as {vanished[0]!r}; {request.most_removed:.0%} may go without a word. What was found is "
        "put, nothing is removed. Look with dry_run, then sync with a larger most_removed.",
        removed=len(vanished),
        known=len(known),
    )
