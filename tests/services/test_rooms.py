"""The rooms of the services import what the page on architecture says, and only skins the web."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from imports import imports_of
from repository import ROOT

SERVICES = ROOT / "mba_integrations" / "services"
NAME = "mba_integrations.services"
_ROW = re.compile(r"^\| `([a-z0-9]+)/` \| [^|]+ \| ([^|]*)\|$", re.MULTILINE)
SKINS = {"api", "dashboard", "gateway", "mcp"}
WEB = {"fastapi", "starlette", "uvicorn", "prometheus_client", "mcp"}
CLIENTS = {"httpx2"}


def rooms_of_the_page() -> dict[str, set[str]]:
    """Each room with what its row says it may import, in the order of the page."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Rooms of the services")[1].split("\n## ")[0]
    return {name: set(re.findall(r"`(\w+)`", opens)) for name, opens in _ROW.findall(table)}


ROOMS = rooms_of_the_page()


def imported(room: str) -> Iterator[str]:
    for path in sorted((SERVICES / room).rglob("*.py")):
        yield from (found.module for found in imports_of(path))


def test_the_page_names_the_rooms_that_there_are() -> None:
    there = {one.name for one in SERVICES.iterdir() if (one / "__init__.py").exists()}
    assert ROOMS.keys() == there


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_row_says(room: str) -> None:
    opened = {name.split(".")[2] for name in imported(room) if name.startswith(f"{NAME}.")}
    assert opened - {room} == ROOMS[room]


@pytest.mark.parametrize("room", ROOMS)
def test_only_skins_import_the_web(room: str) -> None:
    allowed = WEB | CLIENTS if room in SKINS else CLIENTS if room == "client" else set()
    used = {name.split(".")[0] for name in imported(room)}
    assert used & (WEB | CLIENTS) <= allowed


def test_no_room_in_commands_loads_a_server_when_it_is_imported() -> None:
    commands = ROOT / "mba_integrations" / "commands"
    wrong = [
        (str(path.relative_to(ROOT)), found.module)
        for path in sorted(commands.rglob("*.py"))
        for found in imports_of(path)
        if found.at_import and _is_of_a_server(found.module)
    ]
    assert not wrong


def _is_of_a_server(module: str) -> bool:
    return module.split(".")[0] in WEB | CLIENTS or module.startswith(f"{NAME}.api")
