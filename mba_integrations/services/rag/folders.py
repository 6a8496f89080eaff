"""Bring a workspace to the files of a folder, read here or in processes beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.services.rag.files import FileToRead, FolderDocuments, read_files
from mba_integrations.services.rag.reading_pool import ReadingPool, may_read_apart
from mba_integrations.services.rag.reading_process import Work
from mba_integrations.services.rag.syncing import Found, SyncReply, SyncRequest, SyncTarget, sync


def sync_files(
    target: SyncTarget,
    found: FolderDocuments,
    request: SyncRequest,
    *,
    now: datetime,
    limits: Limits | None = None,
    apart: bool = False,
) -> SyncReply:
    """Bring a workspace to the files of a folder; see `RagService.sync_folder`.

    Args:
        target: Where.
        found: The files.
        request: How.
        now: The present.
        limits: What a file may take to read.
        apart: Whether many files are read in other processes; what they cut has no `given`.
    """
    with (
        DocumentReader(limits=limits) as reader,
        ReadingPool(reader, Work(now=now, limits=limits)) as pool,
    ):

        def read(files: Sequence[FileToRead]) -> Iterable[Found]:
            if apart and may_read_apart(len(files)):
                return pool.read(files)
            return read_files(reader, files)

        return sync(target, partial(found.synced, read=read), request.checked(), now=now)
