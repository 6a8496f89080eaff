"""`Connections`: to providers, as many as there are calls, of which some are kept for the next.

A pool of httpx2 looks through all its connections for each call, so a thousand calls at once would
cost a million looks. Here a pool has room for 64 calls; where all are full another one is opened,
and closed with its last call. Calls that come one after the other use the first pool's connections
again.

    calls at once     1 .. 64    65 .. 128    ...
    pools                   1            2    ...
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import anyio
import httpx2

ROOM = 64
"""Calls of a pool, and connections that it keeps."""
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=ROOM, keepalive_expiry=15.0)


@dataclass(slots=True, eq=False)
class _Pool:
    transport: httpx2.AsyncBaseTransport
    calls: int = 0


class Connections(httpx2.AsyncBaseTransport):
    """Connections to providers.

    Args:
        trusted: Certificates; None for those of the system.
        make: Makes a pool; None for one of sockets.
    """

    def __init__(
        self,
        trusted: ssl.SSLContext | None = None,
        *,
        make: Callable[[], httpx2.AsyncBaseTransport] | None = None,
    ) -> None:
        context = httpx2.create_ssl_context() if trusted is None and make is None else trusted
        self._make = make or (lambda: _sockets(context or True))
        self._pools = [_Pool(self._make())]

    @property
    def pools(self) -> int:
        """How many there are."""
        return len(self._pools)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request over a connection of the first pool with room."""
        pool = self._with_room()
        pool.calls += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            await self._leave(pool)
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)

        async def leave() -> None:
            await self._leave(pool)

        response.stream = _Leaving(response.stream, leave)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.transport.aclose()

    def _with_room(self) -> _Pool:
        for pool in self._pools:
            if pool.calls < ROOM:
                return pool
        self._pools.append(_Pool(self._make()))
        return self._pools[-1]

    async def _leave(self, pool: _Pool) -> None:
        pool.calls -= 1
        if not pool.calls and pool is not self._pools[0]:
            self._pools.remove(pool)
            with anyio.CancelScope(shield=True):
                await pool.transport.aclose()


class _Leaving(httpx2.AsyncByteStream):
    """A body that says once that it was closed."""

    def __init__(
        self, stream: httpx2.AsyncByteStream, leave: Callable[[], Awaitable[None]]
    ) -> None:
        self._stream = stream
        self._leave: Callable[[], Awaitable[None]] | None = leave

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Close it."""
        leave, self._leave = self._leave, None
        try:
            await self._stream.aclose()
        finally:
            if leave is not None:
                await leave()


def _sockets(verify: ssl.SSLContext | bool) -> httpx2.AsyncHTTPTransport:
    # A connection that cannot be made is tried once more: the provider saw nothing of the call.
    return httpx2.AsyncHTTPTransport(verify=verify, limits=_LIMITS, retries=1)
