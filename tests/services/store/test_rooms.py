"""The rooms of the store import those above them alone, and the page on architecture says so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from imports import imports_of
from repository import ROOT

STORE = ROOT / "mba_integrations" / "services" / "store"
NAME = "mba_integrations.services.store"
_ROW = re.compile(r"^\| `([a-z]+)(?:\.py|/)` \| [^|]+ \| ([^|]*)\|$", re.MULTILINE)


def rooms_of_the_page() -> dict[str, set[str]]:
    """Each room with what its row says it may import, in the order of the page."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Rooms of the store")[1].split("\n## ")[0]
    return {name: set(re.findall(r"`(\w+)`", opens)) for name, opens in _ROW.findall(table)}


ROOMS = rooms_of_the_page()


def rooms_opened(room: str) -> Iterator[str]:
    path = STORE / room
    for one in [path.with_suffix(".py")] if not path.is_dir() else sorted(path.rglob("*.py")):
        for found in imports_of(one):
            if found.module.startswith(f"{NAME}."):
                yield found.module.split(".")[3]


def test_the_page_names_the_rooms_that_there_are() -> None:
    there = {one.stem for one in STORE.iterdir() if not one.name.startswith("__")}
    assert ROOMS.keys() == there


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_row_says(room: str) -> None:
    assert set(rooms_opened(room)) - {room} == ROOMS[room]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_above_it(room: str) -> None:
    order = list(ROOMS)
    assert all(order.index(other) < order.index(room) for other in ROOMS[room])


@pytest.mark.parametrize("room", [one for one in ROOMS if (STORE / one).is_dir()])
def test_a_folder_says_its_job_what_it_may_import_and_what_it_offers(room: str) -> None:
    tree = ast.parse((STORE / room / "__init__.py").read_text(encoding="utf-8"))
    says = " ".join((ast.get_docstring(tree) or "").split())
    assert len(tree.body) == 1, "a room has one path to each name, so it re-exports none"
    assert "Offers " in says
    assert not [name for name in ROOMS[room] if f"`{name}`" not in says]
