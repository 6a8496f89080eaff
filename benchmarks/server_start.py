"""How long it takes until a server, an agent's proxy and a hook answer.

    python -m benchmarks.server_start --rounds 7
    python -m benchmarks.server_start --against ../main     # another checkout, in turns

Medians: seconds of wall clock, and of the processor, which also tell where the machine has other
things to do. A server is started on a file that is there and asked for `/readyz` until it answers.
Proxy and hook ask a server that runs: `initialize` to its answer, and `mba hook prompt` to its end;
what the processor did for them is that of the whole process. Linux alone.

`--split` prints what imports take in a new process, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

PATIENCE_SECONDS = 60.0
INITIALIZE = {
    **{"jsonrpc": "2.0", "id": 1, "method": "initialize"},
    "params": {
        **{"protocolVersion": "2025-11-25", "capabilities": {}},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}
IMPORTED = (
    *("mba_integrations.commands.application", "mba_integrations.services.memory.service"),
    *("fastapi", "uvicorn", "mba_integrations.services.api.app"),
    "mba_integrations.services.mcp.http",
)
_SPLIT = """
import importlib, sys, time
for name in sys.argv[1:]:
    began = time.process_time()
    importlib.import_module(name)
    print(f"{time.process_time() - began:8.3f} s  {name}")
"""
Taken = tuple[float, float]


def mba(*arguments: object) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "mba_integrations", *map(str, arguments)]


class Tree:
    """A checkout whose commands are measured."""

    def __init__(self, path: Path, database: Path) -> None:
        self.path = path.resolve()
        self.database = database
        self.environment = {**os.environ, "PYTHONPATH": str(self.path)}
        self._pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}

    def begun(self, command: list[str], **more: object) -> subprocess.Popen[bytes]:
        """A process of this checkout."""
        settings = {**self._pipe, "env": self.environment, "cwd": self.path, **more}
        return subprocess.Popen(command, **settings)  # type: ignore[call-overload,no-any-return]

    @contextmanager
    def served(self, spent: list[Taken] | None = None) -> Iterator[None]:
        """A server that is ready; how long that took is added to *spent*."""
        began = time.perf_counter()
        process = self.begun(
            mba("serve", "--db", self.database, "--port", 0), stderr=subprocess.PIPE
        )
        try:
            assert process.stderr is not None
            said = process.stderr.readline().decode()
            url = next(word for word in said.split() if word.startswith("http")).rstrip(",")
            _wait_for(f"{url}/readyz")
            if spent is not None:
                spent.append((time.perf_counter() - began, _used_until_now(process)))
            yield
        finally:
            process.terminate()
            process.communicate()

    def proxy(self) -> Taken:
        """Until `mba mcp` has answered its first request."""
        began = time.perf_counter()
        process = self.begun(mba("mcp", "--db", self.database))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        assert b"protocolVersion" in process.stdout.readline()
        answered = time.perf_counter() - began
        process.stdin.close()
        return answered, _processor_seconds(process)

    def hook(self) -> Taken:
        """Until `mba hook prompt` has ended."""
        began = time.perf_counter()
        process = self.begun(mba("hook", "prompt", "--db", self.database))
        assert process.stdin is not None
        process.stdin.write(json.dumps({"prompt": "Where does Kate live?"}).encode())
        process.stdin.close()
        used = _processor_seconds(process)
        return time.perf_counter() - began, used


def _wait_for(url: str) -> None:
    end = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < end:
        try:
            if httpx2.get(url).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.005)
    raise TimeoutError(f"{url} did not answer within {PATIENCE_SECONDS:.0f} s")


def _used_until_now(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; what it took of the processor."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def measured(trees: Mapping[str, Tree], rounds: int) -> dict[str, dict[str, list[Taken]]]:
    """What each took, by the name of the tree; trees take turns."""
    found: dict[str, dict[str, list[Taken]]] = {
        what: {name: [] for name in trees} for what in ("server ready", "mcp proxy", "hook")
    }
    for _ in range(rounds):
        for name, tree in trees.items():
            with tree.served(found["server ready"][name]):
                asks: dict[str, Callable[[], Taken]] = {"mcp proxy": tree.proxy, "hook": tree.hook}
                for what, ask in asks.items():
                    found[what][name].append(ask())
    return found


def main() -> None:
    """Measure, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    parser.add_argument("--split", action="store_true", help="What imports take.")
    given = parser.parse_args()
    paths = {"here": Path.cwd(), **({"against": given.against} if given.against else {})}
    with tempfile.TemporaryDirectory() as folder:
        trees = {name: Tree(path, Path(folder) / f"{name}.db") for name, path in paths.items()}
        if given.split:
            for name, tree in trees.items():
                print(name, flush=True)
                command = [sys.executable, "-c", _SPLIT, *IMPORTED]
                subprocess.run(command, env=tree.environment, cwd=tree.path, check=True)
            return
        for tree in trees.values():
            with tree.served():  # makes the file, and warms up the machine's caches
                tree.hook()
        print(f"{'median of ' + str(given.rounds):<14}{'wall s':>16}{'processor s':>14}")
        for what, by_tree in measured(trees, given.rounds).items():
            for name, taken in by_tree.items():
                wall, used = (statistics.median(column) for column in zip(*taken, strict=True))
                print(f"{what:<14}{name:<8}{wall:>8.3f}{used:>14.3f}")


if __name__ == "__main__":
    main()
