"""A preparer that notes what it hears, and a client that sends the bytes it is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
from scripted_upstreams import ScriptedUpstream
from socket_apps import on_socket

from mba_integrations.services.gateway.passing.calls import (
    Attempt,
    Call,
    Outcome,
    Prepared,
    Refusal,
    Upstream,
)
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.gateway.passing.gateway import Gateway

TRUSTED = ssl.create_default_context()  # reading certificates takes longer than a test
PATHS = {"openai": "/gateway/openai/v1", "anthropic": "/gateway/anthropic"}


@dataclass
class Preparer:
    """Sends every call to one place."""

    upstream: Upstream
    options: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    calls: list[Call] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self, call: Call) -> Prepared | Refusal:
        """Note it."""
        self.calls.append(call)
        if self.refusal is not None:
            return self.refusal
        first = Attempt(upstream=self.upstream)
        return Prepared(**{"first": first, "on_end": self._heard, **self.options})

    async def _heard(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.ended.set()


@asynccontextmanager
async def gateway_before(
    upstream: ScriptedUpstream, *, base: str = "", options: Any = None, **how: Any
) -> AsyncIterator[tuple[str, Preparer]]:
    """Where a gateway answers, and what it is told."""
    preparer = Preparer(Upstream(base_url=upstream.url + base), options=dict(options or {}))
    gateway = Gateway(preparer, transport=Connections(TRUSTED), **how)
    async with gateway.lifespan(), on_socket(gateway) as url:
        yield url, preparer


@dataclass(frozen=True)
class Answer:
    """What a client reads: the parts as they came, and how it ended."""

    status: int | None
    headers: list[tuple[bytes, bytes]]
    parts: tuple[bytes, ...]
    is_whole: bool

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)


async def sent(url: str, request: bytes) -> Answer:
    """Send bytes to a server, and read its answer to the end, or to where it breaks off."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(request)
    try:
        async with asyncio.timeout(20):
            return await _answer(reader, request.split(b" ", 1)[0])
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, method: bytes) -> Answer:
    reading = h11.Connection(h11.CLIENT)
    reading.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    reading.send(h11.EndOfMessage())
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = []
    parts: list[bytes] = []
    while True:
        try:
            event = reading.next_event()
            if event is h11.NEED_DATA:
                reading.receive_data(await reader.read(65_536))
                continue
        except (h11.RemoteProtocolError, ConnectionError):
            return Answer(status, headers, tuple(parts), is_whole=False)
        if isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, tuple(parts), is_whole=True)
        elif isinstance(event, h11.ConnectionClosed):
            return Answer(status, headers, tuple(parts), is_whole=False)


def request_of(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
