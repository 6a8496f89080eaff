"""Is what a server acknowledged there after it was killed, and do clients with retries notice?

    python -m benchmarks.api_crash --clients 64 --seconds 120 --every 2

Clients remember without pause while the server is killed (`kill -9`) and started again on the same
port. Each memory that a client was told is kept must be there in the end, once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.api_live import started
from benchmarks.gateway_servers import free_port
from mba_integrations.services import MbaClient, MemoryService, ServerError


@dataclass(slots=True)
class Told:
    """What clients were told.

    Attributes:
        kept: Texts that the server said it keeps.
        errors: What clients saw in place of an answer.
        kills: How often the server was killed.
        ready_seconds: How long each start took.
    """

    kept: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    kills: int = 0
    ready_seconds: list[float] = field(default_factory=list)


def start(path: Path, port: int, told: Told) -> subprocess.Popen[bytes]:
    """A server that answers."""
    began = time.monotonic()
    server = started(path, port)
    told.ready_seconds.append(time.monotonic() - began)
    return server


def remember_until(stop: threading.Event, url: str, number: int, told: Told) -> None:
    """Remember one text after the other."""
    with MbaClient(url, attempts=14) as client:
        for turn in range(10**9):
            if stop.is_set():
                return
            text = f"Client {number} says {turn}."
            try:
                client.remember("default", text)
                told.kept.append(text)
            except ServerError as error:
                told.errors.append(str(error))


@contextlib.contextmanager
def clients(count: int, url: str, told: Told) -> Iterator[None]:
    """So many clients that remember until the block ends."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=remember_until, args=(stop, url, number, told))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def crash(path: Path, *, count: int, seconds: float, every: float) -> Told:
    """Kill the server again and again while clients remember."""
    told, port = Told(), free_port()
    server = start(path, port, told)
    until = time.monotonic() + seconds
    with clients(count, f"http://127.0.0.1:{port}", told):
        while time.monotonic() < until:
            time.sleep(every)
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            told.kills += 1
            server = start(path, port, told)
    server.terminate()
    server.wait()
    return told


def texts_in(path: Path) -> list[str]:
    """All texts that the file has."""
    found: list[str] = []
    after: int | None = None
    with MemoryService.open(path, background=False) as service:
        while True:
            page = service.list("default", after=after, limit=500)
            found += [row.content for row in page.rows]
            after = page.after
            if after is None:
                return found


def main() -> int:
    """Run it; the exit code is 1 if something was lost or a client saw an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        told = crash(path, count=options.clients, seconds=options.seconds, every=options.every)
        there = texts_in(path)
    lost = set(told.kept) - set(there)
    print(f"kills {told.kills}, slowest start {max(told.ready_seconds):.1f} s")
    print(f"acknowledged {len(told.kept):,}, lost {len(lost):,}")
    print(f"kept twice {len(there) - len(set(there)):,}, errors of clients {len(told.errors):,}")
    return int(bool(lost or told.errors))


if __name__ == "__main__":
    sys.exit(main())
