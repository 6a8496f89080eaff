"""A daemon that imports little, for tests of who starts one and finds it: it holds the file, says
where it answers, and answers each POST with what it was sent."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

from mba_integrations.services.daemon import starting
from mba_integrations.services.daemon.place import running

_SCRIPT = """
import http.server, json, os, pathlib, sys
from mba_integrations.services.daemon.place import write_token
from mba_integrations.services.store.sqlite.lock_file import Holder, LockFile

path = pathlib.Path(sys.argv[1])
with open(f"{path}.starts", "a") as starts:
    starts.write("started\\n")
if "broken" in sys.argv:
    sys.exit("it is broken")

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        known = self.headers["Authorization"] == f"Bearer {token}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        result = {"pid": os.getpid(), "path": self.path, "headers": headers, "asked": asked}
        said = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "result": result}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
lock = LockFile(path.with_name(f"{path.name}.lock"))
if not lock.try_lock(shared=False):
    sys.exit(0)
lock.say_who(Holder(os.getpid(), f"http://127.0.0.1:{server.server_port}", True))
token = write_token(path)
server.serve_forever()
"""


def echo_command(database: Path, *words: str) -> list[str]:
    """What starts such a daemon on a file."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{_SCRIPT}"
    return [sys.executable, "-c", code, str(database), *words]


def starts(database: Path) -> int:
    """How often one was started."""
    return len(Path(f"{database}.starts").read_text().splitlines())


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file whose daemon is such a one; it ends with the test."""
    path = tmp_path / "memory.db"
    monkeypatch.setattr(starting, "serve_command", echo_command)
    yield path
    daemon = running(path)
    if daemon is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGKILL)
