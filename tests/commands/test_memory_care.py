"""The commands that keep a database in order: retention, moves, files, backups, vectors, doctor."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import CHAT, done, mba, refused
from memory_commands import database, remembered, said

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.transfer.transfer import ImportFormat

__all__ = ["database"]  # a fixture
KATE = "Kate moved to Lisbon in March."


def texts() -> list[str]:
    return [one["content"] for one in said("memories", "list")["memories"]]


# retention


def test_rules_are_set_for_one_tier_and_shown() -> None:
    remembered(KATE)
    said("retention", "set", "working", "--max-items", "500", "--on-limit", "demote")
    kept = said("retention", "set", "long_term", "--max-idle-days", "365")["retention"]
    assert kept["working"]["max_items"] == 500
    assert kept["long_term"]["max_idle_days"] == 365.0
    assert said("retention", "show")["retention"] == kept
    table = done("retention", "show")
    assert "500" in table
    assert "demote" in table
    cleared = said("retention", "set", "working")["retention"]
    assert cleared["working"]["max_items"] is None


def test_what_would_go_is_shown_before_it_goes() -> None:
    remembered(KATE, "Bread needs salt.", "Tom reads.")
    done("retention", "set", "long_term", "--max-items", "2")
    preview = said("retention", "preview")
    assert preview["going"] == 1
    assert preview["counts"] == [
        {"tier": "long_term", "action": "forget", "rule": "max_items", "count": 1}
    ]
    assert "max_items is 2" in done("retention", "preview")
    assert len(texts()) == 3
    assert said("retention", "apply")["counts"] == {"forget": 1}
    assert len(texts()) == 2
    assert "Nothing goes." in done("retention", "preview")


def test_a_rule_out_of_its_range_is_refused() -> None:
    remembered(KATE)
    assert "max_age_days" in refused("retention", "set", "rag", "--max-age-days", "-1")


# order on a schedule, and functions of the user's own


def test_a_workspace_is_put_in_order_now_and_on_a_schedule_until_it_is_stopped() -> None:
    remembered("Kate skis.", "KATE skis", options=("--importance", "0.9"))
    started = said("lifecycle", "start", "--every-hours", "2", "--max-moves-pct", "7")
    assert (started["plan"]["every_hours"], started["plan"]["max_moves_pct"]) == (2.0, 7.0)
    assert started["last_report"]["linked"] == 1
    assert said("jobs", "run")["begun"] == 0
    assert said("lifecycle", "status") == started
    assert "linked                  1" in done("lifecycle", "status")
    assert said("lifecycle", "stop") == {"schema_version": 1, "stopped": True}
    assert said("lifecycle", "status")["plan"] is None
    assert "max_moves_pct" in refused("lifecycle", "start", "--max-moves-pct", "101")


FUNCTIONS = """
from mba_integrations.services import MergeProposal

def organise(items):
    pair = tuple(item.id for item in items[:2])
    return [MergeProposal(memory_ids=pair, content="Kate skis and swims.", reason="alike")]

def extract(messages):
    return ["Fact: " + message["content"] for message in messages if message["role"] == "user"]

nothing = 7
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "functions_of_mine.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.usefixtures("functions")
def test_what_an_organiser_proposes_is_merged_when_a_person_accepts_it() -> None:
    both = remembered("Kate skis.", "Kate swims.")
    options = ("--organiser", "functions_of_mine:organise")
    [proposal] = said("lifecycle", "propose", *options)["proposals"]
    assert (proposal["memory_ids"], proposal["reason"]) == (both, "alike")
    assert said("lifecycle", "proposals")["proposals"] == [proposal]
    assert "Kate skis and swims." in done("lifecycle", "proposals")
    said("lifecycle", "accept", proposal["proposal_id"])
    assert texts() == ["Kate skis and swims."]
    assert said("lifecycle", "proposals")["proposals"] == []


@pytest.mark.usefixtures("functions")
def test_an_extractor_gets_the_messages_of_a_chat(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "I ski."}, {"role": "assistant", "content": "Nice."}]
    (tmp_path / "chat.json").write_text(json.dumps(chat))
    options = ("--from", "chat", "--extractor", "functions_of_mine:extract")
    said("import", str(tmp_path / "chat.json"), *options)
    assert texts()[0] == "Fact: I ski."


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("organise", "must be MODULE:FUNCTION", id="no-module"),
        pytest.param("not_there:organise", "No module named 'not_there'", id="unknown-module"),
        pytest.param("functions_of_mine:x", "has no attribute 'x'", id="unknown-function"),
        pytest.param("functions_of_mine:nothing", "is 7, and no function", id="number"),
    ],
)
def test_what_is_no_function_is_refused(name: str, says: str) -> None:
    remembered("Kate skis.")
    assert says in refused("lifecycle", "propose", "--organiser", name)


# lifecycle


def test_a_review_is_applied_and_undone() -> None:
    (memory_id,) = remembered(KATE, options=("--tier", "working", "--importance", "0"))
    done("workspaces", "create", "strict", "--template", "default")
    review = said("lifecycle", "review")
    assert review["staying"] + len(review["moves"]) == 1
    moved = said("lifecycle", "apply", review["review_id"])["moved"]
    assert moved == [one["item_id"] for one in review["moves"]]
    if moved:
        assert said("lifecycle", "undo", review["review_id"])["moved"] == [memory_id]
    assert "review" in refused("lifecycle", "apply", "nothing")


# export and import


def test_an_export_is_imported_into_another_database(tmp_path: Path) -> None:
    remembered(KATE, "Bread needs salt.")
    file = str(tmp_path / "memories.jsonl")
    assert said("export", file)["count"] == 2
    other = ("--db", str(tmp_path / "other.db"))
    assert said("import", file, "--dry-run", *other)["created"] == 2
    assert said("import", file, *other)["created"] == 2
    assert said("import", file, *other)["duplicates"] == 2
    assert len(said("memories", "list", *other)["memories"]) == 2


def test_files_and_folders_of_others_are_imported(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "install.md").write_text("# Install\n\nRun pip install it.")
    (tmp_path / "chat.json").write_text(json.dumps(CHAT))
    assert said("import", str(tmp_path / "docs"))["created"] == 1
    result = mba("import", str(tmp_path / "chat.json"), "--from", "chat")
    assert "remembered, 0 known before, 0 refused" in result.stderr
    assert "Say what it is with --from" in refused("import", str(tmp_path / "chat.json"))
    assert "mcp_memory" in refused("import", str(tmp_path / "chat.json"), "--from", "x")


def test_the_help_names_every_format_of_an_import() -> None:
    shown = done("import", "--help")
    assert [kind for kind in ImportFormat if kind.value not in shown] == []


# backup and db


def test_a_copy_is_made_checked_and_put_back(tmp_path: Path, database: Path) -> None:
    remembered(KATE)
    copy = str(tmp_path / "copy.db")
    assert said("backup", "create", copy)["manifest"]["memories"] == 1
    assert said("backup", "verify", copy)["manifest"]["memories"] == 1
    remembered("Bread needs salt.")
    assert f"{database} would be replaced" in refused("backup", "restore", copy)
    assert said("backup", "restore", copy, "--yes")["manifest"]["memories"] == 1
    assert texts() == [KATE]
    (tmp_path / "copy.db").write_bytes(b"damaged")
    assert "copy.db" in refused("backup", "verify", copy)


def test_revision_and_soundness_of_a_database_are_shown(database: Path) -> None:
    remembered(KATE)
    now = said("db", "current")
    assert now["revision"] == now["release"]
    assert said("db", "upgrade")["revision"] == now["release"]
    assert said("db", "check")["problems"] == []
    assert "is whole" in mba("db", "check").stderr


# embeddings


def test_vectors_are_made_for_all_memories_at_once() -> None:
    remembered(KATE, "Bread needs salt.")
    assert "no vectors" in mba("embeddings", "status").stderr
    migrated = said("embeddings", "migrate", "--to", "local")
    assert migrated["coverage"] == {migrated["model"]: 1.0}
    assert "100.0%" in done("embeddings", "status")
    assert said("embeddings", "status")["coverage"] == migrated["coverage"]


# doctor


def test_doctor_finds_nothing_where_all_is_well(database: Path) -> None:
    remembered(KATE)
    found = said("doctor")
    assert found["findings"] == []
    assert found["journal_mode"] == "wal"
    assert found["lock"] == "free"
    assert found["workspaces"][0]["memories"]["long_term"] == 1
    assert "All is well." in done("doctor")


def test_doctor_says_what_to_do(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mba_integrations.commands.memory import doctor

    remembered(KATE, options=("--local",))
    remembered("Bread needs salt.")
    monkeypatch.setattr(doctor, "_LEAST_FREE_BYTES", 10**18)
    result = mba("doctor", "--json")
    assert result.exit_code == 1
    advice = [one["advice"] for one in json.loads(result.stdout)["findings"]]
    assert advice == [
        "Free some space.",
        "Make the others with `mba embeddings migrate -w default --to local`.",
    ]


def test_doctor_looks_at_a_database_that_cannot_be_opened(database: Path) -> None:
    with MemoryService.open(database, exclusive=True):
        result = mba("doctor")
    assert result.exit_code == 1
    assert "is held by process" in result.stdout
