"""Workspaces above `pool_memories`: from what Postgres finds, refused on SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from memory_services import Opened

from mba_integrations import MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.services.memory.beyond import job
from mba_integrations.services.memory.errors import WorkspaceTooLargeError
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.statements import finding
from mba_integrations.testing import Clock

on_postgres = pytest.mark.parametrize("where", ["postgres"], indirect=True)
LIMIT = 50
BY_NUMBER = RetentionPolicy(rag={"max_items": 5})
WORDS = ("boat", "river", "harbour", "winter", "engine", "sails", "repair", "storm", "anchor")


def vector_of(text: str) -> FloatArray:
    """The same for the same text, like that of a text with the same beginning."""
    draw = np.random.default_rng(sum(text[:12].encode()))
    return np.asarray(draw.normal(size=8), dtype=np.float32)


def embedder(texts: list[str]) -> FloatArray:
    return np.stack([vector_of(text) for text in texts])


def items(count: int = 160, *, seed: int = 1) -> list[MemoryItem]:
    """Pieces of documents, ten to a document."""
    draw = np.random.default_rng(seed)
    texts = [f"{' '.join(draw.choice(WORDS, 6))} code{n}x" for n in range(count)]
    return [
        MemoryItem(f"m{n}", text, "rag", source=f"book{n // 10}", position=n % 10)
        for n, text in enumerate(texts)
    ]


@pytest.fixture
def large(opened: Opened) -> MemoryService:
    """A service whose workspace `kate` is too large for a pool."""
    service = opened(embedder=embedder, embedding_model="m", pool_memories=LIMIT)
    service.create_workspace("kate", max_total_tokens=100, token_price=0.0)
    service.remember("kate", items())
    service.jobs.run()  # vectors
    return service


@pytest.fixture
def whole(opened: Opened, large: MemoryService) -> MemoryService:
    """Another one on the same store, which holds it all in memory."""
    return opened(embedder=embedder, embedding_model="m")


def chosen(reply: RecallReply) -> tuple[str, ...]:
    return tuple(reply.allocation.selected_ids)


def candidates(reply: RecallReply) -> set[str]:
    return {item.id for item in reply.allocation.decided.problem.snapshot.items}


def indexed(service: MemoryService, workspace_id: str = "kate") -> None:
    """Have the workspace indexed, as the first recall asks for, without waiting for it."""
    service.recall(workspace_id, "boat")
    until = time.monotonic() + 30
    while not any(one.kind == job.KIND for one in service.jobs.list(workspace_id)):
        assert time.monotonic() < until, "no job was put in"
        time.sleep(0.01)
    service.jobs.run()


@on_postgres
def test_a_recall_says_how_many_it_looked_at_and_of_how_many(large: MemoryService) -> None:
    reply = large.recall("kate", "Which boat has sails?")
    count = len(candidates(reply))
    assert 0 < count <= LIMIT
    assert reply.notes[-2] == (
        f"Chosen from the {count} most fitting of 160 memories: the workspace has more than "
        f"pool_memories, {LIMIT}."
    )
    assert reply.not_considered.not_looked_at == 160 - count
    assert reply.to_dict()["not_considered"]["not_looked_at"] == 160 - count
    assert reply.used_tokens <= 100
    assert not large._equipment.pools.bytes


@on_postgres
def test_the_job_makes_vectors_searchable_and_the_note_goes(large: MemoryService) -> None:
    assert "found by words alone" in large.recall("kate", "Which boat?").notes[-1]
    indexed(large)
    done = next(one for one in large.jobs.list("kate") if one.kind == job.KIND)
    assert (done.state, done.error) == (JobState.DONE, None)
    assert done.result == {"parts": 1, "vectors": 160, "has_pgvector": True}
    near = large.get("kate", "m33").content[:12]
    reply = large.recall("kate", "xyzzy", query_embedding=vector_of(near))
    assert "m33" in candidates(reply)
    assert "found by words alone" not in "".join(reply.notes)


@on_postgres
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(MemoryFilter(sources=frozenset({"book3", "book7"})), id="two-documents"),
        pytest.param(MemoryFilter(memory_ids=frozenset({"m1", "m90"})), id="two-memories"),
        pytest.param(MemoryFilter(contains="code15"), id="by-text"),
        pytest.param(MemoryFilter(sources=frozenset({"none"})), id="nothing"),
    ],
)
def test_a_filter_that_lets_few_through_gives_the_exact_choice(
    large: MemoryService, whole: MemoryService, wanted: MemoryFilter
) -> None:
    query = "Which boat has sails in winter?"
    found, exact = (one.recall("kate", query, filters=wanted) for one in (large, whole))
    assert (found.prompt_text, chosen(found)) == (exact.prompt_text, chosen(exact))
    assert found.allocation.value == exact.allocation.value
    assert found.not_considered == exact.not_considered


@on_postgres
def test_what_words_say_is_chosen_as_in_the_exact_choice(opened: Opened) -> None:
    large, whole = opened(pool_memories=LIMIT), opened()
    large.create_workspace("kate", max_total_tokens=40)
    large.remember("kate", items())
    for query in ("What is code77x?", "code12x and code140x"):
        found, exact = (one.recall("kate", query) for one in (large, whole))
        assert chosen(found) == chosen(exact) != ()


@on_postgres
def test_filters_narrow_the_search_and_not_its_result(large: MemoryService) -> None:
    indexed(large)
    books = frozenset(f"book{n}" for n in range(0, 16, 2))
    reply = large.recall("kate", "boat winter", filters=MemoryFilter(sources=books))
    assert len(candidates(reply)) > LIMIT // 2
    assert {large.get("kate", one).source for one in candidates(reply)} <= books


def put(service: MemoryService, text: str, **fields: object) -> None:
    service.remember("kate", MemoryItem("new", text, "rag", **fields))  # type: ignore[arg-type]


@on_postgres
def test_what_was_written_after_the_job_is_seen_at_once(opened: Opened) -> None:
    service = opened(pool_memories=LIMIT)
    service.create_workspace("kate", max_total_tokens=40)
    service.remember("kate", items())
    indexed(service)
    ask = "Who keeps the lighthouse?"
    for change in (
        lambda: put(service, "The lighthouse keeper is Ada."),
        lambda: service.revise("kate", "new", "The lighthouse keeper is Ben."),
    ):
        change()
        newest = service.list("kate", limit=1).rows[0]
        assert newest.memory_id in chosen(service.recall("kate", ask))
    service.forget("kate", [newest.memory_id])
    assert "lighthouse" not in service.recall("kate", ask).prompt_text


@on_postgres
def test_a_document_is_replaced_whole_beyond_memory(large: MemoryService) -> None:
    rag = RagService(large)
    rag.put_document("kate", "keys", text="The blue key opens the shed.")
    assert "shed" in rag.retrieve("kate", "What does the blue key open?").prompt_text
    rag.put_document("kate", "keys", text="The blue key opens the cellar.")
    reply = rag.retrieve("kate", "What does the blue key open?")
    assert "cellar" in reply.prompt_text
    assert "shed" not in reply.prompt_text
    assert [one.document_id for one in reply.citations][:1] == ["keys"]


@on_postgres
def test_pins_and_the_last_prompt_are_candidates_whatever_is_asked(large: MemoryService) -> None:
    put(large, "Answer in English.", pinned=True)
    first = large.recall("kate", "What is code12x?", session_id="s")
    second = large.recall("kate", "code140x", session_id="s")
    assert "new" in chosen(second)
    assert set(chosen(first)) <= candidates(second)


@on_postgres
def test_another_workspace_is_never_looked_at(large: MemoryService) -> None:
    large.create_workspace("tom", max_total_tokens=100)
    others = [MemoryItem(f"t{n}", f"boat sails winter t{n}", "rag") for n in range(60)]
    large.remember("tom", others)
    for _ in range(2):
        for who, prefix in (("kate", "m"), ("tom", "t")):
            found = candidates(large.recall(who, "boat sails winter"))
            assert found
            assert {one[0] for one in found} == {prefix}
        indexed(large)
        indexed(large, "tom")


@on_postgres
def test_without_pgvector_words_are_searched_and_writes_go_on(
    large: MemoryService, postgres_database: str
) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute("ALTER TABLE memory_vector DROP COLUMN near")
    put(large, "The lighthouse keeper is Ada.", embedding=vector_of("lighthouse"))
    reply = large.recall("kate", "Who keeps the lighthouse?")
    assert "new" in chosen(reply)
    assert "pgvector is missing" in reply.notes[-1]
    indexed(large)  # makes the column, since the server has pgvector after all
    assert "pgvector" not in "".join(large.recall("kate", "boat").notes)


@on_postgres
def test_a_job_that_died_is_begun_again_and_makes_parts_of_all(
    large: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "PART_TEXTS", 60)
    monkeypatch.setattr(job, "_POSTINGS_AT_ONCE", 5)
    batches = job._batches

    def broken(pairs: Iterable[tuple[str, object]]) -> Iterable[Sequence[object]]:
        yield from list(batches(pairs))[:2]  # type: ignore[arg-type]
        raise OSError("the worker was killed")

    monkeypatch.setattr(job, "_batches", broken)
    indexed(large)
    states = {one.kind: one.state for one in large.jobs.list("kate")}
    assert states["index"] is JobState.QUEUED
    monkeypatch.setattr(job, "_batches", batches)
    clock = large._equipment.clock
    assert isinstance(clock, Clock)
    clock.pass_seconds(600)
    large.jobs.run()
    done = next(one for one in large.jobs.list("kate") if one.kind == "index")
    assert done.result == {"parts": 3, "vectors": 160, "has_pgvector": True}
    assert "m140" in chosen(large.recall("kate", "What is code140x?"))


@on_postgres
@pytest.mark.parametrize(
    ("ask", "says"),
    [
        pytest.param(
            lambda service: service.recall("kate", "boat", as_of=datetime(2020, 1, 1, tzinfo=UTC)),
            "a recall as of an earlier time holds at most 50",
            id="as-of",
        ),
        pytest.param(
            lambda service: service.retention.preview("kate", BY_NUMBER),
            "what looks at the worth of all of them holds at most 50",
            id="retention-by-number",
        ),
    ],
)
def test_what_needs_all_memories_is_refused(large: MemoryService, ask: object, says: str) -> None:
    with pytest.raises(WorkspaceTooLargeError, match=says):
        ask(large)  # type: ignore[operator]


def test_sqlite_refuses_with_the_numbers_and_the_ways_out_and_writes_on(
    large: MemoryService, whole: MemoryService
) -> None:
    with pytest.raises(WorkspaceTooLargeError) as refused:
        large.recall("kate", "boat")
    assert (refused.value.count, refused.value.limit) == (160, LIMIT)
    assert str(refused.value).startswith(
        "workspace 'kate' has about 160 memories, a recall on SQLite holds at most 50 "
        "(pool_memories). Move the store to Postgres"
    )
    large.remember("kate", "One more.")
    large.forget("kate", [f"m{n}" for n in range(120)])
    assert large.recall("kate", "What is code140x?").used_tokens
    assert whole.recall("kate", "What is code140x?").used_tokens


def test_a_workspace_that_may_be_held_is_not_counted(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = opened(pool_memories=10)
    service.create_workspace("kate")
    counted = []
    count = finding.count

    def counting(*asked: Any) -> Any:
        counted.extend([1] * (len(asked) == 1))
        return count(*asked)

    monkeypatch.setattr(finding, "count", counting)
    service.remember("kate", [f"boat {n}" for n in range(10)])
    service.recall("kate", "boat")
    assert not counted
    service.forget("kate", [row.memory_id for row in service.list("kate").rows[:5]])
    for _ in range(3):
        service.recall("kate", "boat")
    assert counted == [1]
