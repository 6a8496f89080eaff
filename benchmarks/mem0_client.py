"""mem0's own client against `mba serve --compat mem0`: does it read back all that it wrote?

    python -m benchmarks.mem0_client --operations 2000

Operations are drawn, done through `mem0.MemoryClient`, and done to a dictionary as well; what the
client reads must be what the dictionary has. Where mem0 cannot be installed beside this package,
run it with the other Python and name this one: `--serve-with .venv/bin/python`. Exits with 1 if
anything differs.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USERS = ("kate", "tom", "zoë / ü")
RUNS = ("trip", "work", None)
READY_SECONDS = 60.0


@dataclass(slots=True)
class Seen:
    """What was written, what differed and how long each operation took.

    Attributes:
        known: The memories that there must be, by id.
        differences: What the client read otherwise.
        seconds: Of each operation, by name.
    """

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def expect(self, name: str, found: object, wanted: object) -> None:
        """Note a difference."""
        if found != wanted:
            self.differences.append(f"{name}: {found!r}, not {wanted!r}")

    def timed(self, name: str, act: Callable[[], Any]) -> Any:
        """Do an operation."""
        began = time.perf_counter()
        done = act()
        self.seconds[name].append(time.perf_counter() - began)
        return done

    def of(self, user: str) -> dict[str, str]:
        """Texts of a user, by id."""
        return {one: kept["text"] for one, kept in self.known.items() if kept["user"] == user}


def add(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """Add a memory."""
    user, run = draw.choice(USERS), draw.choice(RUNS)
    text = f"Box {number} of {user} stands in hall {draw.randrange(20)}."
    more = {} if run is None else {"run_id": run}
    reply = seen.timed(
        "add",
        lambda: client.add(text, user_id=user, metadata={"n": number % 5}, infer=False, **more),
    )
    [result] = reply["results"]
    seen.expect("add", (result["memory"], result["event"]), (text, "ADD"))
    seen.known[result["id"]] = {"text": text, "user": user, "run": run, "n": number % 5}


def update(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """Update one memory, or two by a batch."""
    ids = draw.sample(sorted(seen.known), k=min(2, len(seen.known)))
    texts = {one: f"Box {number} moved to place {place}." for place, one in enumerate(ids)}
    if draw.random() < 0.5:
        changes = [{"memory_id": one, "text": text} for one, text in texts.items()]
        seen.timed("batch_update", lambda: client.batch_update(changes))
    else:
        for one, text in texts.items():
            reply = seen.timed("update", functools.partial(client.update, one, text=text))
            seen.expect("update", reply["id"], one)
    for one, text in texts.items():
        seen.known[one]["text"] = text


def read(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """Read one memory by its id, and its history."""
    one = draw.choice(sorted(seen.known))
    kept = seen.known[one]
    found = seen.timed("get", lambda: client.get(one))
    names = ("id", "memory", "user_id", "run_id")
    wanted = (one, kept["text"], kept["user"], kept["run"])
    seen.expect("get", tuple(found[name] for name in names), wanted)
    events = seen.timed("history", lambda: client.history(one))
    seen.expect("history", events[-1]["new_memory"], kept["text"])


def listed(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """List a user's memories, all of them and those with an entry."""
    user, n = draw.choice(USERS), draw.randrange(5)
    whose = {"user_id": user}
    found = seen.timed("get_all", lambda: client.get_all(filters=whose, page_size=1_000))
    seen.expect("get_all", {one["id"]: one["memory"] for one in found["results"]}, seen.of(user))
    some = {"AND": [whose, {"n": {"gte": n}}]}
    found = seen.timed("get_all filtered", lambda: client.get_all(filters=some, page_size=1_000))
    wanted = {one for one in seen.of(user) if seen.known[one]["n"] >= n}
    seen.expect("get_all filtered", {one["id"] for one in found["results"]}, wanted)


def search(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """Search for a memory by its own words."""
    one = draw.choice(sorted(seen.known))
    user, text = seen.known[one]["user"], seen.known[one]["text"]
    asked = {"filters": {"user_id": user}, "top_k": 10}
    found = seen.timed("search", lambda: client.search(text, **asked))["results"]
    seen.expect("search", text in [hit["memory"] for hit in found], True)
    seen.expect("search of others", {hit["user_id"] for hit in found} - {user}, set())


def delete(client: Any, seen: Seen, draw: random.Random, number: int) -> None:
    """Delete a memory; seldom all of a user's run."""
    one = draw.choice(sorted(seen.known))
    kept = seen.known[one]
    if draw.random() < 0.05 and kept["run"] is not None:
        whose = {"user_id": kept["user"], "run_id": kept["run"]}
        seen.timed("delete_all", lambda: client.delete_all(**whose))
        same = ("user", "run")
        gone = [
            other
            for other, each in seen.known.items()
            if all(each[name] == kept[name] for name in same)
        ]
    else:
        seen.timed("delete", lambda: client.delete(one))
        gone = [one]
    for other in gone:
        del seen.known[other]


ACTS = {add: 40, update: 15, read: 15, listed: 5, search: 15, delete: 10}


def run(client: Any, operations: int, seed: int) -> Seen:
    """Do so many operations."""
    seen, draw = Seen(), random.Random(seed)
    for number in range(operations):
        [act] = draw.choices(list(ACTS), list(ACTS.values())) if seen.known else [add]
        act(client, seen, draw, number)
    users = {one["name"]: one["total_memories"] for one in client.users()["results"]}
    for user in USERS:
        seen.expect("users", users.get(user, 0), len(seen.of(user)))
    client.reset()
    left = client.get_all(filters={"OR": [{"user_id": "*"}, {"run_id": "*"}]})
    seen.expect("reset", left["count"], 0)
    return seen


def made(python: str, database: Path) -> str:
    """A key for a new database, which nobody has open."""
    command = [python, "-m", "mba_integrations", "keys", "create", "app", "--db", str(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(line for line in done.stdout.split() if line.startswith("mba_"))


def serve(python: str, database: Path, port: int) -> subprocess.Popen[bytes]:
    """A server that answers."""
    command = [python, "-m", "mba_integrations", "serve", "--db", str(database), "--compat", "mem0"]
    server = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        except OSError:
            if time.monotonic() > until or server.poll() is not None:
                raise
            time.sleep(0.1)
        else:
            return server


def main() -> int:
    """Run the client and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=18_378)
    parser.add_argument("--serve-with", metavar="PYTHON", default=sys.executable)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=str(Path(folder) / "mem0"))
        from mem0 import MemoryClient  # type: ignore[import-not-found]

        database = Path(folder) / "memory.db"
        key = made(options.serve_with, database)
        server = serve(options.serve_with, database, options.port)
        try:
            client = MemoryClient(api_key=key, host=f"http://127.0.0.1:{options.port}/mem0")
            seen = run(client, options.operations, options.seed)
        finally:
            server.terminate()
            server.wait()
    took = {
        name: {"count": len(all_of_it), "p50_ms": round(statistics.median(all_of_it) * 1000, 1)}
        for name, all_of_it in sorted(seen.seconds.items())
    }
    print(json.dumps({"differences": seen.differences[:5], "operations": took}, indent=2))
    return int(bool(seen.differences))


if __name__ == "__main__":
    sys.exit(main())
