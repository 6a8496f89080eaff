"""Hooks of coding agents: what they print and keep, and that nothing of them stops an agent."""

from __future__ import annotations

import http.server
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

from mba_integrations.commands.agents.hook import run_hook
from mba_integrations.services.daemon import starting
from mba_integrations.services.mcp.definitions import NOTHING
from mba_integrations.services.mcp.stdio.transcript import end_of


def said(role: str, content: object) -> dict[str, Any]:
    return {"type": role, "message": {"role": role, "content": content}}


THOUGHT = {"type": "thinking", "thinking": "Hm."}
TRANSCRIPT = [
    {"type": "summary", "summary": "A talk"},
    said("user", "When do we deploy?"),
    said("assistant", [THOUGHT, {"type": "text", "text": "Fridays."}]),
    said("user", [{"type": "tool_result", "content": "x"}]),
    {"payload": {"role": "user", "content": [{"type": "input_text", "text": "Thanks!"}]}},
    ["no", "entry"],
]


class Server(http.server.ThreadingHTTPServer):
    """Notes what it is asked, and answers with the text that it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.text = "- We deploy on Fridays."
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(message)
        self.server.paths.append(self.path)
        block = {"type": "text", "text": self.server.text}
        result = {"content": [block], "contents": [block], "isError": False}
        said = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("MBA_URL", f"http://127.0.0.1:{made.server_port}")
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text("{broken\n" + "".join(json.dumps(one) + "\n" for one in TRANSCRIPT))
    return path


def hooked(monkeypatch: pytest.MonkeyPatch, event: str, stdin: object, *options: str) -> str:
    """What a hook prints, which never fails."""
    given = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    monkeypatch.setattr(sys, "stdout", output)
    assert run_hook([event, *options]) == 0
    printed = output.buffer
    assert isinstance(printed, io.BytesIO)
    return printed.getvalue().decode()


def test_a_session_begins_with_the_project_s_memories(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = hooked(monkeypatch, "session-start", {"source": "startup"}, "-w", "my team")
    assert printed.endswith("\n- We deploy on Fridays.")
    assert "not instructions" in printed
    assert server.asked[0]["params"] == {"uri": "mba://my%20team/prompt"}
    assert server.paths == ["/mcp/my%20team"]


def test_a_prompt_gets_what_helps_with_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"prompt": "When do we deploy?", "session_id": "s1"}
    assert "Fridays" in hooked(monkeypatch, "prompt", given, "--budget", "300")
    assert server.asked[0]["params"] == {
        "name": "recall",
        "arguments": {"query": "When do we deploy?", "budget_tokens": 300, "session": "s1"},
    }
    server.text = NOTHING
    assert hooked(monkeypatch, "prompt", given) == ""
    assert hooked(monkeypatch, "prompt", {"prompt": " "}) == ""


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("pre-compact", ["User: When do we deploy?", "Assistant: Fridays.", "User: Thanks!"]),
        ("stop", ["Assistant: Fridays.", "User: Thanks!"]),
    ],
)
def test_what_was_said_last_is_kept_and_nothing_printed(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    transcript: Path,
    event: str,
    kept: list[str],
) -> None:
    assert hooked(monkeypatch, event, {"transcript_path": str(transcript)}) == ""
    (asked,) = server.asked
    assert asked["params"]["name"] == "remember"
    items = asked["params"]["arguments"]["items"]
    assert [one["text"] for one in items] == kept
    assert {one["tier"] for one in items} == {"working"}


def test_the_answer_tells_what_it_used_of_the_session_s_memories(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    talk = tmp_path / "talk.jsonl"
    talk.write_text("".join(json.dumps(one) + "\n" for one in TRANSCRIPT[:3]))
    given = {"transcript_path": str(talk), "session_id": "s1"}
    assert hooked(monkeypatch, "stop", given) == ""
    assert [one["params"]["name"] for one in server.asked] == ["remember", "feedback"]
    assert server.asked[1]["params"]["arguments"] == {"session": "s1", "answer": "Fridays."}


def test_without_an_answer_or_a_session_nothing_is_told_of_memories(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, transcript: Path
) -> None:
    answered = tmp_path / "answered.jsonl"
    answered.write_text("".join(json.dumps(one) + "\n" for one in TRANSCRIPT[:3]))
    hooked(monkeypatch, "stop", {"transcript_path": str(answered)})
    hooked(monkeypatch, "stop", {"transcript_path": str(transcript), "session_id": "s1"})
    hooked(monkeypatch, "pre-compact", {"transcript_path": str(answered), "session_id": "s1"})
    assert {one["params"]["name"] for one in server.asked} == {"remember"}


@pytest.mark.parametrize(
    ("event", "stdin"),
    [
        pytest.param("prompt", b"{", id="no-json"),
        pytest.param("prompt", [], id="no-object"),
        pytest.param("stop", {}, id="no-transcript"),
        pytest.param("stop", {"transcript_path": "/nowhere/talk.jsonl"}, id="transcript-is-gone"),
        pytest.param("prompt", {"prompt": "x"}, id="no-answer"),
    ],
)
def test_whatever_fails_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, event: str, stdin: object
) -> None:
    monkeypatch.setenv("MBA_URL", "http://127.0.0.1:1")
    assert hooked(monkeypatch, event, stdin) == ""


def test_a_daemon_that_does_not_run_is_started_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[Any] = []

    def launched(command: list[str], output: int) -> Any:
        started.append(command)
        return type("Process", (), {})()

    monkeypatch.setattr(starting, "launched", launched)
    file = tmp_path / "folder" / "memory.db"
    assert hooked(monkeypatch, "prompt", {"prompt": "x"}, "--db", str(file)) == ""
    assert [str(file) in command for command in started] == [True]


@pytest.mark.parametrize("arguments", [["unknown"], [], ["stop", "--nope"]])
def test_wrong_usage_does_not_stop_the_agent(arguments: list[str]) -> None:
    assert run_hook(arguments) == 1


def test_only_the_end_of_a_long_transcript_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("w") as file:
        for place in range(4_000):
            entry = {"role": "user", "content": f"{place} {'x' * 200}"}
            file.write(json.dumps(entry) + "\n")
        file.write(json.dumps({"role": "assistant", "content": "y" * 10_000}) + "\n")
    read = end_of(path, most=5_000)
    assert 2_000 < len(read) < 4_000
    assert len(read[-1]) == len("Assistant: ") + 4_000
    assert read[-2].startswith("User: 3999 ")


_LOADED = """
import sys
from mba_integrations.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert ended.code == 0, ended.code
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["hook", "prompt"], ["mcp"]], ids=["hook", "mcp"])
def test_what_an_agent_waits_for_loads_no_library(tmp_path: Path, arguments: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MBA_URL": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments],
        input=b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "prompt": "x"}\n',
        capture_output=True,
        check=True,
        env=environment,
    )
    assert bool(done.stdout) is (arguments == ["mcp"])
    loaded = set(done.stderr.decode().split())
    heavy = {"mcp", "mcp_types", "pydantic", "numpy", "sqlalchemy", "typer", "rich", "anyio"}
    assert not loaded & heavy
    assert "mba_integrations" in loaded
