"""`Connection`: requests to a daemon, one after the other, over a connection that stays open.

As much of HTTP/1.1 as servers answer with: the standard library's client takes longer to import
than a hook has for all it does.

    POST /mcp/default HTTP/1.1          HTTP/1.1 200 OK
    Host: 127.0.0.1:8377                Content-Length: 36
    Content-Length: 40
                                        {"jsonrpc": "2.0", "result": {...}}
    {"jsonrpc": "2.0", "method": ...}
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from mba_integrations.core.errors import InputError, MemoryBudgetError

_ANSWER_SECONDS = 120.0
_LONGEST_LINE = 65_536
_MOST_HEADERS = 200
_PORTS = {"http": 80, "https": 443}


class _NoHttpError(Exception):
    """What came is no answer, or only the beginning of one."""


class NoAnswerError(MemoryBudgetError, ConnectionError):
    """The daemon does not answer, or ended before it answered.

    Attributes:
        may_have_arrived: Whether the request may have reached it.
    """

    def __init__(self, url: str, *, may_have_arrived: bool) -> None:
        super().__init__(f"the server at {url} does not answer.")
        self.may_have_arrived = may_have_arrived


class Answer(NamedTuple):
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
        if parts.scheme not in _PORTS or not parts.hostname:
            raise InputError(f"url must be http://HOST:PORT or https://..., got {url!r}.")
        self.url = url
        self._address = (parts.hostname, parts.port or _PORTS[parts.scheme])
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/")
        self._headers = {"Host": parts.netloc.rpartition("@")[2]}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            NoAnswerError: If there is none.
            ValueError: If a header has a line end, which would begin another one.
        """
        headers = {**self._headers, **headers, "Content-Type": "application/json"}
        request = _request(self._path + path, headers, body)
        try:
            connected = self._socket or self._connected()
        except OSError as error:
            raise NoAnswerError(self.url, may_have_arrived=False) from error
        try:
            connected.sendall(request)
            with connected.makefile("rb") as stream:
                answer, stays_open = _answer(stream)
        except (OSError, _NoHttpError) as error:
            self.close()
            raise NoAnswerError(self.url, may_have_arrived=True) from error
        if not stays_open:
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection. A second time is no error."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        made = socket.create_connection(self._address, timeout=self._seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._secure:
            import ssl

            context = ssl.create_default_context()
            made = context.wrap_socket(made, server_hostname=self._address[0])
        self._socket = made
        return made


def _request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line end")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    return head.encode("latin-1") + body


def _answer(stream: BinaryIO) -> tuple[Answer, bool]:
    """An answer, and whether another one may follow it."""
    status = 100
    while status < 200:  # what is said before the answer is not it
        version, status = _status(stream)
        headers = dict(_headers(stream))
    stays_open = version != b"HTTP/1.0" and headers.get("connection", "").lower() != "close"
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(_chunks(stream))
    elif "content-length" in headers:
        body = _exactly(stream, _number(headers["content-length"].encode(), 10))
    elif status == 204:
        body = b""
    else:
        body, stays_open = stream.read(), False
    return Answer(status, body), stays_open


def _status(stream: BinaryIO) -> tuple[bytes, int]:
    version, _, rest = _line(stream).partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise _NoHttpError
    return version, _number(rest[:3], 10)


def _headers(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    for _ in range(_MOST_HEADERS):
        line = _line(stream)
        if not line:
            return
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()
    raise _NoHttpError


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := _number(_line(stream).partition(b";")[0], 16):
        yield _exactly(stream, size)
        _line(stream)
    for _ in _headers(stream):
        pass  # what follows the last part is not looked at


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise _NoHttpError
    return line.rstrip(b"\r\n")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise _NoHttpError
    return found


def _number(digits: bytes, base: int) -> int:
    try:
        found = int(digits.strip(), base)
    except ValueError:
        raise _NoHttpError from None
    if found < 0:
        raise _NoHttpError
    return found
