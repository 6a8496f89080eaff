"""`mba feedback`: what is said of a recall, on the file and against a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import done, mba, refused
from memory_commands import database, remembered, said
from served_commands import answering, use_service

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService

__all__ = ["database"]  # a fixture
QUERY = "Where does Kate live?"


def recalled() -> tuple[str, str, str]:
    """A recall, and the two memories of its prompt."""
    lisbon, skis = remembered("Kate moved to Lisbon.", "Kate skis.")
    return said("recall", QUERY)["allocation_id"], lisbon, skis


def test_what_is_said_is_shown_by_origin(tmp_path: Path) -> None:
    allocation_id, lisbon, skis = recalled()
    answer = tmp_path / "answer.txt"
    answer.write_text("In Lisbon.")
    options = ("--query", QUERY, "--answer", str(answer), "--useless", skis, "--up")
    given = mba("feedback", allocation_id, *options, "--cited", lisbon, "--cited", "x")
    assert given.exit_code == 0
    assert given.stderr.splitlines()[-1] == "mba: note: x was not in the prompt"
    lines = {
        "thumb   useful    1.00  the whole prompt",
        f"cited   useful    1.00  {lisbon}",
        f"overlap useful    0.50  {lisbon}",
        f"cited   useless   0.50  {skis}",
        f"overlap useless   0.50  {skis}",
        f"thumb   useless   1.00  {skis}",
    }
    assert set(given.stdout.splitlines()) == lines
    assert set(done("feedback", allocation_id).splitlines()) == lines
    rows = said("feedback", allocation_id)["feedback"]
    assert (rows[0]["memory_id"], rows[0]["useful"], rows[0]["origin"]) == (None, True, "thumb")


def test_an_answer_may_come_from_a_pipe() -> None:
    allocation_id, lisbon, _ = recalled()
    options = ("--query", QUERY, "--answer", "-")
    rows = said("feedback", allocation_id, *options, stdin="In Lisbon.")["feedback"]
    assert {one["memory_id"]: one["useful"] for one in rows}[lisbon] is True


def test_a_recall_of_which_nothing_was_said_says_so() -> None:
    allocation_id, *_ = recalled()
    shown = mba("feedback", allocation_id)
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr == "mba: note: nothing was said of it\n"


def test_what_cannot_be_said_is_refused() -> None:
    allocation_id, lisbon, _ = recalled()
    both = ("--useful", lisbon, "--useless", lisbon)
    assert "by --useful and by --useless" in refused("feedback", allocation_id, *both)
    assert "no allocation 'x'" in refused("feedback", "x", "--down")
    assert "was not in the prompt" in refused("feedback", allocation_id, "--useful", "x")
    assert "has no text of allocation" in refused("feedback", allocation_id, "--answer", __file__)


def test_a_server_is_told_as_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryService.open(tmp_path / "served.db", background=False) as service:
        use_service(monkeypatch, service, tmp_path)
        service.create_workspace("default")
        allocation_id, lisbon, skis = recalled()
        options = ("--query", QUERY, "--answer", "-", "--useless", skis, "--cited", lisbon, "--up")
        with answering(create_app(service, ServerSettings(token="owner"))) as url:
            for command in ((*options, "--cited", "x"), (), ("--useful", "x")):
                given = ("feedback", allocation_id, *command)
                here, there = (
                    mba(*given, *where, stdin="In Lisbon.") for where in ((), ("--url", url))
                )
                assert there.stdout == here.stdout
                assert there.stderr == here.stderr
                assert there.exit_code == here.exit_code
