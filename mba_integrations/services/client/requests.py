"""What is sent and what comes back, alike for both clients: no request is made here."""

from __future__ import annotations

import ipaddress
import os
import secrets
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import httpx2

from mba_integrations.core.errors import InputError
from mba_integrations.services.client.errors import ServerError

LATER = frozenset({429, 503, 507})
"""The same request may work later, and was not done."""
MANIFEST = "x-mba-manifest"
"""What a copy of the store says of itself."""
FILE_SECONDS = 1_800.0
"""How long a file may take to be made or read: a server answers when it has the whole of it."""
LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05
_CONNECT_SECONDS = 10.0
"""A server that is there takes a connection at once, however long an answer takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, with the key that makes it safe to send again.

    Attributes:
        method: Of HTTP.
        path: On the server.
        body: What is sent as JSON; None for nothing.
        content: What is sent as bytes; None for nothing.
        query: Of the URL.
        headers: Besides those of every request.
        seconds: How long the answer may take; None as the client was told.
    """

    method: str
    path: str
    body: Any = None
    content: bytes | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    def arguments(self) -> dict[str, Any]:
        """What httpx2's `request` takes."""
        given: dict[str, Any] = {
            "method": self.method,
            "url": self.path,
            "params": dict(self.query),
            "headers": dict(self.headers),
        }
        if self.body is not None:
            given["json"] = self.body
        if self.content is not None:
            given["content"] = self.content
        if self.seconds is not None:
            given["timeout"] = httpx2.Timeout(self.seconds, connect=_CONNECT_SECONDS)
        return given


def checked_url(url: str) -> str:
    """The address of a server.

    Raises:
        InputError: If it is none, or has a password in it, which messages would show.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise InputError("url must have no name and no password in it. Give the server's key.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"url must be http://HOST:PORT or https://..., got {url!r}.")
    return url


def settings_of(url: str, key: str | None, seconds: float) -> dict[str, Any]:
    """What clients of httpx2 are made with, but their transport.

    Raises:
        InputError: If the URL or the key is none. The key is not in the message.
    """
    if key is not None and not (
        key.isascii() and key.isprintable() and key == "".join(key.split())
    ):
        raise InputError("key must be printable ASCII without blanks, such as mba_... .")
    return {
        "base_url": checked_url(url),
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
    }


def is_on_this_machine(url: str) -> bool:
    """Whether a server is reached without a network.

    A transport of its own keeps the proxies of the environment out of the way then.

    >>> is_on_this_machine("http://127.0.0.1:8377"), is_on_this_machine("https://memory.example")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def posted(path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Request:
    """A POST; without a *key* it gets one of its own."""
    headers = named_once(key)
    return Request(method="POST", path=path, body=body, headers=headers, query=given(query))


def named_once(key: str | None = None) -> dict[str, str]:
    """The header by which a server knows a request that comes again."""
    return {"Idempotency-Key": key or secrets.token_hex(16)}


def got(path: str, **query: Any) -> Request:
    """A GET."""
    return Request(method="GET", path=path, query=given(query))


def given(named: Mapping[str, Any]) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in named.items() if value is not None}


def part(name: str) -> str:
    """A name as one part of a path.

    >>> part("docs/a.md#1"), part("..")
    ('docs%2Fa.md%231', '%2E%2E')
    """
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


def authorities_for(url: str) -> ssl.SSLContext | bool:
    """Which certificates are trusted; without TLS none is, since reading them takes 50 ms."""
    return True if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file beside a path, for its owner alone, that takes its name if nothing goes wrong."""
    part = Path(f"{os.fspath(path)}.part")
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def pause_before(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait before an attempt, from 1: what the server asks for, else twice as long each.

    >>> pause_before(1, None), pause_before(3, None), pause_before(1, "2")
    (0.05, 0.2, 2.0)
    """
    if retry_after is not None and retry_after.isdecimal():
        return min(float(retry_after), LONGEST_PAUSE_SECONDS)
    doubled: float = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    return min(doubled, LONGEST_PAUSE_SECONDS)


def refused(reply: httpx2.Response) -> ServerError:
    """The error for an answer that is no success: what its problem says, where it is one."""
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    told = problem if isinstance(problem, dict) else {}
    fields = "; ".join(f"{one['pointer']}: {one['detail']}" for one in told.get("errors", ())[:5])
    nothing = f"the server answered with status {reply.status_code}, and not as `mba serve` does."
    message = str(told.get("detail", nothing))
    return ServerError(
        f"{message} {fields}".strip(),
        status=reply.status_code,
        kind=str(told.get("type", "")).rpartition(":")[2] or None,
        problem=told,
        request_id=reply.headers.get("x-request-id"),
    )


def unreachable(url: str, error: Exception) -> ServerError:
    """The error where there was no answer."""
    why = str(error) or type(error).__name__
    return ServerError(f"{url} does not answer: {why}. Is 'mba serve' running there?")
