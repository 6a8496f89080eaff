"""What the MCP server may import: no other skin, and the SDK only where the protocol is spoken."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports import imports_of
from repository import ROOT

SERVICES = ROOT / "mba_integrations" / "services"
SKINS = {"api", "mcp", "gateway", "dashboard", "client"}
SDK = {"mcp", "mcp_types", "starlette", "uvicorn", "anyio"}
SPEAKING = {"server.py", "http.py", "late.py", "runner.py", "check.py"}
STANDARD_ONLY = ("daemon", "mcp/stdio")


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((SERVICES / folder).rglob("*.py")):
        for found in imports_of(path):
            yield path, found.module


def test_the_skin_imports_no_other() -> None:
    skins = {f"mba_integrations.services.{name}" for name in SKINS - {"mcp"}}
    wrong = [
        (path.name, module)
        for path, module in imported("mcp")
        if any(module == skin or module.startswith(f"{skin}.") for skin in skins)
    ]
    assert not wrong


def test_only_what_speaks_the_protocol_imports_the_sdk() -> None:
    speaking = {path.name for path, module in imported("mcp") if module.split(".")[0] in SDK}
    assert speaking <= SPEAKING


def test_a_server_that_is_asked_over_rest_alone_imports_no_sdk() -> None:
    at_once = ast.parse((SERVICES / "mcp" / "late.py").read_text(encoding="utf-8")).body
    named = [one.module or "" for one in at_once if isinstance(one, ast.ImportFrom)]
    assert "mba_integrations.services.mcp.definitions" in named
    assert not [one for one in named if one.startswith("mcp") or one.endswith("mcp.http")]


@pytest.mark.parametrize("folder", STANDARD_ONLY)
def test_what_is_started_often_imports_the_standard_library_alone(folder: str) -> None:
    import sys

    own = {
        *("core.errors", "services.daemon", "services.mcp.definitions", "services.mcp.stdio"),
        "services.store.sqlite.lock_file",
    }
    wrong = [
        (path.name, module)
        for path, module in imported(folder)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not any(module.startswith(f"mba_integrations.{name}") for name in own)
    ]
    assert not wrong
