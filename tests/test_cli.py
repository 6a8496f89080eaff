"""The command line: what it prints where, its exit codes, and that its own examples run."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mba_integrations import (
    MemoryBudgetConfigLoader,
    MemoryTier,
    QueryComplexity,
    counter_for_model,
)
from mba_integrations.cli import main
from mba_integrations.commands import allocate, config, demo, explain, stats
from mba_integrations.commands.application import app
from mba_integrations.commands.why import least_budget
from mba_integrations.commands.workspaces import workspaces
from mba_integrations.core.allocation_log import AllocationRecord, TierRecord

ROOT = Path(__file__).parent.parent
NOTES = (
    {"id": "kate-ski", "content": "Kate likes skiing in the north.", "tier": "project"},
    {"id": "kate-oslo", "content": "Kate lives in Oslo, near the harbour.", "tier": "long_term"},
    {"id": "bread", "content": "Bread needs salt, water, flour and time.", "tier": "rag"},
    {"id": "greeting", "content": "Hello, how can I help?", "tier": "working"},
)
CHAT = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "I moved to Oslo."},
    {"role": "assistant", "content": "How is it?"},
    {"role": "user", "content": "Where do I live?"},
)
WORKSPACES = """
workspaces:
  notes:
    max_total_tokens: 1000
    tier_allocation:
      working_memory_pct: 0.25
      project_memory_pct: 0.25
      long_term_memory_pct: 0.25
      rag_memory_pct: 0.25
"""
QUESTION = ("--query", "Where does Kate live?")


def record() -> AllocationRecord:
    return AllocationRecord(
        timestamp=datetime.now(UTC).isoformat(),
        workspace_id="default",
        complexity=QueryComplexity.SIMPLE,
        budget_tokens=100,
        used_tokens=90,
        value=1.0,
        upper_bound=1.0,
        duration_ms=2.0,
        tiers={
            MemoryTier.RAG: TierRecord(budget_tokens=100, used_tokens=90, selected=2, omitted=1)
        },
        omission_reasons={"outranked": 1},
        selected_count=2,
        counter_id="words",
        exact=True,
        notes=(),
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with every file that the examples name."""
    here = tmp_path / "here"
    (here / "docs").mkdir(parents=True)
    (here / "settings").mkdir()
    (tmp_path / "another-project").mkdir()
    (tmp_path / "another-project" / "README.md").write_text("# Another\n\nproject")
    (here / "docs" / "install.md").write_text("# Install\n\nRun pip install it.")
    (here / "notes.jsonl").write_text("".join(json.dumps(note) + "\n" for note in NOTES))
    (here / "chat.json").write_text(json.dumps(CHAT))
    (here / "workspaces.yaml").write_text(WORKSPACES)
    (here / "log.jsonl").write_text(json.dumps(record().to_dict()) + "\n")
    monkeypatch.chdir(here)
    return here


def mba(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def done(*arguments: str, stdin: str | None = None) -> str:
    """Standard output of a command that succeeds."""
    result = mba(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(*arguments: str, exit_code: int = 1, stdin: str | None = None) -> str:
    """Standard error of a command that fails without a result and without a traceback."""
    result = mba(*arguments, stdin=stdin)
    assert result.exit_code == exit_code
    assert not result.stdout
    assert isinstance(result.exception, SystemExit)
    return result.stderr


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def allocation_of(*arguments: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(done("allocate", "--json", *arguments))
    return parsed


# allocate


def test_the_prompt_and_nothing_else_goes_to_standard_output(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--budget", "40")
    prompt = result.stdout
    assert "- Kate lives in Oslo, near the harbour.\n" in prompt
    assert all(line.startswith(("## ", "- ")) for line in prompt.splitlines())
    assert counter_for_model("gpt-4o").count(prompt) <= 40
    (summary,) = result.stderr.splitlines()
    assert re.match(r"mba: done: \d of 4 items, \d+ of 40 tokens", summary)


def test_json_is_the_allocation(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--budget", "40")
    assert allocation["schema_version"] == 1
    assert allocation["used_tokens"] <= allocation["budget_tokens"] == 40
    assert len(allocation["selected"]) + len(allocation["omitted"]) == 4


def test_standard_input_is_read_for_a_dash(folder: Path) -> None:
    line = json.dumps({"id": "x", "content": "From the pipe.", "tier": "rag"})
    assert "From the pipe." in done("allocate", "-m", "-", "-q", "pipe?", stdin=line)


def test_inputs_are_combined(folder: Path) -> None:
    allocation = allocation_of(
        *("-m", "notes.jsonl", "--messages", "chat.json", "--folder", "docs")
    )
    assert {entry["id"] for entry in allocation["selected"]} >= {
        "kate-oslo",
        "chat.json#3",
        "docs/install.md#0",
    }


def test_the_last_user_message_is_the_query_and_pinned(folder: Path) -> None:
    allocation = allocation_of("--messages", "chat.json")
    assert allocation["query"] == "Where do I live?"
    assert [entry["id"] for entry in allocation["selected"] if entry["pinned"]] == [
        "chat.json#0",
        "chat.json#3",
    ]
    loose = allocation_of("--messages", "chat.json", "--no-pin-last")
    assert [entry["id"] for entry in loose["selected"] if entry["pinned"]] == ["chat.json#0"]


def test_messages_are_printed_as_json(folder: Path) -> None:
    messages = json.loads(done("allocate", "--messages", "chat.json", "--format", "messages"))
    assert messages[-1] == {"role": "user", "content": "Where do I live?"}


def test_xml_is_printed(folder: Path) -> None:
    assert "<item>Kate lives" in done("allocate", "-m", "notes.jsonl", *QUESTION, "-f", "xml")


def test_workspace_of_another_file_is_used(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--config", "workspaces.yaml")
    assert allocation["workspace_id"] == "notes"


def test_model_decides_who_counts(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--model", "gpt-4")
    assert allocation["counter_id"].endswith("cl100k_base")


def test_explain_adds_tables_on_standard_error(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--budget", "40", "--explain")
    assert "Tokens by tier" in result.stderr
    assert "Tokens by tier" not in result.stdout


def test_local_embedder_changes_the_signals(folder: Path) -> None:
    pytest.importorskip("wordllama")
    words = allocation_of("-m", "notes.jsonl", "-q", "mountain sport")
    meaning = allocation_of("-m", "notes.jsonl", "-q", "mountain sport", "--local")
    assert [entry["relevance"] for entry in words["selected"]] != [
        entry["relevance"] for entry in meaning["selected"]
    ]


def test_now_makes_equal_runs_equal(folder: Path) -> None:
    dated = {**NOTES[1], "created_at": "2026-01-01T00:00:00Z"}
    Path("dated.jsonl").write_text(json.dumps(dated))
    runs = [
        allocation_of("-m", "dated.jsonl", *QUESTION, "--now", now)
        for now in ("2026-01-31", "2026-01-31T00:00:00+00:00", "2026-03-31")
    ]
    freshness = [run["selected"][0]["freshness"] for run in runs]
    assert freshness[0] == freshness[1] > freshness[2]


def test_lone_surrogates_and_control_characters_do_not_stop_the_output(folder: Path) -> None:
    line = '{"id": "\\u001b[31m", "content": "odd \\ud800 \\u001b[31m text", "tier": "rag"}'
    Path("odd.jsonl").write_text(line)
    assert "odd" in done("allocate", "-m", "odd.jsonl", "-q", "odd")
    assert json.loads(done("allocate", "-m", "odd.jsonl", "-q", "odd", "--json"))
    assert "\x1b" not in done("explain", "-m", "odd.jsonl", "-q", "odd")


def test_unused_embeddings_are_noted(folder: Path) -> None:
    Path("vectors.jsonl").write_text(json.dumps({**NOTES[0], "embedding": [1.0, 0.0]}))
    assert "embeddings are not used" in mba("allocate", "-m", "vectors.jsonl", *QUESTION).stderr


# Errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("-m", "no.jsonl", *QUESTION), "no.jsonl: cannot be read", id="no-file"),
        pytest.param(("-m", "bad.jsonl", *QUESTION), "bad.jsonl:1: ", id="bad-line"),
        pytest.param(
            ("-m", "notes.jsonl", *QUESTION, "-w", "nope"), "Known are: default,", id="workspace"
        ),
        pytest.param(("--folder", "nope", *QUESTION), "nope: does not exist", id="no-folder"),
        pytest.param(("--folder", "settings", *QUESTION), "no memory items", id="empty-folder"),
        pytest.param(
            ("-m", "notes.jsonl", "-m", "notes.jsonl", *QUESTION), "id 'kate-ski'", id="duplicate"
        ),
        pytest.param(("--messages", "chat.json", "-b", "3"), "pinned items need", id="pins"),
        pytest.param(
            ("-m", "notes.jsonl", *QUESTION, "-c", "no.yaml"), "no.yaml", id="no-config-file"
        ),
        pytest.param(("-m", "notes.jsonl", *QUESTION, "-c", "bad.yaml"), "bad.yaml:", id="config"),
    ],
)
def test_problem_is_one_line_and_exit_code_one(
    folder: Path, arguments: tuple[str, ...], problem: str
) -> None:
    Path("bad.jsonl").write_text("{}\n")
    Path("bad.yaml").write_text(WORKSPACES.replace("0.25", "0.5") + "  other: 3\n")
    stderr = refused("allocate", *arguments)
    (line,) = stderr.splitlines()
    assert line.startswith("mba: error: ")
    assert problem in line


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("allocate", *QUESTION), "--memories, --messages, --folder", id="no-input"),
        pytest.param(("allocate", "-m", "notes.jsonl"), "--query is needed", id="no-query"),
        pytest.param(
            ("allocate", "-m", "-", "--messages", "-", *QUESTION), "once only", id="stdin-twice"
        ),
        pytest.param(("allocate", "-m", "notes.jsonl", "-b", "0"), "--budget", id="budget-zero"),
        pytest.param(
            ("allocate", "-m", "notes.jsonl", *QUESTION, "--now", "soon"), "ISO 8601", id="now"
        ),
        pytest.param(("allocate", "--nope"), "--nope", id="unknown-option"),
        pytest.param(("nope",), "nope", id="unknown-command"),
        pytest.param(("log", "export", "log.jsonl"), "OUT", id="missing-argument"),
    ],
)
def test_wrong_usage_is_exit_code_two(
    folder: Path, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in refused(*arguments, exit_code=2)


def test_a_log_that_cannot_be_written_does_not_stop_the_prompt(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--log", "no/such/folder.jsonl")
    assert result.exit_code == 0
    assert "Kate" in result.stdout
    assert "could not be written" in result.stderr


# explain


def test_explain_lists_every_item(folder: Path) -> None:
    shown = done("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20")
    assert "complexity simple" in shown
    assert "In the prompt:" in shown
    assert "Left out:" in shown
    assert all(note["id"] in shown for note in NOTES)


def test_rows_limit_the_lists(folder: Path) -> None:
    arguments = ("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20", "--rows")
    assert "the first 1" in done(*arguments, "1")
    assert "the first" not in done(*arguments, "0")


def test_why_names_a_budget_that_brings_the_item_in(folder: Path) -> None:
    arguments = ("-m", "notes.jsonl", *QUESTION)
    shown = done("explain", *arguments, "--budget", "20", "--why", "bread")
    found = re.search(r"A budget of (\d+) tokens would bring it in \((\d+) is not\)", shown)
    assert found is not None
    enough, below = (allocation_of(*arguments, "--budget", found[n]) for n in (1, 2))
    assert "bread" in {entry["id"] for entry in enough["selected"]}
    assert "bread" in {entry["id"] for entry in below["omitted"]}


def test_why_names_the_least_budget_of_a_selected_item(folder: Path) -> None:
    shown = done("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20", "--why", "kate-oslo")
    assert "'kate-oslo' is in the prompt" in shown
    assert "is enough for it" in shown


def test_why_of_an_unknown_item_is_refused(folder: Path) -> None:
    assert "no item 'nope'" in refused("explain", "-m", "notes.jsonl", *QUESTION, "--why", "nope")


def test_no_budget_is_found_for_what_never_comes_in() -> None:
    tried: list[int] = []

    def never(budget_tokens: int) -> bool:
        tried.append(budget_tokens)
        return False

    assert least_budget(never, 100) is None
    assert len(tried) < 40


def test_explaining_writes_no_log(folder: Path) -> None:
    logged = WORKSPACES + "    logging:\n      path: other.jsonl\n"
    Path("logged.yaml").write_text(logged)
    mba("explain", "-m", "notes.jsonl", *QUESTION, "-c", "logged.yaml", "--why", "bread")
    assert not Path("other.jsonl").exists()


# config


def test_shipped_settings_are_valid(folder: Path) -> None:
    shown = done("config", "validate", str(MemoryBudgetConfigLoader.shipped_path()))
    assert "no problems, 6 workspaces" in shown


def test_validate_prints_every_problem_with_its_line(folder: Path) -> None:
    Path("bad.yaml").write_text(WORKSPACES.replace("0.25", "0.5") + "  other: 3\n")
    result = mba("config", "validate", "bad.yaml")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert all(line.startswith("bad.yaml:") for line in result.stdout.splitlines())
    assert result.stderr == "mba: error: bad.yaml: 2 problems.\n"


def test_show_lists_all_workspaces(folder: Path) -> None:
    shown = done("config", "show")
    assert all(name in shown for name in workspaces(None))


@pytest.mark.parametrize("workspace_id", list(workspaces(None)))
def test_a_shown_workspace_can_be_loaded_and_is_the_same(folder: Path, workspace_id: str) -> None:
    Path("shown.yaml").write_text(done("config", "show", workspace_id))
    loaded = MemoryBudgetConfigLoader.load_from_yaml("shown.yaml")
    assert loaded[workspace_id] == workspaces(None)[workspace_id]


def test_init_writes_the_shipped_file_and_keeps_one_that_is_there(folder: Path) -> None:
    mba("config", "init")
    written = Path("memory-budget.yaml")
    assert written.read_bytes() == MemoryBudgetConfigLoader.shipped_path().read_bytes()
    written.write_text("mine")
    assert "--force" in refused("config", "init")
    assert written.read_text() == "mine"
    mba("config", "init", "--force")
    assert MemoryBudgetConfigLoader.validate(written) == ()


def test_init_into_no_folder_is_refused(folder: Path) -> None:
    assert "cannot be written" in refused("config", "init", "no/such/file.yaml")


# stats and log


def test_stats_count_the_allocations_of_a_log(folder: Path) -> None:
    assert "1 allocations" in done("stats", "log.jsonl")
    found = json.loads(done("stats", "log.jsonl", "--json", "--hours", "1"))
    assert found["allocation_count"] == 1
    assert found["complexity_counts"]["simple"] == 1


def test_an_allocation_is_appended_to_the_log(folder: Path) -> None:
    done("allocate", "-m", "notes.jsonl", *QUESTION, "--log", "log.jsonl")
    shown = done("stats", "log.jsonl")
    assert "2 allocations" in shown
    assert "p50" in shown


def test_stats_of_another_workspace_are_empty(folder: Path) -> None:
    assert "No allocations" in done("stats", "log.jsonl", "--workspace", "other")


def test_lines_that_are_no_records_are_noted(folder: Path) -> None:
    with Path("log.jsonl").open("a") as log:
        log.write("cut sh")
    result = mba("stats", "log.jsonl")
    assert result.exit_code == 0
    assert "log.jsonl:2:" in result.stderr
    assert "1 lines of log.jsonl" in result.stderr


def test_export_writes_one_versioned_document(folder: Path) -> None:
    done("log", "export", "log.jsonl", "log.json")
    document = json.loads(Path("log.json").read_text())
    assert document["schema_version"] == 1
    assert len(document["records"]) == 1


@pytest.mark.parametrize(
    "arguments", [("stats", "no.jsonl"), ("log", "export", "no.jsonl", "x.json")]
)
def test_a_missing_log_is_refused(folder: Path, arguments: tuple[str, ...]) -> None:
    assert "cannot be read" in refused(*arguments)


def test_hours_must_be_positive(folder: Path) -> None:
    assert "positive" in refused("stats", "log.jsonl", "--hours", "-1")


# The process


def test_help_and_version_succeed() -> None:
    assert "Commands:" in done("--help")
    assert done("--version").startswith("mba ")


def test_every_command_has_help_with_examples() -> None:
    commands = [["allocate"], ["explain"], ["demo"], ["stats"], ["log", "export"]]
    commands += [["config", name] for name in ("validate", "show", "init")]
    for command in commands:
        assert f"\n    mba {' '.join(command)}" in done(*command, "--help")


HELPS = (
    *(allocate.HELP, explain.HELP, demo.HELP, stats.STATS_HELP, stats.EXPORT_HELP),
    *(config.VALIDATE_HELP, config.SHOW_HELP, config.INIT_HELP),
)
EXAMPLES = [
    line.strip()
    for text in HELPS
    for line in text.splitlines()
    if line.startswith("  ") and "mba " in line
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_help_runs(folder: Path, example: str) -> None:
    before, _, arguments = example.rpartition("mba ")
    piped = re.fullmatch(r"(?:cat (\S+) \| )?", before)
    assert piped is not None
    stdin = Path(piped[1]).read_text() if piped[1] else None
    done(*shlex.split(arguments), stdin=stdin)


def process(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mba_integrations", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    return subprocess.Popen(command, **{**pipes, **options})


def test_a_closed_pipe_is_quiet(folder: Path) -> None:
    running = process("allocate", "-m", "notes.jsonl", *QUESTION, "--json")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    stderr = running.stderr.read().decode()
    running.stderr.close()
    assert running.wait() in (1, 141)
    assert stderr.startswith("mba: done: ")
    assert len(stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_an_interrupt_is_exit_code_130(folder: Path) -> None:
    os.mkfifo("pipe")
    running = process("allocate", "-m", "pipe", *QUESTION)
    with open("pipe", "wb"):  # waits until the command reads
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate()
    assert running.returncode == 130
    assert b"Traceback" not in stderr


def test_a_module_run_is_the_command(folder: Path) -> None:
    arguments = ("allocate", "-m", "notes.jsonl", *QUESTION)
    running = process(*arguments, env=environment(PYTHONWARNINGS="error"))
    stdout, _ = running.communicate()
    assert running.returncode == 0
    assert stdout.decode() == done(*arguments)


def test_no_colour_where_nobody_wants_it(folder: Path) -> None:
    arguments = ("explain", "-m", "notes.jsonl", *QUESTION)
    ran = process(*arguments, env=environment(FORCE_COLOR="1", NO_COLOR="1"))
    stdout, _ = ran.communicate()
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]", stdout)


def test_without_the_extra_one_line_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as caught:
        main(["demo"])
    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        "mba needs an optional dependency. Install it with: pip install 'mba-integrations[cli]'\n"
    )


def test_importing_the_entry_needs_no_extra() -> None:
    code = (
        "import sys, mba_integrations.cli\n"
        "print({'typer', 'rich', 'wordllama'} & sys.modules.keys())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert ran.stdout == "set()\n"


def test_main_leaves_with_the_exit_code() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
