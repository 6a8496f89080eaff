"""A provider's server on a real socket, which answers with the bytes of a script.

It reads requests by itself, so that what came is known to the byte, and writes whatever it is told,
also what is no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

Pairs = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    line: bytes
    headers: Pairs
    body: bytes

    @property
    def named(self) -> dict[bytes, bytes]:
        """The headers by name."""
        return dict(self.headers)


Script = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


def plain(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Script:
    """Answers with a body of a known length."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    return answer


def events(*parts: bytes, cut: bool = False) -> Script:
    """Answers with a stream, one chunk for each part; *cut* leaves out its end."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        for part in parts:
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(0)
        if cut:
            writer.close()
        else:
            writer.write(b"0\r\n\r\n")

    return answer


class ScriptedUpstream:
    """A server.

    Attributes:
        script: How it answers.
        seen: What came.
        left: How many callers closed their connection.
        url: Where it is.
    """

    def __init__(self) -> None:
        self.script: Script = plain(b"{}")
        self.seen: list[Seen] = []
        self.left = 0
        self.connections = 0
        self.url = ""
        self._changed = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    async def until(self, holds: Callable[[ScriptedUpstream], bool]) -> None:
        """Wait until something holds; ten seconds at most."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: holds(self))

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def end(self) -> None:
        """Close all connections."""
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._tell()
        try:
            await self._answer_all(reader, writer)
        finally:
            self.left += 1
            writer.close()
        await self._tell()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                seen = await _read(reader)
                self.seen.append(seen)
                await self._tell()
                answering = asyncio.create_task(_answered(self.script, seen, writer))
                try:
                    if not await _stays(reader, answering):
                        break
                finally:
                    answering.cancel()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _answered(script: Script, seen: Seen, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await script(seen, writer)
        await writer.drain()


async def _stays(reader: asyncio.StreamReader, answering: asyncio.Task[None]) -> bool:
    """Wait for the answer; False if the caller closes first."""
    while not answering.done():
        if reader.at_eof():
            return False
        await asyncio.wait([answering], timeout=0.002)
    await answering
    return True


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head[:-4].split(b"\r\n")
    pairs = [
        (name.lower(), value.strip()) for name, _, value in (one.partition(b":") for one in rest)
    ]
    named = dict(pairs)
    if named.get(b"transfer-encoding") == b"chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(named.get(b"content-length", b"0")))
    return Seen(line, pairs, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


@asynccontextmanager
async def scripted_upstream() -> AsyncIterator[ScriptedUpstream]:
    """A server while it is needed."""
    upstream = ScriptedUpstream()
    server = await asyncio.start_server(upstream._connect, "127.0.0.1", 0, limit=2**20)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        await upstream.end()
