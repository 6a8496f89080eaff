"""Pools of connections: opened when the others are full, closed with their last call."""

from __future__ import annotations

import httpx2
import pytest

from mba_integrations.services.gateway.passing.connections import ROOM, Connections


class Pool(httpx2.AsyncBaseTransport):
    """A pool that answers, or fails for one path, and knows whether it was closed."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if request.url.path == "/down":
            raise httpx2.ConnectError("no")
        return httpx2.Response(200, content=b"abc")

    async def aclose(self) -> None:
        self.closed += 1


def connections() -> tuple[Connections, list[Pool]]:
    made: list[Pool] = []

    def make() -> Pool:
        made.append(Pool())
        return made[-1]

    return Connections(make=make), made


async def asked(of: Connections, path: str = "/") -> httpx2.Response:
    return await of.handle_async_request(httpx2.Request("GET", f"http://a{path}"))


async def closed(reply: httpx2.Response) -> None:
    assert isinstance(reply.stream, httpx2.AsyncByteStream)
    assert b"".join([part async for part in reply.stream]) == b"abc"
    await reply.stream.aclose()
    await reply.stream.aclose()  # a second time is none


async def test_calls_one_after_the_other_share_a_pool() -> None:
    of, made = connections()
    for _ in range(3 * ROOM):
        await closed(await asked(of))
    assert [pool.asked for pool in made] == [3 * ROOM]


async def test_a_full_pool_opens_another_one_which_goes_with_its_last_call() -> None:
    of, made = connections()
    replies = [await asked(of) for _ in range(2 * ROOM + 1)]
    assert [pool.asked for pool in made] == [ROOM, ROOM, 1]
    for reply in replies:
        await closed(reply)
    assert of.pools == 1
    assert [pool.closed for pool in made] == [0, 1, 1]
    await of.aclose()
    assert made[0].closed == 1


async def test_a_call_that_fails_leaves_its_place() -> None:
    of, made = connections()
    for _ in range(2 * ROOM):
        with pytest.raises(httpx2.ConnectError):
            await asked(of, "/down")
    assert [pool.asked for pool in made] == [2 * ROOM]
