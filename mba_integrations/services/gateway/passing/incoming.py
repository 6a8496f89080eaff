"""`Incoming`: the body of a request, read whole or handed on; then whether the client is there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx2
from starlette.types import Receive


class ClientGoneError(Exception):
    """The client went away while it sent its request."""


class TooLargeError(Exception):
    """The body has more bytes than are read."""


class Incoming(httpx2.AsyncByteStream):
    """What a client sends. As a stream it can be gone through once.

    Args:
        receive: Of ASGI.
        has_body: Whether the headers announce a body.
    """

    def __init__(self, receive: Receive, *, has_body: bool) -> None:
        self._receive = receive
        self._has_body = has_body
        self._let_go = anyio.Event()
        if not has_body:
            self._let_go.set()

    async def read(self, most: int) -> bytes:
        """The whole body.

        Raises:
            ClientGoneError: If the client went away while it came.
            TooLargeError: If it has more than *most* bytes.
        """
        parts: list[bytes] = []
        size = 0
        async for part in self:
            parts.append(part)
            size += len(part)
            if size > most:
                raise TooLargeError
        return b"".join(parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        more = self._has_body
        try:
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                more = message.get("more_body", False)
                if part := message.get("body", b""):
                    yield part
        finally:
            self._let_go.set()

    async def gone(self) -> None:
        """Return when the client is gone. Until the body is sent, who sends it sees that."""
        await self._let_go.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
