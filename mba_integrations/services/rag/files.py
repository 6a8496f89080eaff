"""The files of a folder as documents: which have to be read, and what reading them gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_path, checked_text
from mba_integrations.ingest.documents.model import Document, Refusal
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.documents.scanning import FoundFile, Scan, scan_folder
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.refusing import RefusalReason
from mba_integrations.services.rag.errors import UnreadableFileError
from mba_integrations.services.rag.new_document import (
    LONGEST_DOCUMENT_ID,
    MOST_TEXT_BYTES,
    NewDocument,
    piece_items,
)
from mba_integrations.services.rag.syncing import (
    Found,
    Progress,
    RefusedDocument,
    SameDocument,
    Stamps,
    Synced,
)
from mba_integrations.services.store.rows.documents import DocumentStamp
from mba_integrations.services.store.scopes import checked_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FolderProgress = Callable[[int, int], None]
"""Told how many files were seen, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToRead:
    """A file that is not known to be as it was.

    Attributes:
        root: The folder.
        path: Where it is below that.
        document_id: Of the document that it becomes.
        size: In bytes.
        modified: When it was last changed.
    """

    root: str
    path: str
    document_id: str
    size: int
    modified: datetime

    @classmethod
    def of(cls, root: Path, file: FoundFile, prefix: str) -> FileToRead:
        """A file of a folder, whose ids have that prefix."""
        return cls(
            root=str(root),
            path=file.path,
            document_id=prefix + file.path,
            size=file.size,
            modified=_moment_of(file.modified_ns),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDocuments:
    """The files of a folder.

    Attributes:
        root: The folder.
        prefix: What stands before the paths in the documents' ids.
        origin: Names the folder.
        scan: What the folder holds.
        reread: Whether files are read whose time and size are as they were.
    """

    root: Path
    prefix: str
    origin: str
    scan: Scan
    reread: bool = False

    @classmethod
    def find(
        cls,
        folder: str | os.PathLike[str],
        *,
        prefix: str | None = None,
        origin: str | None = None,
        wanted: Callable[[str], bool] = lambda path: True,
        reread: bool = False,
    ) -> FolderDocuments:
        """The files below a folder, none of them read; see `RagService.sync_folder`.

        Raises:
            InputError: If the folder is none, or an argument is unusable.
        """
        root = checked_path("folder", folder)
        whole = root.resolve()
        return cls(
            root=root,
            prefix=f"{whole.name}/" if prefix is None else checked_text("prefix", prefix),
            origin=whole.as_posix() if origin is None else checked_id("origin", origin),
            scan=scan_folder(root, wanted=wanted),
            reread=reread,
        )

    def counted(self, progress: FolderProgress | None) -> Progress | None:
        """What tells *progress* of how many files those that were seen are."""
        if progress is None:
            return None
        count = len(self.scan.files) + len(self.scan.refused)
        return lambda done: progress(done, count)

    def synced(
        self, stamps: Stamps, read: Callable[[Sequence[FileToRead]], Iterable[Found]]
    ) -> Iterator[Found]:
        """Each file as a document: known to be as it was, refused, or what *read* makes of it."""
        for refusal in self.scan.refused:
            yield _refused(self.prefix + refusal.path, refusal)
        wanted = []
        for file in self.scan.files:
            one = FileToRead.of(self.root, file, self.prefix)
            known = self._known(one, stamps.get(one.document_id))
            if known is None:
                wanted.append(one)
            else:
                yield known
        yield from read(wanted)

    def _known(self, one: FileToRead, stamp: DocumentStamp | None) -> Synced | None:
        """What is known of a file without reading it."""
        document_id = one.document_id
        if len(document_id) > LONGEST_DOCUMENT_ID:
            return RefusedDocument(
                document_id=document_id,
                reason=f"its id has over {LONGEST_DOCUMENT_ID} characters",
                detail=f"{len(document_id):,}",
            )
        if stamp is not None and not self.reread and _is_stamped(stamp, one.size, one.modified):
            return SameDocument(document_id=document_id)
        return None


def read_files(
    reader: DocumentReader, wanted: Iterable[FileToRead]
) -> Iterator[NewDocument | RefusedDocument]:
    """Files as documents, read or refused, one after the other."""
    return (read_file(reader, one) for one in wanted)


def read_file(reader: DocumentReader, one: FileToRead) -> NewDocument | RefusedDocument:
    """A file as a document, or why it cannot be read."""
    found = reader.read(one.root, one.path)
    if isinstance(found, Refusal):
        return _refused(one.document_id, found)
    if not found.chunks:
        return RefusedDocument(document_id=one.document_id, reason="has no text")
    return document_of_file(one.document_id, found, one.size, one.modified)


def document_of_file(
    document_id: str, found: Document, size: int, modified: datetime
) -> NewDocument:
    """The document of a file that was read."""
    return NewDocument(
        document_id=document_id,
        pieces=piece_items(found),
        title=found.title,
        file_size=size,
        file_modified_at=modified,
    )


def new_document(
    path: str | os.PathLike[str], document_id: str | None, limits: Limits | None, **more: Any
) -> NewDocument:
    """The document of one file; see `RagService.put_file`.

    Raises:
        UnreadableFileError: If it cannot be read, with the reason.
    """
    named = checked_path("path", path)
    with DocumentReader(limits=limits) as reader:
        read = _readable(reader.read(named.parent, named.name))
    known = named.stat()
    modified = _moment_of(known.st_mtime_ns)
    own_id = named.name if document_id is None else document_id
    return _with(document_of_file(own_id, read, known.st_size, modified), more)


def document_of_bytes(
    data: bytes, name: str, document_id: str, limits: Limits | None, **more: Any
) -> NewDocument:
    """The document that the bytes of a file make; see `RagService.put_bytes`.

    Raises:
        UnreadableFileError: If they cannot be read, with the reason.
    """
    with DocumentReader(limits=limits, max_text_bytes=MOST_TEXT_BYTES) as reader:
        read = _readable(reader.parse(data, name))
    pieces = piece_items(read)
    made = NewDocument(
        document_id=document_id, pieces=pieces, title=read.title, file_size=len(data)
    )
    return _with(made, more)


def _with(made: NewDocument, more: Mapping[str, Any]) -> NewDocument:
    return replace(made, **{name: value for name, value in more.items() if value is not None})


def _readable(found: Document | Refusal) -> Document:
    if isinstance(found, Refusal):
        raise UnreadableFileError(f"{found}.", reason=found.reason.value)
    if not found.chunks:
        raise UnreadableFileError(f"{found.path}: has no text.", reason=RefusalReason.NO_TEXT.value)
    return found


def _is_stamped(stamp: DocumentStamp, size: int, modified: datetime) -> bool:
    return (stamp.file_size, stamp.file_modified_at) == (size, modified)


def _refused(document_id: str, refusal: Refusal) -> RefusedDocument:
    return RefusedDocument(document_id=document_id, reason=refusal.message, detail=refusal.detail)


def _moment_of(nanoseconds: int) -> datetime:
    """The time of a file, to the microsecond that the store keeps."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
