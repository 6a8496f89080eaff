"""The files of a folder as documents: which have to be read, and what reading them gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mba_integrations.core.errors import InputError
from mba_integrations.ingest.documents.model import Document, Refusal
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.documents.scanning import FoundFile, Scan, scan_folder
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.services.rag.new_document import (
    LONGEST_DOCUMENT_ID,
    NewDocument,
    piece_items,
)
from mba_integrations.services.rag.syncing import RefusedDocument, SameDocument, Synced
from mba_integrations.services.store.rows.documents import DocumentStamp
from mba_integrations.services.store.tables.columns import moment_of

Stamps = Mapping[str, DocumentStamp]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDocuments:
    """The files of a folder.

    Attributes:
        root: The folder.
        prefix: What stands before the paths in the documents' ids.
        scan: What the folder holds.
        reread: Whether files are read whose time and size are as they were.
    """

    root: Path
    prefix: str
    scan: Scan
    reread: bool = False

    @classmethod
    def find(
        cls, folder: Path, prefix: str, wanted: Callable[[str], bool], *, reread: bool = False
    ) -> FolderDocuments:
        """The files below a folder, none of them read.

        Raises:
            InputError: If the folder is none.
        """
        return cls(
            root=folder, prefix=prefix, scan=scan_folder(folder, wanted=wanted), reread=reread
        )

    def synced(self, stamps: Stamps, reader: DocumentReader) -> Iterator[Synced]:
        """Each file as a document: read, known to be as it was, or refused."""
        for refusal in self.scan.refused:
            yield _refused(self.prefix + refusal.path, refusal)
        for file in self.scan.files:
            yield self._document(file, stamps.get(self.prefix + file.path), reader)

    def _document(
        self, file: FoundFile, stamp: DocumentStamp | None, reader: DocumentReader
    ) -> Synced:
        document_id = self.prefix + file.path
        modified = moment_of(file.modified_ns // 1_000)
        if len(document_id) > LONGEST_DOCUMENT_ID:
            said = f"its id has {len(document_id):,} characters, at most {LONGEST_DOCUMENT_ID}"
            return RefusedDocument(document_id=document_id, reason=said)
        if stamp is not None and not self.reread and _is_stamped(stamp, file.size, modified):
            return SameDocument(document_id=document_id)
        found = reader.read(self.root, file.path)
        if isinstance(found, Refusal):
            return _refused(document_id, found)
        if not found.chunks:
            return RefusedDocument(document_id=document_id, reason="has no text")
        return document_of_file(document_id, found, file.size, modified)


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


def read_file(path: Path, limits: Limits | None = None) -> Document:
    """The document that one file has.

    Raises:
        InputError: If it cannot be read, with the reason.
    """
    with DocumentReader(limits=limits) as reader:
        found = reader.read(path.parent, path.name)
    if isinstance(found, Refusal):
        raise InputError(f"{found}.")
    return found


def _is_stamped(stamp: DocumentStamp, size: int, modified: datetime) -> bool:
    return (stamp.file_size, stamp.file_modified_at) == (size, modified)


def _refused(document_id: str, refusal: Refusal) -> RefusedDocument:
    reason = f"{refusal.message} ({refusal.detail})" if refusal.detail else refusal.message
    return RefusedDocument(document_id=document_id, reason=reason)
