"""What clients are told costs few tokens, is the same in every process, and by proxy and server."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from mcp_clients import BASE, Keyed
from repository import ROOT

from mba_integrations import counter_for_model
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.mcp.arguments import checked_arguments
from mba_integrations.services.mcp.definitions import TOOLS
from mba_integrations.services.mcp.http import mcp_app
from mba_integrations.services.mcp.stdio.answers import (
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    VERSION_KEY,
    answer,
)
from mba_integrations.services.memory.service import MemoryService

MOST_TOKENS = 700
_HASHED = """
import hashlib, json
from mba_integrations.services.mcp.definitions import TOOLS
print(hashlib.sha256(json.dumps(TOOLS).encode()).hexdigest())
"""


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(compact(TOOLS), id="all-that-goes-over-the-wire"),
        pytest.param(
            json.dumps(
                [
                    {
                        "name": tool["name"],
                        "description": tool["description"],
                        "input_schema": tool["inputSchema"],
                    }
                    for tool in TOOLS
                ]
            ),
            id="what-a-model-is-given",
        ),
    ],
)
def test_all_definitions_together_have_few_tokens(sent: str) -> None:
    assert counter_for_model("gpt-4o").count(sent) <= MOST_TOKENS


def test_definitions_are_the_same_bytes_in_every_process() -> None:
    own = hashlib.sha256(json.dumps(TOOLS).encode()).hexdigest()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        said = subprocess.check_output([sys.executable, "-c", _HASHED], env=environment, text=True)
        assert said.strip() == own


def test_the_tiers_are_those_of_the_model() -> None:
    recall = TOOLS[0]["inputSchema"]["properties"]
    assert recall["tiers"]["items"]["enum"] == list(MemoryTier)


@pytest.mark.parametrize("tool", [tool["name"] for tool in TOOLS])
def test_no_tool_takes_a_workspace_and_each_says_what_it_changes(tool: str) -> None:
    (defined,) = [one for one in TOOLS if one["name"] == tool]
    with pytest.raises(InputError):
        checked_arguments(tool, {"workspace": "bob"})
    reads = tool in ("recall", "explain", "status")
    assert defined["annotations"].get("readOnlyHint", False) is reads
    if not reads:
        assert defined["annotations"]["destructiveHint"] is (tool == "forget")


def _asked(method: str, era: str) -> tuple[dict[str, Any], dict[str, str]]:
    client = {"name": "test", "version": "1"}
    if era == MODERN_VERSION:
        keys = {VERSION_KEY: era, CLIENT_KEY: client}
        params: dict[str, Any] = {
            "_meta": {**keys, "io.modelcontextprotocol/clientCapabilities": {}}
        }
    elif method == "initialize":
        params = {"protocolVersion": era, "capabilities": {}, "clientInfo": client}
    else:
        params = {}
    headers = {"MCP-Protocol-Version": era, "Mcp-Method": method, "Authorization": "Bearer kate"}
    return params, {**headers, "Accept": "application/json, text/event-stream"}


_LISTS = ("tools/list", "prompts/list", "resources/templates/list")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("era", "methods"),
    [
        *((era, ("initialize", "ping", *_LISTS)) for era in HANDSHAKE_VERSIONS),
        (MODERN_VERSION, ("server/discover", *_LISTS)),
    ],
    ids=[*HANDSHAKE_VERSIONS, MODERN_VERSION],
)
async def test_the_proxy_answers_as_the_server_does(
    service: MemoryService, era: str, methods: tuple[str, ...]
) -> None:
    app = mcp_app(service)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=Keyed(app)))
    async with app.lifespan(), http:
        for method in methods:
            params, headers = _asked(method, era)
            message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            said = await http.post(f"{BASE}/mcp/kate", json=message, headers=headers)
            own = answer(method, params, era)
            assert json.loads(json.dumps(own)) == said.json()["result"], method


def test_the_proxy_leaves_to_the_server_what_it_does_not_know() -> None:
    assert answer("tools/call", {}, MODERN_VERSION) is None
    assert answer("resources/list", {}, HANDSHAKE_VERSIONS[-1]) is None
    assert answer("server/discover", {}, "2031-01-01") is None
    unknown = answer("initialize", {"protocolVersion": "1999-01-01"}, "2025-11-25")
    assert unknown is not None
    assert unknown["protocolVersion"] == "2025-11-25"
