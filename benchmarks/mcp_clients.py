"""Many agents on one file: each a process of its own over pipes, all at once, through one daemon.

    python -m benchmarks.mcp_clients --clients 8 --calls 1000 --kills 3

Each client remembers a text of its own and recalls it, by the SDK's client and in turns of both
revisions. Counts what was kept, replies over their budget, errors and daemons; exits with 1 if
anything was lost. `--kills` ends the daemon so often meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import TextContent

from mba_integrations import counter_for_model
from mba_integrations.services.daemon.place import running
from mba_integrations.services.mcp.tools.reply import RECEIPT_KEY, written
from mba_integrations.services.memory.service import MemoryService

_MODES = ("legacy", "2026-07-28")
_BUDGET = 200
_KILL_EVERY_S = 5.0


@dataclass(slots=True)
class Seen:
    """What the clients saw."""

    errors: list[str] = field(default_factory=list)
    over: int = 0
    missed: int = 0
    first_s: list[float] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)


async def agent(database: Path, number: int, calls: int, seen: Seen) -> None:
    """One client: remember a text, recall it, and so on."""
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mba_integrations", "mcp", "--db", str(database)],
        env=dict(os.environ),
    )
    began = time.monotonic()
    async with Client(stdio_client(started), mode=_MODES[number % len(_MODES)]) as client:
        await client.list_tools()
        seen.first_s.append(time.monotonic() - began)
        for place in range(calls):
            text = f"Agent {number} keeps box {number}x{place} in hall {place % 17}."
            kept = await client.call_tool("remember", {"items": [{"text": text}]})
            asked = {"query": f"Where is box {number}x{place}?", "budget_tokens": _BUDGET}
            found = await client.call_tool("recall", asked)
            note(seen, text, kept, found)
            daemon = running(database)
            if daemon is not None:
                seen.pids.add(daemon.pid)


def note(seen: Seen, text: str, kept: object, found: object) -> None:
    """Count what went wrong with one pair of calls."""
    for result in (kept, found):
        said = "".join(block.text for block in result.content if isinstance(block, TextContent))  # type: ignore[attr-defined]
        if result.is_error:  # type: ignore[attr-defined]
            seen.errors.append(said)
            return
    count = counter_for_model("gpt-4o").count
    receipt = found.meta[RECEIPT_KEY]  # type: ignore[attr-defined]
    seen.over += count(said) + count(written(receipt)) > _BUDGET
    seen.missed += text not in said


async def killer(database: Path, kills: int) -> None:
    """End the daemon so often."""
    killed: set[int] = set()
    while len(killed) < kills:
        await anyio.sleep(_KILL_EVERY_S)
        daemon = running(database)
        if daemon is not None and daemon.pid not in killed:
            os.kill(daemon.pid, signal.SIGKILL)
            killed.add(daemon.pid)


async def run(database: Path, clients: int, calls: int, kills: int) -> Seen:
    """All clients at once."""
    seen = Seen()
    async with anyio.create_task_group() as group:
        group.start_soon(killer, database, kills)
        for number in range(clients):
            group.start_soon(agent, database, number, calls, seen)
    return seen


def stored(database: Path) -> int:
    """How many memories are in the file, once its daemon has ended."""
    daemon = running(database)
    if daemon is not None:
        os.kill(daemon.pid, signal.SIGTERM)
    while running(database) is not None:
        time.sleep(0.05)
    time.sleep(1.0)
    with MemoryService.open(database, background=False) as service:
        return sum(service.counts("default").values())


def main() -> int:
    """Run the clients and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "memory.db"
        began = time.monotonic()
        seen = anyio.run(run, database, options.clients, options.calls, options.kills)
        seconds = time.monotonic() - began
        kept, wanted = stored(database), options.clients * options.calls
    figures = {
        "kept": kept,
        "wanted": wanted,
        "errors": len(seen.errors),
        "first_error": seen.errors[:1],
        "over_budget": seen.over,
        "not_recalled": seen.missed,
        "daemons": len(seen.pids),
        "first_answer_s": round(max(seen.first_s), 2),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(figures))
    return int(kept != wanted or bool(seen.errors) or seen.over > 0)


if __name__ == "__main__":
    sys.exit(main())
