"""What the tests of the desk share: a gateway without a server, and what is asked of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway_calls import Answer, request_of, sent
from scripted_upstreams import ScriptedUpstream
from socket_apps import on_socket

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services.access.principal import LOCAL
from mba_integrations.services.gateway import app as apps
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

CHAT = "/gateway/openai/v1/chat/completions"
MESSAGES = "/gateway/anthropic/v1/messages"
COUNT = f"{MESSAGES}/count_tokens"
FACTS = {
    "skis": "Kate skis in Oslo each March.",
    "bees": "Ben keeps bees behind the red barn.",
    "code": "The code of the door is 4711.",
}
USED = b'"usage": {"prompt_tokens": 50, "completion_tokens": 10}'
REPLY = b'{"choices": [{"message": {"role": "assistant", "content": "In Oslo."}}], %b}' % USED
MEMORY: dict[str, Any] = {"inject": "before_last_user", "memory_tokens": 60}

TOLD = (
    *("x-mba-route", "x-mba-complexity", "x-mba-used-tokens", "x-mba-budget-tokens"),
    *("x-mba-saved-tokens", "x-mba-prefix-tokens", "x-mba-allocation-id", "x-mba-overhead-ms"),
)
"""All that is told where nothing is wrong, exceeded or only recorded."""


def opened(path: Path) -> MemoryService:
    return MemoryService.open(path, token_counter=WordCounter(), background=False)


def fill(service: MemoryService, **gateway: Any) -> None:
    service.create_workspace("default", max_total_tokens=1_000, gateway=gateway)
    service.remember(
        "default", [MemoryItem(name, text, MemoryTier.LONG_TERM) for name, text in FACTS.items()]
    )


class Signed:
    """The gateway as a server has it, with this machine as the caller."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        await self._app({**scope, "state": {"principal": LOCAL}}, receive, send)


@asynccontextmanager
async def gateway(service: MemoryService, upstream: ScriptedUpstream) -> AsyncIterator[str]:
    places = apps.upstreams(openai_url=f"{upstream.url}/v1", anthropic_url=upstream.url)
    app = apps.gateway_app(service, places)
    async with app.lifespan(), on_socket(Signed(app)) as url:
        yield url


def asked(text: str, *before: dict[str, str], **more: Any) -> bytes:
    messages = [*before, {"role": "user", "content": text}]
    return json.dumps({"model": "large", "messages": messages, **more}).encode()


def said(answer: Answer) -> dict[str, str]:
    return {
        name.decode(): value.decode()
        for name, value in answer.headers
        if name.startswith((b"x-mba", b"retry"))
    }


def body_of(upstream: ScriptedUpstream) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream.seen[-1].body)
    return body


async def ask(url: str, body: bytes, *headers: str, path: str = CHAT) -> Answer:
    return await sent(url, request_of(path, body, "Authorization: Bearer sk", *headers))
