"""What measurements of the gateway start: a scripted provider, and `mba serve --gateway`."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

READY_SECONDS = 300.0
ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@contextlib.contextmanager
def running(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator[int]:
    """A process that listens at a port, by its id; it is ended with the block."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    process = subprocess.Popen(
        command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        yield process.pid
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} does not listen at {port}")


@contextlib.contextmanager
def provider(port: int) -> Iterator[int]:
    """The scripted provider."""
    with running(
        [sys.executable, "-m", "benchmarks.gateway_upstream", "--port", str(port)], port
    ) as pid:
        yield pid


@contextlib.contextmanager
def gateway(port: int, upstream: int, mba: str | None = None) -> Iterator[int]:
    """`mba serve --gateway` before the scripted provider.

    Args:
        port: Where it listens.
        upstream: Where the provider listens.
        mba: The command, where this environment lacks it.
    """
    command = shlex.split(mba) if mba else [sys.executable, "-m", "mba_integrations"]
    place = f"http://127.0.0.1:{upstream}"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--db", f"{folder}/memory.db", "--port", str(port), "--gateway"]
        addresses = ["--openai-url", f"{place}/v1", "--anthropic-url", place]
        with running([*command, "serve", *options, *addresses], port) as pid:
            yield pid


def cpu_seconds(pid: int) -> float:
    """What a process and its threads took of a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files(pid: int) -> int:
    """Files and sockets that a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
