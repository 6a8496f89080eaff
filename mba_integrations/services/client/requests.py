"""What is sent and what comes back, alike for both clients: no request is made here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from mba_integrations.services.client.errors import ServerError

LATER = frozenset({429, 503, 507})
"""The same request may work later, and was not done."""
LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05


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
    """

    method: str
    path: str
    body: Any = None
    content: bytes | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

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
        return given


def posted(path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Request:
    """A POST; without a *key* it gets one of its own."""
    headers = {"Idempotency-Key": key or secrets.token_hex(16)}
    return Request(method="POST", path=path, body=body, headers=headers, query=given(query))


def got(path: str, **query: Any) -> Request:
    """A GET."""
    return Request(method="GET", path=path, query=given(query))


def given(named: Mapping[str, Any]) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in named.items() if value is not None}


def part(name: str) -> str:
    """A name as one part of a path.

    >>> part("docs/a.md#1")
    'docs%2Fa.md%231'
    """
    return quote(name, safe="")


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
    message = str(told.get("detail", f"the server answered with status {reply.status_code}"))
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
