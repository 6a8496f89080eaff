"""Which documents a command works on: those of a database, or of the server that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mba_integrations.commands.arguments.where import Where
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.progress import progress_of

if TYPE_CHECKING:
    from mba_integrations.commands.remote.documents import RemoteDocuments
    from mba_integrations.services.rag.service import RagService

    Documents = RagService | RemoteDocuments  # mypy holds each call of a command against both


@contextmanager
def documents_at(
    where: Where,
    workspace: str,
    *,
    local: bool = False,
    create: bool = False,
    pool_memories: int | None = None,
) -> Iterator[Documents]:
    """The documents of a workspace that is there.

    Args:
        where: Which database or server.
        workspace: Which workspace.
        local: Whether meanings are compared too.
        create: Whether documents are put: a file that is not there is made, and the workspace
            `default` in it; jobs are done at the end.
        pool_memories: As for `opened`.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    with opened_at(
        where, workspace, local=local, create=create, pool_memories=pool_memories
    ) as service:
        from mba_integrations.services.memory.service import MemoryService
        from mba_integrations.services.rag.service import RagService

        yield RagService(service) if isinstance(service, MemoryService) else service.documents
        if create:
            with progress_of("Making vectors") as told:
                service.jobs.run(progress=lambda _, part: told(round(100 * part), 100))
