"""The commands on memories that stay: what they keep, print and refuse."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import done, environment, mba, refused
from memory_commands import database, remembered, said

import mba_integrations.services as services

__all__ = ["database"]  # a fixture
KATE = "Kate moved to Lisbon in March."


# remember


def test_the_first_memory_needs_no_setup_and_says_what_it_made(database: Path) -> None:
    result = mba("remember", KATE)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"mba: note: new database {database}",
        "mba: note: new workspace 'default'",
    ]
    assert result.stdout.startswith("remembered  ")
    assert result.stdout.endswith(f"  {KATE}\n")
    assert "Lisbon" in done("recall", "Where does Kate live?")


def test_without_a_named_database_it_is_in_the_data_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    monkeypatch.delenv("MBA_DB")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
    done("remember", KATE)
    assert (tmp_path / "data" / "memory.db").exists()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_what_is_there_is_not_kept_twice() -> None:
    (first,) = remembered(KATE)
    result = said("remember", KATE, "Kate skis.")["results"]
    assert [one["created"] for one in result] == [False, True]
    assert result[0]["duplicate_of"] == first
    assert done("remember", KATE).startswith("known ")


def test_standard_input_is_one_memory_or_one_a_line() -> None:
    said("remember", "-", stdin="Kate\nskis.\n")
    said("remember", "-", "--lines", stdin="One.\n\nTwo.\n")
    texts = [one["content"] for one in said("memories", "list")["memories"]]
    assert texts == ["Two.", "One.", "Kate\nskis."]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        pytest.param(("remember", "-"), 1, "standard input is empty", id="nothing-piped"),
        pytest.param(("remember", " "), 1, "text is empty", id="blank"),
        pytest.param(("remember", "a", "--lines"), 2, "--lines is about standard", id="no-dash"),
        pytest.param(("remember", "a", "--tier", "x"), 2, "'x' is not one of", id="tier"),
        pytest.param(("remember", "a", "--expires", "soon"), 2, "ISO 8601", id="time"),
        pytest.param(("recall", "Kate?"), 1, "`mba remember TEXT` makes it", id="no-database"),
        pytest.param(("forget",), 2, "give ids, or options", id="forget-what"),
        pytest.param(("remember", "a", "-w", "kate"), 1, "mba workspaces create kate", id="named"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    assert says in refused(*arguments, exit_code=exit_code, stdin="")


def test_options_of_a_memory_are_kept() -> None:
    remembered(
        "The key rotates.",
        options=(
            *("--tier", "project", "--subject", "kate", "--source", "wiki", "--session", "s1"),
            *("--tag", "ops", "--tag", "key", "--importance", "0.9", "--pin"),
            *("--expires", "2100-01-01"),
        ),
    )
    (memory,) = said("memories", "list")["memories"]
    kept = ("tier", "subject", "source", "session_id", "tags", "importance", "pinned", "expires_at")
    assert [memory[name] for name in kept] == [
        *("project", "kate", "wiki", "s1", ["key", "ops"], 0.9, True),
        "2100-01-01T00:00:00+00:00",
    ]


# recall


def test_recall_prints_the_prompt_and_nothing_else() -> None:
    remembered(KATE)
    result = mba("recall", "Where does Kate live?", "--budget", "40", "--explain")
    assert result.stdout == f"## Long-term memory\n- {KATE}\n"
    assert "Tokens by tier" in result.stderr
    assert "mba: done: 1 of 1 items" in result.stderr


def test_recall_as_json_is_the_reply() -> None:
    (memory_id,) = remembered(KATE)
    remembered("Bread needs salt.", options=("--tag", "food"))
    reply = said("recall", "Where does Kate live?", "--budget", "40", "--session", "chat-7")
    assert [one["id"] for one in reply["selected"]][:1] == [memory_id]
    assert reply["used_tokens"] <= reply["budget_tokens"] == 40
    assert reply["session_id"] == "chat-7"
    narrowed = said("recall", "Kate?", "--tag", "food")
    assert narrowed["not_considered"]["filtered"] == 1


def test_recall_says_where_nothing_is_worth_its_tokens() -> None:
    remembered(KATE)
    result = mba("recall", "Kate?", "--tier", "rag")
    assert result.stdout == ""
    assert "nothing that is remembered is worth its tokens" in result.stderr
    assert "not considered: 1 filtered" in result.stderr


# forget


def test_a_forgotten_memory_is_recalled_no_more() -> None:
    (memory_id,) = remembered(KATE)
    assert said("forget", memory_id)["forgotten"] == [memory_id]
    assert "Lisbon" not in done("recall", "Where does Kate live?")
    assert "Lisbon" in done("memories", "list", "--state", "forgotten")


def test_forgetting_by_what_memories_have_in_common_wants_a_yes() -> None:
    remembered(KATE, "Kate skis.", "Bread needs salt.")
    assert "2 memories would be forgotten" in refused("forget", "--contains", "Kate")
    assert len(said("memories", "list")["memories"]) == 3
    assert len(said("forget", "--contains", "Kate", "--yes")["forgotten"]) == 2
    assert "no memory is like that" in refused("forget", "--contains", "Kate")


def test_nothing_of_an_erased_memory_stays(database: Path) -> None:
    remembered(KATE, "Kate skis.", options=("--subject", "kate"))
    remembered("Bread needs salt.")
    assert "gone for good" in refused("forget", "--subject", "kate", "--erase")
    assert b"Lisbon" in b"".join(path.read_bytes() for path in database.parent.iterdir())
    receipt = said("forget", "--subject", "kate", "--erase", "--yes")["erasure"]
    assert receipt["counts"]["memory"] == 2
    assert b"Lisbon" not in b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert "alone" in refused("forget", "--tag", "x", "--erase", exit_code=2)


# memories


def test_memories_are_listed_by_pages() -> None:
    remembered(*(f"Fact {number}." for number in range(3)))
    first = said("memories", "list", "-n", "2")
    rest = said("memories", "list", "-n", "2", "--after", str(first["after"]))
    texts = [one["content"] for one in (*first["memories"], *rest["memories"])]
    assert texts == ["Fact 2.", "Fact 1.", "Fact 0."]
    assert rest["after"] is None
    assert f"--after {first['after']}" in mba("memories", "list", "-n", "2").stderr


def test_a_memory_is_shown_with_what_is_known_of_it() -> None:
    (memory_id,) = remembered(KATE, options=("--tag", "city", "--pin"))
    shown = done("memories", "get", memory_id)
    assert KATE in shown
    assert "['city']" in shown
    assert "superseded_by" not in shown
    assert said("memories", "get", memory_id)["memory"]["tags"] == ["city"]


def test_a_memory_gets_a_time_to_expire_and_loses_it_again() -> None:
    (memory_id,) = remembered(KATE)
    (now,) = said("memories", "edit", memory_id, "--expires", "2001-01-01")["memories"]
    assert (now["id"], now["expires_at"]) == (memory_id, "2001-01-01T00:00:00+00:00")
    assert "Lisbon" not in done("recall", "Where does Kate live?")
    (now,) = said("memories", "edit", memory_id, "Kate skis.", "--never-expires")["memories"]
    assert (now["content"], now["expires_at"]) == ("Kate skis.", None)
    assert "Kate skis." in done("recall", "Kate?")


@pytest.mark.parametrize("options", [[], ["--expires", "2027-01-01", "--never-expires"]])
def test_an_edit_without_a_change_is_wrong_usage(options: list[str]) -> None:
    assert mba("memories", "edit", "x", *options).exit_code == 2


def test_a_memory_is_edited_moved_pinned_and_held_and_all_is_in_its_history() -> None:
    (memory_id,) = remembered(KATE)
    edited = said("memories", "edit", memory_id, "-", stdin="Kate moved to Porto.\n")
    (now,) = (one for one in edited["memories"] if one["state"] == "active")
    assert now["content"] == "Kate moved to Porto."
    said("memories", "move", now["id"], "--to", "project", "--reason", "it is about work")
    assert said("memories", "pin", now["id"])["memories"][0]["pinned"]
    assert not said("memories", "pin", now["id"], "--off")["memories"][0]["pinned"]
    assert said("memories", "hold", now["id"])["memories"][0]["held"]
    history = said("memories", "history", memory_id)
    assert [one["content"] for one in history["memories"]] == [KATE, "Kate moved to Porto."]
    printed = done("memories", "history", memory_id)
    assert "long_term -> project" in printed
    assert "it is about work" in printed


# workspaces


def test_workspaces_are_made_listed_and_deleted() -> None:
    settings = said("workspaces", "create", "kate", "--template", "conversation")["settings"]
    assert settings["workspace_id"] == "kate"
    remembered(KATE, options=("-w", "kate", "--tier", "project"))
    (row,) = said("workspaces", "list")["workspaces"]
    assert (row["workspace_id"], row["memories"]["project"]) == ("kate", 1)
    assert "'kate' and 1 memories would go" in refused("workspaces", "delete", "kate")
    assert said("workspaces", "delete", "kate", "--yes")["deleted"]["memory"] == 1
    assert said("workspaces", "list")["workspaces"] == []


def test_workspaces_do_not_see_each_other() -> None:
    done("workspaces", "create", "kate")
    remembered(KATE, options=("-w", "kate"))
    remembered("Bread needs salt.")
    assert [one["content"] for one in said("memories", "list")["memories"]] == ["Bread needs salt."]


# jobs


def test_vectors_of_new_memories_are_made_before_the_command_ends() -> None:
    remembered(KATE, options=("--local",))
    (job,) = said("jobs", "list")["jobs"]
    assert job["state"] == "done"
    assert job["kind"] in done("jobs", "list")
    assert said("jobs", "run")["begun"] == 0
    assert "no job" in refused("jobs", "retry", "nothing")


# the database


def test_a_database_of_another_process_is_exit_code_3(database: Path) -> None:
    from mba_integrations.services import MemoryService

    with MemoryService.open(database, exclusive=True):
        assert "is held by process" in refused("recall", "Kate?", exit_code=3)


def test_a_file_that_is_no_database_is_refused(database: Path) -> None:
    database.write_text("no database " * 100)
    assert str(database) in refused("recall", "Kate?")


@pytest.mark.parametrize("command", ["remember", "recall"])
def test_a_missing_extra_is_named(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "sqlalchemy" else find(name, *more),
    )
    for name in ("MemoryService", "NewMemory"):
        monkeypatch.delitem(vars(services), name, raising=False)
    assert "mba-integrations[memory]" in refused(command, "x", "--db", "postgresql://nowhere")


def test_other_commands_do_not_load_the_store() -> None:
    code = (
        "import sys\nfrom mba_integrations.commands.application import app\n"
        "print({'sqlalchemy', 'alembic'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert found.stdout.strip() == "set()"
