"""A server of its own process for the programs that ask one: started, waited for, ended."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from benchmarks.gateway_servers import free_port

READY_SECONDS = 60.0


def started(path: Path, port: int, *arguments: str) -> subprocess.Popen[bytes]:
    """A server on the file that answers; who asks for it ends it.

    Raises:
        RuntimeError: If it does not answer within a minute.
    """
    command = [sys.executable, "-m", "mba_integrations", "serve", "--db", str(path)]
    server = subprocess.Popen(
        [*command, "--port", str(port), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return server
        time.sleep(0.05)
    server.kill()
    server.wait()
    raise RuntimeError("the server did not start")


@contextlib.contextmanager
def serving(path: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """The URL of a server on the file, and its process id, until the block ends."""
    port = free_port()
    server = started(path, port, *arguments)
    try:
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait()
