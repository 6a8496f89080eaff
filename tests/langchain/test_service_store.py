"""`MemoryServiceStore`: does what LangGraph's own store does, and keeps what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore
from service_workspaces import NewWorkspace, clock, new_workspace, service, workspace

from mba_integrations import InputError
from mba_integrations.langchain import LangGraphStoreSource, MemoryServiceStore
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
KATE = ("kate", "notes")
NewStore = Callable[..., MemoryServiceStore]


@pytest.fixture
def new_store(service: MemoryService, new_workspace: NewWorkspace, clock: Clock) -> NewStore:
    def make(**options: Any) -> MemoryServiceStore:
        return MemoryServiceStore(service, new_workspace(), clock=clock, **options)

    return make


@pytest.fixture
def store(new_store: NewStore) -> MemoryServiceStore:
    return new_store()


def keys(found: Any) -> list[str]:
    return [one.key for one in found]


# As LangGraph's own store

LABELS = st.sampled_from(["kate", "tom", "notes"])
NAMESPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["a", "b"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["Kate skis.", "Tom reads.", " "]),
        "n": st.integers(0, 3),
        "deep": st.just({"a": {"b": {"c": {"d": [{"e": None}]}}}}),
        "lang": st.sampled_from(["en", "pt"]),
    },
)
FILTERS = st.one_of(
    st.none(),
    st.builds(lambda lang: {"lang": lang}, st.sampled_from(["en", "pt", None])),
    st.builds(lambda name, n: {"n": {name: n}}, st.sampled_from(["$eq", "$ne"]), st.integers(0, 3)),
    st.just({"deep": {"a": {"b": {"c": {"d": [{"e": None}]}}}}}),
)
CONDITIONS = st.builds(
    MatchCondition,
    st.sampled_from(["prefix", "suffix"]),
    st.lists(st.one_of(LABELS, st.just("*")), min_size=1, max_size=2).map(tuple),
)
OPS: st.SearchStrategy[Op] = st.one_of(
    st.tuples(NAMESPACES, KEYS, st.one_of(VALUES, st.none())).map(lambda put: PutOp(*put)),
    st.tuples(NAMESPACES, KEYS).map(lambda get: GetOp(*get)),
    st.tuples(st.lists(LABELS, max_size=2).map(tuple), FILTERS, st.just(100)).map(
        lambda search: SearchOp(*search)
    ),
)
LISTINGS = st.tuples(
    st.one_of(st.none(), st.tuples(CONDITIONS)),
    st.one_of(st.none(), st.integers(1, 3)),
    st.integers(1, 5),
    st.integers(0, 2),
).map(lambda listed: [ListNamespacesOp(*listed)])
BATCHES = st.one_of(st.lists(OPS, min_size=1, max_size=5), LISTINGS)


def comparable(result: Any) -> Any:
    """A result without times, and without the order of a search, which each store has its own."""
    if isinstance(result, list) and result and hasattr(result[0], "key"):
        return sorted((*map(comparable, result),), key=repr)
    if hasattr(result, "key"):
        return result.namespace, result.key, result.value
    return result


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(BATCHES, min_size=1, max_size=5))
def test_any_operations_give_what_the_store_in_memory_gives(
    new_store: NewStore, batches: list[list[Op]]
) -> None:
    ours, theirs = new_store(), InMemoryStore()
    for batch in batches:
        # To the store in memory a namespace that was asked for is there, though nothing is in it.
        for empty in [name for name, kept in theirs._data.items() if not kept]:
            del theirs._data[empty]
        expected = [comparable(one) for one in theirs.batch(batch)]
        assert [comparable(one) for one in ours.batch(batch)] == expected


@pytest.mark.parametrize(
    "namespace",
    [
        pytest.param((), id="empty"),
        pytest.param(("a.b",), id="dot"),
        pytest.param(("",), id="empty-label"),
        pytest.param(("langgraph", "x"), id="reserved"),
    ],
)
def test_namespaces_that_are_none_are_refused(store: BaseStore, namespace: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.put(namespace, "a", {"text": "x"})


def test_labels_that_a_batch_brings_are_checked_too(store: BaseStore) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.batch([GetOp(("a.b",), "k")])


# Values


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"text": "Kate skis.", "n": 1}, id="text-and-more"),
        pytest.param({"text": "Kate skis."}, id="text-alone"),
        pytest.param({"text": ""}, id="empty-text"),
        pytest.param({"text": 7}, id="text-that-is-none"),
        pytest.param({}, id="empty"),
        pytest.param({"n": 1.5, "list": [1, [2, {"a": None}]], "ü": "ß"}, id="no-text"),
        pytest.param({"text": '{"n": 1}'}, id="text-that-is-json"),
        pytest.param({"text": "Kate skis.", "tier": "project"}, id="tier"),
        pytest.param({"text": "Kate skis.", "tier": "attic"}, id="tier-that-is-none"),
    ],
)
@pytest.mark.parametrize("index", [None, False, ["n"], ["text"]], ids=repr)
def test_a_value_comes_back_as_it_was(store: BaseStore, value: Any, index: Any) -> None:
    store.put(KATE, "a", value, index=index)
    found = store.get(KATE, "a")
    assert found is not None
    assert (found.value, found.key, found.namespace) == (value, "a", KATE)


def test_the_text_is_what_the_service_recalls(
    service: MemoryService, workspace: str, clock: Clock
) -> None:
    store = MemoryServiceStore(service, workspace, clock=clock)
    store.put(KATE, "a", {"text": "Kate lives in Oslo.", "tier": "project"})
    store.put(KATE, "b", {"who": {"name": "Tom skis."}, "n": 1}, index=["who.name"])
    prompt = service.recall(workspace, "Where does Kate live?").prompt_text
    assert "## Project\n- Kate lives in Oslo.\n" in prompt
    assert service.list(workspace).rows[0].content == "Tom skis."


def test_a_key_that_is_put_again_changes_the_same_text_too(
    service: MemoryService, workspace: str, clock: Clock
) -> None:
    store = MemoryServiceStore(service, workspace, clock=clock)
    for count in range(3):
        store.put(KATE, "a", {"text": "Kate skis.", "count": count})
        clock.pass_seconds(60)
    found = store.get(KATE, "a")
    assert found is not None
    assert found.value["count"] == 2
    assert (found.updated_at - found.created_at).total_seconds() == 120
    assert len(service.list(workspace).rows) == 1


def test_two_keys_may_say_the_same(store: BaseStore) -> None:
    store.put(KATE, "a", {"text": "Kate skis."})
    store.put(KATE, "b", {"text": "Kate skis."})
    assert sorted(keys(store.search(KATE))) == ["a", "b"]


def test_a_put_of_a_key_that_is_there_is_done_whole_or_not_at_all(
    service: MemoryService, workspace: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryServiceStore(service, workspace, clock=clock)
    store.put(KATE, "a", {"text": "Kate skis."})

    def unreachable(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        for second in ("forget", "remember"):
            patched.setattr(service, second, unreachable)
        store.put(KATE, "a", {"text": "Kate reads."})
        patched.setattr(service, "revise_all", unreachable)
        with pytest.raises(KeyboardInterrupt):
            store.put(KATE, "a", {"text": "Kate sings."})
    assert [row.content for row in service.list(workspace).rows] == ["Kate reads."]


@pytest.mark.parametrize(
    ("before", "theirs"),
    [
        pytest.param({"text": "Kate skis.", "n": 1}, {"text": "Kate reads."}, id="put-again"),
        pytest.param(None, {"text": "Kate sings.", "n": 2}, id="first-put-of-the-same-text"),
    ],
)
def test_of_two_who_put_a_key_at_once_the_later_has_it(
    service: MemoryService,
    workspace: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, Any] | None,
    theirs: dict[str, Any],
) -> None:
    store, other = (MemoryServiceStore(service, workspace, clock=clock) for _ in range(2))
    if before is not None:
        store.put(KATE, "a", before)
    looks = service.list

    def list_then_be_overtaken(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(service, "list", looks)
        page = looks(*given, **named)
        other.put(KATE, "a", theirs)
        return page

    monkeypatch.setattr(service, "list", list_then_be_overtaken)
    store.put(KATE, "a", {"text": "Kate sings.", "n": 3})
    found = store.get(KATE, "a")
    assert found is not None
    assert found.value == {"text": "Kate sings.", "n": 3}
    assert len(service.list(workspace).rows) == 1


def test_namespaces_are_listed_without_reading_an_item(
    store: BaseStore, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for namespace in (KATE, ("tom",), ("kate",)):
        store.put(namespace, "a", {"text": "x"})
        store.put(namespace, "b", {"text": "x"}, ttl=None)
    monkeypatch.setattr(service, "list", None)
    assert store.list_namespaces() == [("kate",), KATE, ("tom",)]


def test_a_read_that_refreshes_writes_no_new_memory(
    service: MemoryService, workspace: str, clock: Clock
) -> None:
    store = MemoryServiceStore(service, workspace, clock=clock)
    store.put(KATE, "a", {"text": "Kate skis."}, ttl=10)
    [row] = service.list(workspace).rows
    clock.pass_seconds(300)
    found = store.get(KATE, "a")
    assert found is not None
    [again] = service.list(workspace).rows
    assert again.memory_id == row.memory_id
    assert again.expires_at == clock() + timedelta(minutes=10)
    assert found.updated_at == row.stored_at


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param({"text": "x", "at": object()}, "must be JSON", id="no-json"),
        pytest.param({"text": "x" * 300_000}, "at most 262,144", id="text-too-long"),
        pytest.param({"text": "x", "b": "y" * 20_000}, "at most 16,384", id="rest-too-long"),
    ],
)
def test_what_cannot_be_kept_is_refused(store: BaseStore, value: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        store.put(KATE, "a", value)
    assert store.get(KATE, "a") is None


def test_long_labels_and_keys_stay_apart(store: BaseStore) -> None:
    long = "x" * 400
    for key in (f"{long}1", f"{long}2"):
        store.put((long, long), key, {"text": key})
    found = store.get((long, long), f"{long}1")
    assert found is not None
    assert found.value == {"text": f"{long}1"}
    assert len(store.search((long,))) == 2


# Searching


def test_a_query_ranks_and_the_others_follow_without_a_score(store: BaseStore) -> None:
    store.put(KATE, "hidden", {"text": "Kate skis in the north."}, index=False)
    store.put(KATE, "bread", {"text": "Bread needs salt."})
    store.put(KATE, "ski", {"text": "Kate skis in the north of Norway."})
    store.put(("tom",), "ski", {"text": "Tom skis in the north of Norway."})
    found = store.search(KATE, query="Who skis in the north?")
    assert keys(found) == ["ski", "bread", "hidden"]
    assert [one.score is None for one in found] == [False, False, True]
    assert keys(store.search(KATE, query="Who skis?", limit=1, offset=1)) == ["bread"]


def test_a_query_and_a_filter_hold_together(store: BaseStore) -> None:
    for key, n in (("a", 1), ("b", 2), ("c", 3)):
        store.put(KATE, key, {"text": f"Kate skis, {key}.", "n": n})
    store.put(KATE, "d", {"text": "Kate skis, d.", "n": "many"})
    found = store.search(KATE, query="skis", filter={"n": {"$gte": 2}})
    assert sorted(keys(found)) == ["b", "c"]
    assert all(one.score is not None for one in found)


def test_more_than_the_service_ranks_are_found(store: BaseStore) -> None:
    store.batch([PutOp(KATE, str(n), {"text": f"Kate skis on day {n}."}) for n in range(130)])
    found = store.search(KATE, query="When does Kate ski?", limit=200)
    assert len(set(keys(found))) == 130
    assert [one.score is not None for one in found] == [True] * 100 + [False] * 30


def test_a_comparison_that_is_unknown_is_refused(store: BaseStore) -> None:
    store.put(KATE, "a", {"n": 1})
    with pytest.raises(InputError, match=r"'\$in' is none of"):
        store.search(KATE, filter={"n": {"$in": [1]}})


# Time to live


def test_an_item_whose_time_has_come_is_nowhere(new_store: NewStore, clock: Clock) -> None:
    store = new_store(ttl={"default_ttl": 5, "refresh_on_read": False})
    store.put(KATE, "a", {"text": "Kate skis."})
    store.put(KATE, "b", {"text": "Kate reads."}, ttl=None)
    clock.pass_seconds(299)
    assert store.get(KATE, "a") is not None
    clock.pass_seconds(1)
    assert store.get(KATE, "a") is None
    assert keys(store.search(KATE)) == keys(store.search(KATE, query="skis")) == ["b"]
    store.delete(KATE, "b")
    assert store.list_namespaces() == []


def test_reading_prolongs_where_it_is_asked_for(store: BaseStore, clock: Clock) -> None:
    store.put(KATE, "a", {"text": "Kate skis."}, ttl=5, index=False)
    for read in (store.get, lambda *_: store.search(KATE)):
        clock.pass_seconds(200)
        assert read(KATE, "a")
    clock.pass_seconds(200)
    assert store.get(KATE, "a", refresh_ttl=False) is not None
    clock.pass_seconds(100)
    assert store.get(KATE, "a") is None


def test_reading_soon_again_writes_nothing(
    service: MemoryService, workspace: str, clock: Clock
) -> None:
    store = MemoryServiceStore(service, workspace, clock=clock)
    store.put(KATE, "a", {"text": "Kate skis."}, ttl=5)
    before = service.workspaces.row(workspace).change_seq
    clock.pass_seconds(2)
    store.get(KATE, "a")
    assert service.workspaces.row(workspace).change_seq == before


# As a part of an agent


def test_a_source_reads_and_writes_it_like_any_store(store: BaseStore, clock: Clock) -> None:
    source = LangGraphStoreSource(("memories", "kate@example.com"), store=store, clock=clock)
    store.put(source.labels(None), "home", {"text": "Kate lives in Oslo."})
    (item,) = source.items("Where?")
    source.put([item])
    assert [one.content for one in source.items("Where?")] == ["Kate lives in Oslo."]


def test_it_can_be_awaited(store: BaseStore) -> None:
    async def go() -> Any:
        await store.aput(KATE, "a", {"text": "Kate skis."})
        return await store.aget(KATE, "a"), await store.asearch(("kate",))

    found, listed = asyncio.run(go())
    assert found.value == {"text": "Kate skis."}
    assert keys(listed) == ["a"]


@pytest.mark.parametrize("minutes", [float("nan"), float("inf"), -1, 1e12, "5"], ids=repr)
def test_a_time_to_live_that_is_none_is_refused(store: BaseStore, minutes: Any) -> None:
    with pytest.raises(InputError, match="ttl must be minutes"):
        store.put(KATE, "a", {"text": "Kate skis."}, ttl=minutes)


def test_something_else_than_a_service_is_refused() -> None:
    nothing: Any = InMemoryStore()
    with pytest.raises(InputError, match="service must be a MemoryService"):
        MemoryServiceStore(nothing, "kate")
