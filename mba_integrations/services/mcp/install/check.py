"""`check`: whether what a client is set up with answers, in both revisions of the protocol."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.mcp.definitions import TOOLS
from mba_integrations.services.mcp.install.clients import KEY_VARIABLE

REVISIONS = {"2025-11-25": "legacy", "2026-07-28": "2026-07-28"}
"""The revisions that clients speak, and how the SDK's client is told to."""
_SECONDS = 60.0


class CheckError(MemoryBudgetError, RuntimeError):
    """A server does not answer as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a server answered in one revision.

    Attributes:
        revision: Which one.
        first_seconds: How long the first answer took.
        status: What the tool `status` says.
    """

    revision: str
    first_seconds: float
    status: str


def check(entry: Mapping[str, Any]) -> tuple[Answered, ...]:
    """Speak to a server as a client would that has this entry.

    Raises:
        CheckError: If it does not answer, has other tools, or its memory does not work.
    """
    return tuple(anyio.run(_checked, entry, revision) for revision in REVISIONS)


async def _checked(entry: Mapping[str, Any], revision: str) -> Answered:
    began = time.monotonic()
    try:
        with anyio.fail_after(_SECONDS):
            async with _client(entry, REVISIONS[revision]) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                first = time.monotonic() - began
                result = await client.call_tool("status", {})
    except TimeoutError:
        raise CheckError(f"{revision}: no answer within {_SECONDS:.0f} seconds.") from None
    except (OSError, MCPError, httpx2.HTTPError, ExceptionGroup) as error:
        raise CheckError(f"{revision}: {_innermost(error)}") from error
    if names != [tool["name"] for tool in TOOLS]:
        raise CheckError(f"{revision}: the tools are {', '.join(names)}, of another release.")
    status = _text(result)
    if result.is_error:
        raise CheckError(f"{revision}: status fails: {status}")
    return Answered(revision=revision, first_seconds=first, status=status)


@asynccontextmanager
async def _client(entry: Mapping[str, Any], mode: str) -> AsyncIterator[Client]:
    url = entry.get("url") or entry.get("httpUrl")
    if url is None:
        environment = {**os.environ, **entry.get("env", {})}
        started = StdioServerParameters(
            command=entry["command"], args=entry.get("args", []), env=environment
        )
        async with Client(stdio_client(started), mode=mode) as client:
            yield client
        return
    key = os.environ.get(KEY_VARIABLE)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if isinstance(block, TextContent))


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
