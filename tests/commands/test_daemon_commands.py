"""A file that a server of this machine holds: commands ask that server, without a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import done, mba, refused
from memory_commands import database, remembered, said
from served_commands import answering
from starlette.responses import PlainTextResponse

from mba_integrations.commands.serving.start import started
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.daemon.place import token_beside
from mba_integrations.services.memory.service import MemoryService

__all__ = ["database"]  # a fixture


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A file, and where the process answers that holds it."""
    path = tmp_path_factory.mktemp("held") / "memory.db"
    with (
        started(ServerSettings(port=0), str(path)) as server,
        answering(server.app, server.bound) as url,
    ):
        yield path, url


@pytest.fixture
def held(holder: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the process answers that holds the file of the commands."""
    monkeypatch.setenv("MBA_DB", str(holder[0]))
    return holder[1]


def test_a_file_that_is_held_is_reached_through_its_holder(held: str) -> None:
    result = mba("remember", "Kate moved to Lisbon.")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Lisbon" in done("recall", "Where does Kate live?")
    assert said("memories", "list")["memories"][0]["client"] == "mba"
    done("keys", "create", "app", "--scope", "read", "-w", "default")
    assert len(said("memories", "list")["memories"]) == 1  # the owner's token still holds
    found = json.loads(mba("doctor", "--json").stdout)
    assert found["lock"].startswith("held")
    assert found["findings"] == []


@pytest.mark.parametrize(
    "command",
    [("db", "upgrade"), ("jobs", "run"), ("backup", "restore", "x.db", "--yes")],
    ids=" ".join,
)
def test_what_only_works_on_the_file_names_its_holder(held: str, command: tuple[str, ...]) -> None:
    said_so = refused(*command, exit_code=3)
    assert held in said_so
    assert "End that process first" in said_so


def test_a_holder_that_serves_agents_alone_is_exit_code_3(database: Path) -> None:
    remembered("Kate skis.")
    with (
        answering(PlainTextResponse("Not found", 404)) as url,
        MemoryService.open(database, exclusive=True, url=url),
        token_beside(database),
    ):
        assert "serves agents alone" in refused("recall", "Kate?", exit_code=3)


def test_a_holder_that_does_not_answer_is_exit_code_3(database: Path) -> None:
    remembered("Kate skis.")
    with (
        MemoryService.open(database, exclusive=True, url="http://127.0.0.1:1"),
        token_beside(database),
    ):
        assert "is held by process" in refused("recall", "Kate?", exit_code=3)
