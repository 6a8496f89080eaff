"""OpenAI's own SDK through the gateway: every field is what a direct call gives.

`python -m benchmarks.gateway_sdks` asks more, and Anthropic's SDK too, through a whole server.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx2
import openai
from gateway_calls import PATHS, Preparer
from socket_apps import on_socket

from benchmarks.gateway_sdks import OPENAI
from benchmarks.gateway_upstream import Provider
from mba_integrations.services.gateway.passing.calls import Upstream
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.gateway.passing.gateway import Gateway

CASES = (
    *("chat", "chat, tools streamed", "chat, image", "chat, structured and streamed"),
    *("responses, reasoning", "responses, streamed"),
)
TRUSTED = ssl.create_default_context()


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(api_key="sk-1", base_url=url, http_client=httpx2.Client(verify=TRUSTED))


async def told(name: str, url: str, provider: Provider) -> tuple[Any, list[Any]]:
    """What the SDK gives, and what came to the provider."""
    provider.seen.clear()
    with client_of(url) as client:
        given = await asyncio.to_thread(OPENAI[name], client)
    return given, list(provider.seen)


async def test_every_field_is_what_a_direct_call_gives() -> None:
    provider = Provider()
    server = await asyncio.start_server(provider.connected, "127.0.0.1", 0)
    own = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    gateway = Gateway(Preparer(Upstream(base_url=own)), transport=Connections(TRUSTED))
    async with server:
        async with gateway.lifespan(), on_socket(gateway) as url:
            for name in CASES:
                direct = await told(name, own, provider)
                assert len(direct[1]) == 1
                assert await told(name, url + PATHS["openai"], provider) == direct, name
        while provider.connections:
            await asyncio.sleep(0)
