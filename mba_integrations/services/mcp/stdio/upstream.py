"""`Upstream`: where a proxy sends its requests. The daemon of a file, or a server elsewhere.

Every request may be sent again: those that read are harmless, and those that write bring a key by
which the server knows them. So a daemon that ends between two calls, or in one, is started again
and asked again, and the client does not notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from mba_integrations.services.daemon.speaking import Answer, Connection, NoAnswerError
from mba_integrations.services.daemon.starting import ensure

_TRIES = 5
_PAUSE_SECONDS = 0.05
_UNAUTHORIZED = 401


class Upstream:
    """Asks a server, by as many connections as there are requests at once. Thread-safe.

    Args:
        connect: Makes a connection.
        workspace_id: Which workspace; None for the caller's own.
        renews: Whether a new connection may have a better token.
    """

    def __init__(
        self, connect: Callable[[], Connection], workspace_id: str | None, *, renews: bool
    ) -> None:
        self._connect = connect
        self._path = "/mcp" if workspace_id is None else f"/mcp/{quote(workspace_id, safe='')}"
        self._renews = renews
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a request.

        Raises:
            NoAnswerError: If there is none after some tries.
            DaemonError: If no daemon can be started.
        """
        for _ in range(_TRIES - 1):
            try:
                answer = self._posted(body, headers)
            except NoAnswerError:
                time.sleep(_PAUSE_SECONDS)
                continue
            if answer.status != _UNAUTHORIZED or not self._renews:
                return answer
            self.close()  # another daemon has the file, with another token
        return self._posted(body, headers)

    def wake(self) -> None:
        """Have a connection ready."""
        self._keep(self._connect())

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _posted(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            answer = connection.post(self._path, body, headers)
        except NoAnswerError:
            connection.close()
            raise
        self._keep(connection)
        return answer

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            self._idle.append(connection)


def file_daemon(database: Path, workspace_id: str | None) -> Upstream:
    """The daemon of a file, started where there is none."""

    def connect() -> Connection:
        daemon = ensure(database)
        return Connection(daemon.url, daemon.token)

    return Upstream(connect, workspace_id, renews=True)


def remote_server(url: str, key: str | None, workspace_id: str | None) -> Upstream:
    """A server elsewhere.

    Raises:
        InputError: If the URL is none.
    """
    Connection(url, key)  # refuses it now, not at the first request
    return Upstream(lambda: Connection(url, key), workspace_id, renews=False)
