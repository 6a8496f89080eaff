"""The commands `config`, `stats` and `log`, the process around them, and the help's examples."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import QUESTION, WORKSPACES, done, environment, mba, prepare, refused

from mba_integrations import MemoryBudgetConfigLoader
from mba_integrations.cli import main
from mba_integrations.commands import allocate, config, demo, explain, stats
from mba_integrations.commands.arguments.workspaces import workspaces
from mba_integrations.commands.printing.progress import tracked


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(prepare(tmp_path))
    return Path()


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


@pytest.mark.parametrize("width", [40, 80, 88, 89, 140])
def test_show_lists_all_workspaces(
    folder: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = done("config", "show")
    assert all(name in shown for name in workspaces(None))
    assert ("half-life" in shown) == (width > 88)
    assert max(map(len, shown.splitlines())) <= width


def test_show_writes_settings_that_have_their_default(folder: Path) -> None:
    assert "min_stay_days" in done("config", "show", "notes", "--config", "workspaces.yaml")


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
    commands += [["remember"], ["recall"], ["forget"], ["export"], ["import"]]
    commands += [["memories", "list"], ["workspaces", "create"], ["retention", "set"]]
    commands += [["embeddings", "migrate"]]
    commands += [["documents", name] for name in ("add", "sync", "list", "retrieve")]
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


# A shell that starts a job in the background has it ignore interrupts, and so do its children.
RUN_INTERRUPTIBLE = (
    "import runpy, signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('mba_integrations', run_name='__main__', alter_sys=True)\n"
)


def process(
    *arguments: str, program: tuple[str, str] = ("-m", "mba_integrations"), **options: Any
) -> subprocess.Popen[bytes]:
    command = [sys.executable, *program, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    return subprocess.Popen(command, **{**pipes, **options})


def test_a_closed_pipe_is_quiet(folder: Path) -> None:
    running = process("allocate", "-m", "notes.jsonl", *QUESTION, "--json")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    stderr = running.stderr.read().decode()
    running.stderr.close()
    assert running.wait() == 0
    assert stderr.startswith("mba: done: ")
    assert len(stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_an_interrupt_is_exit_code_130(folder: Path) -> None:
    os.mkfifo("pipe")
    running = process("allocate", "-m", "pipe", *QUESTION, program=("-c", RUN_INTERRUPTIBLE))
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
        "mba needs an optional dependency. Install it with: "
        "pip install 'mba-integrations[cli]'; from a checkout: pip install '.[cli]'\n"
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


def test_no_bar_is_drawn_where_nobody_looks() -> None:
    things = list(range(1000))
    assert tracked(things, "Reading") is things
