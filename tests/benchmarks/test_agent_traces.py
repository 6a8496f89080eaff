"""The benchmark of agents' traces on a small made-up one: what it reads, and how it counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import agent_traces

TASK = "the retry limit is ignored"
KINDS = ["task", "assistant", "tool_output", "assistant", "tool_output", "assistant"]
TEXTS = [
    f"Please solve: {TASK}",
    "open client.py",
    "client.py: def send_all(retry_limit): " + "call(retry_limit)\n" * 9,
    "open notes.txt",
    "notes.txt: " + "nothing of interest\n" * 30,
    "client.py passes retry_limit to send_all",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    items = [
        {
            "id": f"t{n}",
            "text": text,
            "meta": {"kind": kind, "speaker": "assistant" if kind == "assistant" else "user"},
        }
        for n, (kind, text) in enumerate(zip(KINDS, TEXTS, strict=True))
    ]
    query = {"text": TASK, "evidence_groups": [["t2"]]}
    records = [
        {"pool_id": "run", "items": items, "queries": [query]},
        {"pool_id": "unasked", "items": items, "queries": []},
    ]
    with gzip.open(tmp_path / f"{agent_traces.SET}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, records)))
    return tmp_path


@pytest.mark.parametrize(("spoken", "role"), [(False, "tool"), (True, "user")])
def test_steps_have_the_roles_of_their_kinds(folder: Path, spoken: bool, role: str) -> None:
    (session,) = agent_traces.sessions(folder, spoken=spoken)
    roles = [item.metadata["role"] for item in session.items]
    assert roles == ["user", "assistant", role, "assistant", role, "assistant"]
    assert session.questions == ((TASK, (frozenset({"t2"}),)),)


def test_the_step_that_the_last_ones_build_on_comes_in_first(folder: Path) -> None:
    (session,) = agent_traces.sessions(folder)
    rows = list(agent_traces.recalls(session, [115, 400]))
    assert rows == [
        (False, "library", 115, 1.0),
        (False, "newest first", 115, 0.0),
        (False, "library", 400, 1.0),
        (False, "newest first", 400, 1.0),
    ]


def test_newest_first_ends_at_the_first_that_does_not_fit(folder: Path) -> None:
    (session,) = agent_traces.sessions(folder)
    tokens = {f"t{n}": size for n, size in enumerate([1, 9, 1, 2, 3, 4])}
    assert agent_traces.newest_that_fit(session, tokens, 10) == {"t2", "t3", "t4", "t5"}


def test_the_command_prints_both_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent_traces.main(["--data", str(folder), "--budgets", "400"])
    assert "| library | 100.0 |" in capsys.readouterr().out
