"""Clients that go away in the middle of a stream: is each call to the provider ended, and how soon?

    python -m benchmarks.gateway_disconnects --clients 1000 --rounds 3

The provider sends events without end. All clients read the first one and close their connections at
once; from then on it is counted how many streams the provider still sends. Memory and open sockets
of the gateway after each round show whether something of them stays.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import time

import httpx2

from benchmarks.gateway_servers import (
    free_port,
    gateway,
    open_files,
    provider,
    resident_mb,
)

_BODY = json.dumps({"model": "endless", "messages": [], "stream": True}).encode()
_REQUEST = (
    b"POST /gateway/openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer sk-local\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_AT_ONCE = 50
"""Connections that are being opened: a listening queue is not what is measured."""


async def begun(port: int, opening: asyncio.Semaphore) -> asyncio.StreamWriter:
    """A client that has read its first event."""
    async with opening:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_REQUEST)
        await reader.readuntil(b'"x"')
    return writer


async def open_streams(port: int) -> int:
    """How many streams the provider sends."""
    async with httpx2.AsyncClient() as client:
        reply = await client.get(f"http://127.0.0.1:{port}/open", timeout=30)
        return int(reply.json()["open"])


async def one_round(clients: int, upstream: int, port: int) -> list[tuple[float, int]]:
    """Open all, close all: seconds since then, and streams that are still sent."""
    opening = asyncio.Semaphore(_AT_ONCE)
    writers = await asyncio.gather(*(begun(port, opening) for _ in range(clients)))
    if await open_streams(upstream) != clients:
        raise SystemExit("not all streams are open")
    for writer in writers:
        writer.transport.abort()
    began, seen = time.perf_counter(), [(0.0, clients)]
    while seen[-1][1] and time.perf_counter() - began < 30:
        await asyncio.sleep(0.05)
        left = await open_streams(upstream)
        seen.append((time.perf_counter() - began, left))
    return seen


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        upstream, port = free_port(), free_port()
        stack.enter_context(provider(upstream))
        pid = stack.enter_context(gateway(port, upstream))
        print(f"before: {resident_mb(pid):.0f} MB, {open_files(pid)} files open")
        for number in range(1, given.rounds + 1):
            seen = asyncio.run(one_round(given.clients, upstream, port))
            time.sleep(1)
            within = next((left for seconds, left in seen if seconds >= 1.0), 0)
            print(
                f"round {number}: {given.clients} clients gone, the last call ended after "
                f"{seen[-1][0]:.2f} s ({within} after 1 s, {seen[-1][1]} for good); "
                f"{resident_mb(pid):.0f} MB, {open_files(pid)} files open"
            )


if __name__ == "__main__":
    main()
