"""`Connection`: requests to a daemon, one after the other, over a connection that stays open."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mba_integrations.core.errors import InputError, MemoryBudgetError

_ANSWER_SECONDS = 120.0


class NoAnswerError(MemoryBudgetError, ConnectionError):
    """The daemon does not answer, or ended before it answered.

    Attributes:
        may_have_arrived: Whether the request may have reached it.
    """

    def __init__(self, url: str, *, may_have_arrived: bool) -> None:
        super().__init__(f"the server at {url} does not answer.")
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of HTTP.

    Attributes:
        status: Its status.
        body: Its body.
    """

    status: int
    body: bytes


class Connection:
    """Requests to one server; for one thread at a time.

    Args:
        url: Where it answers, `http://host:port` or `https://...`.
        token: What it knows the caller by; None for nothing.
        seconds: How long an answer may take.

    Raises:
        InputError: If the URL is none.
    """

    def __init__(self, url: str, token: str | None, *, seconds: float = _ANSWER_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"url must be http://HOST:PORT or https://..., got {url!r}.")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.url = url
        self._connection = kind(parts.hostname, parts.port, timeout=seconds)
        self._path = parts.path.rstrip("/")
        self._token = token

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            NoAnswerError: If there is none.
        """
        sent = {**headers, "Content-Type": "application/json"}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        fresh = self._connection.sock is None
        try:
            if fresh:
                self._connection.connect()
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise NoAnswerError(self.url, may_have_arrived=False) from error
        try:
            self._connection.request("POST", self._path + path, body, sent)
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NoAnswerError(self.url, may_have_arrived=True) from error

    def close(self) -> None:
        """Close the connection. A second time is no error."""
        self._connection.close()
