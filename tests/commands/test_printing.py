"""What reaches the terminal: nothing of others that steers it, and tables that fit it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from command_line import NOTES, QUESTION, done, environment, mba, prepare, refused
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT
from rich.cells import cell_len
from rich.text import Text

from mba_integrations.commands.printing import output, progress
from mba_integrations.commands.printing.output import SafeConsole
from mba_integrations.commands.printing.visible import in_one_line, json_escaped, visible

EVIL = "\x1b[31m\x1b]0;title\x07\x9b2J[/x][red]\u202eevil\u2028\r\nmba: done: forged\n"
FILE = EVIL.replace("/", "|")
COMMANDS = ROOT / "mba_integrations" / "commands"


def is_quiet(text: str) -> bool:
    """Whether nothing steers a terminal, and no line passes for one of ours."""
    steers = [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    forged = [line for line in text.splitlines() if line.startswith("mba: done: forged")]
    return not {*steers} - {"\n"} and "\u202e" not in text and not forged


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Inputs with everything hostile: ids, texts, sources, file and folder names, settings."""
    monkeypatch.chdir(prepare(tmp_path))
    item = {"id": EVIL, "content": f"Kate {EVIL}", "tier": "rag", "source": EVIL}
    Path(f"m{FILE}").write_text(json.dumps(item) + "\n" + json.dumps(NOTES[0]))
    Path(f"bad{FILE}").write_text(json.dumps({**item, EVIL: 1}) + "\n{}\n")
    chat = [{"role": "user", "content": f"Where is Kate {EVIL}?", "name": EVIL}]
    Path(f"chat{FILE}").write_text(json.dumps(chat))
    docs = Path(f"docs{FILE}")
    docs.mkdir()
    (docs / f"a{FILE}.md").write_text(f"# Kate {EVIL}\n\ntext")
    (docs / f"b{FILE}.png").write_text("x")
    quoted = json.dumps(EVIL)
    shares = "working_memory_pct: 0.7, project_memory_pct: 0.1"
    more = "long_term_memory_pct: 0.1, rag_memory_pct: 0.1"
    text = f"workspaces:\n  {quoted}:\n    tier_allocation: {{{shares}, {more}}}\n"
    Path("evil.yaml").write_text(text)
    Path("worse.yaml").write_text(f"{text}    {quoted}: 1\n")
    return Path()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("explain", "-m", f"m{FILE}", "-q", f"Kate {EVIL}"), id="explain"),
        pytest.param(
            ("explain", "-m", f"m{FILE}", "-q", "Kate", "-b", "30", "--why", EVIL), id="why"
        ),
        pytest.param(("explain", "-m", f"m{FILE}", "-q", "x", "--why", f"no{EVIL}"), id="no-id"),
        pytest.param(("explain", "--messages", f"chat{FILE}"), id="chat"),
        pytest.param(("explain", "--folder", f"docs{FILE}", "-q", "Kate"), id="folder"),
        pytest.param(
            ("allocate", "-m", f"m{FILE}", "-q", "Kate", "--json", "--explain"), id="json"
        ),
        pytest.param(("allocate", "-m", f"m{FILE}", "-q", "Kate", "--texts"), id="texts"),
        pytest.param(("allocate", "-m", f"m{FILE}", "-q", "x", "--log", f"no/{FILE}"), id="log"),
        pytest.param(("allocate", "-m", f"bad{FILE}", "-q", "Kate"), id="bad-lines"),
        pytest.param(("allocate", "-m", f"no{FILE}", "-q", "Kate"), id="no-file"),
        pytest.param(("allocate", "--folder", f"no{FILE}", "-q", "Kate"), id="no-folder"),
        pytest.param(
            ("allocate", "-m", f"m{FILE}", "-m", f"m{FILE}", "-q", "x"), id="duplicate-ids"
        ),
        pytest.param(("allocate", "-m", f"m{FILE}", "-q", "x", "-w", EVIL), id="no-workspace"),
        pytest.param(("allocate", "-m", f"m{FILE}", "-q", "x", "--now", EVIL), id="bad-time"),
        pytest.param(("allocate", "-m", f"m{FILE}", "-q", "x", "-f", EVIL), id="bad-choice"),
        pytest.param(("allocate", f"--{EVIL}"), id="unknown-option"),
        pytest.param(("config", "show", "-c", "evil.yaml"), id="show"),
        pytest.param(("config", "show", EVIL, "-c", "evil.yaml"), id="show-one"),
        pytest.param(("config", "validate", "evil.yaml"), id="validate"),
        pytest.param(("config", "validate", "worse.yaml"), id="validate-problems"),
        pytest.param(("config", "validate", f"no{FILE}"), id="validate-no-file"),
        pytest.param(("config", "init", f"no/{FILE}"), id="init"),
        pytest.param(("config", "validate", "a", EVIL), id="extra-argument"),
        pytest.param(("stats", f"m{FILE}"), id="stats"),
        pytest.param(("stats", "log.jsonl", "--workspace", EVIL), id="stats-workspace"),
        pytest.param(("log", "export", "log.jsonl", f"no/{FILE}"), id="export"),
        pytest.param(("log", "export", "log.jsonl", f"out{FILE}"), id="exported"),
        pytest.param(("demo", "--repo", f"docs{FILE}", "-q", EVIL), id="demo"),
        pytest.param(("demo", "--repo", f"no{FILE}"), id="demo-no-folder"),
        pytest.param((EVIL,), id="unknown-command"),
    ],
)
@pytest.mark.parametrize("width", ["40", "140"])
def test_nothing_hostile_reaches_the_terminal(
    folder: Path, arguments: tuple[str, ...], width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setattr(output, "_is_terminal", lambda stream: True)
    result = mba(*arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert is_quiet(result.stdout)
    assert is_quiet(result.stderr)


def test_a_prompt_in_a_pipe_is_exact_and_on_a_terminal_visible(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = mba("allocate", "-m", f"m{FILE}", "-q", "Kate").stdout_bytes.decode()
    allocation = json.loads(done("allocate", "-m", f"m{FILE}", "-q", "Kate", "--json"))
    assert prompt == allocation["prompt_text"]
    assert "\x1b[31m" in prompt
    monkeypatch.setattr(output, "_is_terminal", lambda stream: True)
    output.write_text(prompt)
    assert is_quiet(capsys.readouterr().out)


def test_json_parses_to_the_same_text(folder: Path) -> None:
    found = json.loads(done("allocate", "-m", f"m{FILE}", "-q", "Kate", "--texts"))
    assert {entry["id"] for entry in found["selected"] + found["omitted"]} == {EVIL, "kate-ski"}
    assert f"Kate {EVIL}" in [entry["content"] for entry in found["selected"]]


def test_the_bar_takes_no_name_for_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console = SafeConsole(force_terminal=True, width=80, stderr=True)
    monkeypatch.setattr(progress, "remarks", lambda: console)
    things = list(range(300))
    assert list(progress.tracked(things, f"Reading [/x]{EVIL}")) == things
    shown = capsys.readouterr().err
    assert "[/x]" in shown
    assert "\x1b]0;" not in shown


def test_a_console_keeps_what_rich_means_as_a_control(capsys: pytest.CaptureFixture[str]) -> None:
    console = SafeConsole(force_terminal=True, width=20)
    console.print(Text("a\x1b[2Jb", style="bold"))
    shown = capsys.readouterr().out
    assert "\x1b[1m" in shown
    assert "\x1b[2J" not in shown


def test_lines_after_the_first_of_a_remark_are_indented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.remark("error", "two:\n  bad one\nmba: done: forged")
    assert capsys.readouterr().err == "mba: error: two:\n  bad one\n  mba: done: forged\n"


@given(st.text())
def test_visible_text_has_the_same_length_and_nothing_that_steers(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text.replace("\r\n", "\n"))
    assert is_quiet(shown.replace("\t", " ").replace("mba: done: forged", ""))
    assert not set(in_one_line(text)) & set("\n\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    assert json.loads(json_escaped(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize(
    "text", ["naïve", "东京", "שלום", "👩\u200d🔬", "नमस्ते", "می\u200cخواهم", "a\tb\nc"]
)
def test_scripts_and_emoji_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_no_other_file_of_the_commands_writes_to_a_stream() -> None:
    wrong = []
    for path in sorted(COMMANDS.rglob("*.py")):
        if path.name == "output.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if re.fullmatch(r"print|Console|typer\.(secho|echo)|sys\.std\w+\.write\w*", name):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {name}")
    assert not wrong


# Width


@pytest.mark.parametrize("width", [40, 60, 79, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "-m", "notes.jsonl", *QUESTION, "-b", "20"),
        ("explain", "-m", "notes.jsonl", *QUESTION, "-b", "20", "--why", "bread"),
        ("stats", "log.jsonl"),
        ("config", "show"),
    ],
    ids=["explain", "why", "stats", "config"],
)
def test_tables_fit_the_width_and_lose_no_figure(
    folder: Path, arguments: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = done(*arguments)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    cut = [line for line in shown.splitlines() if "…" in line]
    assert not any(sign.isdigit() for line in cut for sign in line)  # texts alone, under their ids


def test_a_narrow_table_has_every_id_and_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = done("explain", "-m", "notes.jsonl", *QUESTION, "-b", "20")
    assert all(note["id"] in shown for note in NOTES)
    assert all(note["content"].split()[0] in shown for note in NOTES)
    assert "outranked" in shown.split("Left out")[1]
    assert "long_term" in shown


# Pipes


PIPED = (
    "explain -m many.jsonl -q Kate --rows 0 -b 20",
    "allocate -m many.jsonl -q Kate --json",
    "config show research",
    "--help",
    "allocate --help",
)
# Each command is a process of its own that begins with what the first has loaded.
RUN_WITHOUT_READER = """
import os, runpy, sys
import mba_integrations.commands.application
from mba_integrations import *

for command in sys.argv[1:]:
    for streams in ([1], [1, 2]):
        read, write = os.pipe()
        os.close(read)
        child = os.fork()
        if not child:
            for stream in streams:
                os.dup2(write, stream)
            sys.argv = ["mba", *command.split()]
            sys.exit(runpy.run_module("mba_integrations", run_name="__main__"))
        os.close(write)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), streams, command, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_reader_that_has_enough_is_no_failure(folder: Path) -> None:
    lines = (
        json.dumps({**NOTES[1], "id": f"kate-{n}", "content": f"Kate {n}"}) for n in range(900)
    )
    Path("many.jsonl").write_text("\n".join(lines))
    program = [sys.executable, "-c", RUN_WITHOUT_READER, *PIPED]
    ran = subprocess.run(program, capture_output=True, text=True, env=environment(), check=True)
    assert ran.stdout.splitlines() == [
        f"0 {streams} {command}" for command in PIPED for streams in ([1], [1, 2])
    ]
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


# Wrong files


@pytest.mark.parametrize("arguments", [("stats",), ("log", "export")])
def test_a_file_without_a_record_is_no_log(folder: Path, arguments: tuple[str, ...]) -> None:
    more = ("out.json",) if arguments[0] == "log" else ()
    stderr = refused(*arguments, "notes.jsonl", *more)
    assert "notes.jsonl: none of its 4 lines is a record of a log." in stderr


def test_an_empty_log_has_no_allocations(folder: Path) -> None:
    Path("empty.jsonl").write_text("")
    assert "No allocations" in done("stats", "empty.jsonl")
