"""Memories of a LangGraph store: reading, writing, expiry, promotion."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_agents import agent_of, talk, thread, words
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError, MemoryItem, MemoryTier
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.langchain import (
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    MemoryPromotionMiddleware,
    MemoryServiceStore,
)
from mba_integrations.langchain.agents.store_source import escaped_label
from mba_integrations.services.memory.service import MemoryService

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOBODY: Any = None


@pytest.fixture(params=["memory", "sqlite", "service"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, service: MemoryService, workspace: str
) -> Iterator[BaseStore]:
    if request.param == "memory":
        yield InMemoryStore()
        return
    if request.param == "service":
        yield MemoryServiceStore(service, workspace)
        return
    with SqliteStore.from_conn_string(str(tmp_path / "store.sqlite")) as opened:
        opened.setup()
        yield opened


def source(store: BaseStore | None, *labels: str, **options: Any) -> LangGraphStoreSource:
    return LangGraphStoreSource(
        labels or ("memories", "kate"), store=store, clock=lambda: NOW, **options
    )


def test_what_is_written_is_read_as_it_was(store: BaseStore) -> None:
    item = MemoryItem(
        "home",
        "Kate lives in Oslo.",
        "project",
        importance=0.7,
        created_at=NOW - timedelta(days=3),
        last_accessed_at=NOW,
        access_count=4,
        source="chat",
        position=2.0,
        metadata={"lang": "en"},
    )
    kept = source(store)
    kept.put([item])
    (read,) = kept.items("", NOBODY)
    assert read.id == "memories/kate/home"
    same = ("content", "tier", "importance", "created_at", "last_accessed_at", "access_count")
    for name in (*same, "source", "position"):
        assert getattr(read, name) == getattr(item, name), name
    assert read.metadata["lang"] == "en"
    kept.put([read])
    assert kept.items("", NOBODY) == [read]


def test_only_the_namespace_itself_is_read(store: BaseStore) -> None:
    source(store, "m", "kate").put([MemoryItem("a", "hers", "rag")])
    source(store, "m", "kate", "old").put([MemoryItem("b", "deeper", "rag")])
    source(store, "m", "karl").put([MemoryItem("c", "his", "rag")])
    assert [item.content for item in source(store, "m", "kate").items("", NOBODY)] == ["hers"]


def test_more_than_ten_memories_are_read_in_one_batch(store: BaseStore) -> None:
    many = source(store)
    many.put(MemoryItem(str(n), f"fact {n}", "rag") for n in range(40))
    assert len(many.items("", NOBODY)) == 40
    assert len(source(store, limit=7).items("", NOBODY)) == 7


@given(st.lists(st.text(max_size=8), min_size=2, max_size=2, unique=True))
def test_labels_of_any_text_are_told_apart(labels: list[str]) -> None:
    kept = InMemoryStore()
    for label in labels:
        source(kept, label).put([MemoryItem("a", f"of {label!r}", "rag")])
    for label in labels:
        (read,) = source(kept, label).items("", NOBODY)
        assert read.content == f"of {label!r}"


@pytest.mark.parametrize(
    ("label", "escaped"),
    [
        pytest.param("kate@example.com", "kate@example%2Ecom", id="dot"),
        pytest.param("", "%", id="empty"),
        pytest.param("%", "%25", id="percent"),
        pytest.param("langgraph", "%langgraph", id="reserved"),
    ],
)
def test_labels_are_escaped(label: str, escaped: str) -> None:
    assert escaped_label(label) == escaped


@pytest.mark.parametrize(
    ("expires_at", "there"),
    [
        pytest.param("2026-03-02T12:00:00+00:00", False, id="now"),
        pytest.param("2026-03-02T12:00:01+00:00", True, id="in-a-second"),
        pytest.param("2026-03-02T12:30:00", True, id="without-a-zone-is-utc"),
        pytest.param(NOW.timestamp(), False, id="seconds-since-1970"),
        pytest.param(NOW.timestamp() + 1, True, id="seconds-and-one"),
        pytest.param(int(NOW.timestamp() * 1000), False, id="milliseconds-since-1970"),
        pytest.param(str(int(NOW.timestamp())), False, id="seconds-as-text"),
        pytest.param(0, False, id="the-first-second"),
        pytest.param(None, True, id="never"),
    ],
)
def test_expired_memories_are_left_out(
    store: BaseStore, expires_at: str | float | None, there: bool
) -> None:
    value = {"text": "short-lived", "expires_at": expires_at}
    store.put(("memories", "kate"), "a", value)
    assert bool(source(store).items("", NOBODY)) is there


def test_nothing_that_is_read_leads_back_into_the_store() -> None:
    kept = InMemoryStore()
    kept.put(("memories", "kate"), "a", {"text": "x", "tags": ["one"]})
    (read,) = source(kept).items("", NOBODY)
    read.metadata["tags"].append("two")
    found = kept.get(("memories", "kate"), "a")
    assert found is not None
    assert found.value["tags"] == ["one"]


def test_values_without_text_are_no_memories(store: BaseStore) -> None:
    for number, value in enumerate([{"other": 1}, {"text": ""}, {"text": 3}, {"text": " \n"}]):
        store.put(("memories", "kate"), str(number), value)
    assert source(store).items("", NOBODY) == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        pytest.param("created_at", "last Tuesday", "created_at must be ISO 8601", id="no-time"),
        pytest.param("created_at", 1e300, "created_at must be ISO 8601", id="no-time-in-any-year"),
        pytest.param("last_accessed_at", [], "last_accessed_at must be ISO 8601", id="list"),
        pytest.param("expires_at", "never", "expires_at must be ISO 8601", id="no-expiry"),
        pytest.param("expires_at", True, "expires_at must be ISO 8601", id="truth-is-no-time"),
        pytest.param("importance", 8, "importance must be", id="importance-out-of-range"),
        pytest.param("importance", "high", "importance must be a number", id="importance-in-words"),
        pytest.param("tier", "episodic", "tier must be one of", id="unknown-tier"),
        pytest.param("tier", ["rag"], "tier must be one of", id="tier-in-a-list"),
        pytest.param("access_count", 2.5, "access_count must be an integer", id="half-a-time"),
        pytest.param("access_count", -1, "access_count must be an integer", id="less-than-never"),
        pytest.param("position", "3", "position must be a number", id="position-as-text"),
        pytest.param("source", 7, "source must be a text", id="source-as-number"),
        pytest.param("group", {"a": 1}, "group must be a text", id="group-as-mapping"),
        pytest.param("pinned", "no", "pinned must be true or false", id="pinned-in-words"),
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_odd_memory_is_left_out_with_a_note(
    field: str, value: object, reason: str, way: str
) -> None:
    kept = InMemoryStore()
    kept.put(("memories", "kate"), "good", {"text": "Kate lives in Oslo."})
    kept.put(("memories", "kate"), "odd", {"text": "Kate skis.", field: value})
    read = source(kept)
    found = read.items("") if way == "sync" else asyncio.run(read.aitems(""))
    assert [item.id for item in found] == ["memories/kate/good"]
    (note,) = found.notes
    assert note.startswith("memory 'memories/kate/odd' is left out: ")
    assert reason in note


def test_an_odd_memory_does_not_stop_promotion() -> None:
    kept = InMemoryStore()
    odd = {"text": "Kate skis.", "importance": 8}
    kept.put(("memories", "kate"), "odd", odd)
    kept.put(("memories", "kate"), "good", {"text": "Kate lives in Oslo."})
    source(kept).record(["memories/kate/good", "memories/kate/odd"], NOBODY, PromotionSettings())
    assert (stored(kept, "good")["access_count"], stored(kept, "odd")) == (1, odd)


def test_whole_numbers_may_be_written_as_fractions(store: BaseStore) -> None:
    store.put(("memories", "kate"), "a", {"text": "x", "access_count": 3.0})
    (read,) = source(store).items("")
    assert (read.access_count, type(read.access_count)) == (3, int)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("limit", [3, 10])
def test_memories_of_namespaces_below_hide_none(store: BaseStore, place: str, limit: int) -> None:
    own, below = source(store, "kate", limit=limit), source(store, "kate", "archive")
    mine = [MemoryItem(str(n), f"mine {n}", "rag") for n in range(3)]
    if place == "before":
        own.put(mine)
    below.put(MemoryItem(str(n), f"old {n}", "rag") for n in range(50))
    if place == "after":
        own.put(mine)
    found = own.items("")
    assert sorted(item.content for item in found) == ["mine 0", "mine 1", "mine 2"]
    assert found.notes == ()
    assert asyncio.run(own.aitems("")) == found if isinstance(store, InMemoryStore) else True


def test_expired_and_odd_memories_take_no_place_under_the_limit(store: BaseStore) -> None:
    for number in range(9):
        store.put(("memories", "kate"), f"old{number}", {"text": "x", "expires_at": 0})
        store.put(("memories", "kate"), f"odd{number}", {"text": "x", "position": "3"})
    store.put(("memories", "kate"), "good", {"text": "Kate lives in Oslo."})
    assert [item.content for item in source(store, limit=1).items("")] == ["Kate lives in Oslo."]


@pytest.mark.parametrize(
    ("there", "notes"),
    [pytest.param(7, 0, id="exactly-the-limit"), pytest.param(8, 1, id="one-more")],
)
def test_a_note_says_that_the_limit_cuts(store: BaseStore, there: int, notes: int) -> None:
    read = source(store, limit=7)
    read.put(MemoryItem(str(n), f"fact {n}", "rag") for n in range(there))
    found = read.items("")
    assert (len(found), len(found.notes)) == (7, notes)
    assert not notes or "more than 7 memories" in found.notes[0]


def test_a_store_that_repeats_itself_is_read_to_an_end() -> None:
    class Deaf(InMemoryStore):
        """Ignores from where on it is asked."""

        def batch(self, ops: Any) -> Any:
            return super().batch([one._replace(offset=0) for one in ops])

    kept = Deaf()
    for number in range(9):
        InMemoryStore.batch(
            kept, [PutOp(("memories", "kate", "old"), str(number), {"text": "below"})]
        )
    assert source(kept, limit=3).items("") == []


def test_the_tier_is_that_of_the_value_else_of_the_source(store: BaseStore) -> None:
    store.put(("memories", "kate"), "a", {"text": "x"})
    store.put(("memories", "kate"), "b", {"text": "y", "tier": "rag"})
    tiers = {item.content: item.tier for item in source(store, tier="project").items("", NOBODY)}
    assert tiers == {"x": MemoryTier.PROJECT, "y": MemoryTier.RAG}


def test_async_reads_the_same() -> None:
    kept = InMemoryStore()
    source(kept).put([MemoryItem("a", "x", "rag")])
    assert asyncio.run(source(kept).aitems("", NOBODY)) == source(kept).items("", NOBODY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: source(None).items("", NOBODY), "there is no store", id="no-store"),
        pytest.param(lambda: source(None, limit=0), "limit must be an integer >= 1", id="limit"),
        pytest.param(lambda: source(None, limit=2**63), "limit must be at most 2", id="too-high"),
        pytest.param(
            lambda: LangGraphStoreSource(lambda runtime: ("a",)).labels(None),
            "the namespace is a function of the runtime",
            id="no-runtime",
        ),
        pytest.param(
            lambda: LangGraphStoreSource("memories").labels(None),
            "namespace must be a sequence of labels, got str",
            id="text",
        ),
        pytest.param(lambda: LangGraphStoreSource(()), "got an empty one", id="no-labels"),
        pytest.param(lambda: LangGraphStoreSource(3), "namespace must be", id="number"),  # type: ignore[arg-type]
        pytest.param(lambda: source(None, tier="far"), "tier must be one of working", id="tier"),
        pytest.param(lambda: source(None, text_field=[]), "text_field must be a text", id="field"),
        pytest.param(
            lambda: MemoryPromotionMiddleware(source(None), settings=np.ones(2)),  # type: ignore[arg-type]
            "settings must be PromotionSettings, got ndarray",
            id="promotion-by-something-else",
        ),
        pytest.param(
            lambda: MemoryPromotionMiddleware("x"),  # type: ignore[arg-type]
            "source must be a LangGraphStoreSource or a MemoryServiceSource, got str",
            id="promotion-of-something-else",
        ),
    ],
)
def test_unusable_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def promoting_agent(store: BaseStore, replies: int) -> Any:
    memories = source(store)
    settings = PromotionSettings(promote_threshold=0.5, demote_threshold=0.1, min_stay_days=0.0)
    agent, _ = agent_of(
        [
            MemoryBudgetMiddleware(60, memories=[memories], token_counter=words),
            MemoryPromotionMiddleware(memories, settings=settings),
        ],
        ["ok"] * replies,
        store=store,
    )
    return agent


def stored(store: BaseStore, key: str) -> dict[str, Any]:
    found = store.get(("memories", "kate"), key)
    assert found is not None
    return found.value


@pytest.mark.parametrize("way", ["sync", "async"])
def test_used_memories_are_noted_and_move_nearer(way: str) -> None:
    store = InMemoryStore()
    for key, text in (("a", "Kate lives in Oslo."), ("b", "word " * 90)):
        value = {"text": text, "importance": 0.9, "created_at": "2026-02-01T00:00:00+00:00"}
        store.put(("memories", "kate"), key, value)
    agent = promoting_agent(store, 3)
    for number in range(3):
        given = {"messages": talk(f"h{number} where does Kate live")}
        if way == "sync":
            agent.invoke(given, thread("t"))
        else:
            asyncio.run(agent.ainvoke(given, thread("t")))
    used, unused = stored(store, "a"), stored(store, "b")
    assert (used["access_count"], used["tier"]) == (3, "project")
    assert used["last_accessed_at"] == used["tier_since"] == NOW.isoformat()
    assert "access_count" not in unused
    decision = agent.get_state(thread("t")).values["memory_budget"]["MemoryBudgetMiddleware"]
    assert decision["memories_moved"] == 0


def test_a_run_without_memories_writes_nothing() -> None:
    store = InMemoryStore()
    agent = promoting_agent(store, 1)
    agent.invoke({"messages": talk("h0 hello")}, thread("t"))
    assert store.search(("memories",)) == []


def test_without_promotion_the_store_is_only_read() -> None:
    store = InMemoryStore()
    store.put(("memories", "kate"), "a", {"text": "Kate lives in Oslo."})
    made = MemoryBudgetMiddleware(60, memories=[source(store)], token_counter=words)
    agent, _ = agent_of([made], ["ok"])
    agent.invoke({"messages": talk("h0 where does Kate live")}, thread("t"))
    assert stored(store, "a") == {"text": "Kate lives in Oslo."}


def test_memories_keep_their_order_from_turn_to_turn() -> None:
    store = InMemoryStore()
    facts = ["Kate lives in Oslo.", "Kate skis in winter.", "Kate has a red bicycle."]
    for number, fact in enumerate(facts):
        store.put(("memories", "kate"), str(number), {"text": fact})
    made = MemoryBudgetMiddleware(200, memories=[source(store)], token_counter=words)
    agent, model = agent_of([made], ["ok"] * 3)
    for asked in ("h0 bicycle", "h1 winter skis", "h2 Oslo"):
        agent.invoke({"messages": talk(asked)}, thread("t"))
    blocks = [str(received[-2].content) for received in model.received]
    assert len(blocks[0].splitlines()) == 5
    assert blocks[0] == blocks[1] == blocks[2]
