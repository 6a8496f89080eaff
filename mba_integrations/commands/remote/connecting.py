"""Which server a command asks: the one that it was told, or the one that holds the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.arguments.where import Where
from mba_integrations.core.errors import InputError, MemoryBudgetError
from mba_integrations.services.client.errors import ServerError
from mba_integrations.services.store.errors import StoreInUseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server.

    Attributes:
        url: Where it answers.
        key: Its key, or the token that it knows the file's owner by.
        pid: The process that holds the file; None for a server that was named.
        file: That file.
    """

    url: str
    key: str | None = field(repr=False)
    pid: int | None = None
    file: Path | None = None

    def refusal(self, what: str) -> MemoryBudgetError:
        """Why it does not do what only works here, on the file itself."""
        if self.file is None:
            return InputError(
                f"{what} works on a database itself, and not through a server. Run it where the "
                "database is, with --db."
            )
        return StoreInUseError(
            f"{self.file} is held by process {self.pid}, which answers at {self.url}, and {what} "
            "works on the file itself. End that process first.",
            pid=self.pid,
            url=self.url,
        )


def server_of(where: Where) -> Server | None:
    """The server to ask; None where the database itself is opened."""
    if where.url is not None:
        return Server(url=where.url, key=where.key)
    file = file_of(place_of(where.database))
    if file is None or not file.exists():
        return None
    from mba_integrations.services.daemon.starting import answering

    daemon = answering(file)
    if daemon is None:
        return None
    return Server(url=daemon.url, key=daemon.token, pid=daemon.pid, file=file)


@contextmanager
def told_of_holder(server: Server) -> Iterator[None]:
    """Say who holds the file where its process does not answer these requests.

    Raises:
        StoreInUseError: If it is a process that speaks MCP alone.
    """
    try:
        yield
    except ServerError as error:
        if server.file is None or error.kind is not None or error.status is None:
            raise
        raise StoreInUseError(
            f"{server.file} is held by process {server.pid}, which serves agents alone. Install "
            "the extra 'server', and end that process: the next one answers commands too.",
            pid=server.pid,
            url=server.url,
        ) from error
