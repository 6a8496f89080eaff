"""A pool that was changed is what a pool of the same items made anew is, column by column."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from allocators import allocator_with, workspace
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import CountingCounter, assert_same, prepared, renderer
from strategies import of_all

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.term_numbers import CutTexts, TermNumbers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONTENTS = (
    "Kate skis in Oslo every winter.",
    "Oslo Harbour\nThe harbour of Oslo is cold.",
    "Does Kate know Oslo Harbour?",
    "Keys and keys and more keys.",
    "日本語 keys",
    "Kate: keys!",
    "Kate: which keys?",
    "Ben: no keys.",
    "the of and",
    "Blue whales dive deeper than grey seals near the harbour.",
)
VECTORS: tuple[list[float] | None, ...] = (
    *(None, [1.0, 2.0, 0.5], [-1.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    *([1.0, 2.0], [3.0, -1.0], [np.nan, 1.0, 2.0], []),
)


SAID = of_all(
    ["working", "project", "rag"], [None, None, "g", "h"], VECTORS, CONTENTS, [None, 0.25, 1.0]
)
KNOWN = of_all(
    [0.0, 0.5],
    range(12),
    [None, NOON, NOON - timedelta(days=9)],
    [None, "s", "t", "u"],
    [None, 1, 2],
    [{}, {"speaker": "Kate"}, {"role": "user"}],
)


@st.composite
def items(draw: st.DrawFn, name: str) -> MemoryItem:
    tier, group, vector, content, relevance = draw(SAID)
    importance, access_count, created_at, source, position, metadata = draw(KNOWN)
    return MemoryItem(
        name,
        content,
        tier,
        relevance=relevance,
        importance=importance,
        access_count=access_count,
        created_at=created_at,
        source=source,
        position=position,
        group=None if group is None else f"{group}-{tier}",
        embedding=vector,
        metadata=metadata,
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[MemoryItem], list[str], list[MemoryItem]]:
    """First items, then a list of acts by name, with an item for each."""
    first = [draw(items(f"m{row}")) for row in range(draw(st.integers(0, 6)))]
    acts = draw(st.lists(st.sampled_from(["add", "update", "remove", "query"]), max_size=12))
    return first, acts, [draw(items(f"n{row}")) for row in range(len(acts))]


def changed(pool: MemoryPool, act: str, item: MemoryItem) -> None:
    """Do the act with the item, on a place of the pool that the item's count decides."""
    names = [known.id for known in pool]
    place = item.access_count % max(1, len(names))
    if act == "add" or not names:
        pool.add(item)
    elif act == "update":
        values = {name: getattr(item, name) for name in item.__slots__ if name != "id"}
        pool.update(MemoryItem(names[place], **values))
    elif act == "remove":
        removed = pool.get(names[place])
        pool.remove(names[place])
        if item.source == "s":
            pool.add(removed)


@settings(max_examples=40)
@given(history=histories(), eager=st.booleans())
def test_a_changed_pool_equals_one_made_anew(
    history: tuple[list[MemoryItem], list[str], list[MemoryItem]], eager: bool
) -> None:
    first, acts, given_items = history
    pool = MemoryPool.from_items(first)
    prepared(pool.snapshot())
    earlier: list[tuple[PoolSnapshot, list[MemoryItem]]] = [(pool.snapshot(), first)]
    for act, item in zip(acts, given_items, strict=True):
        changed(pool, act, item)
        if eager or act == "query":
            prepared(pool.snapshot())
            earlier.append((pool.snapshot(), list(pool)))
    assert_same(pool.snapshot(), PoolSnapshot(pool.items))
    for snapshot, then in earlier:
        assert_same(snapshot, PoolSnapshot(then))


@settings(max_examples=30)
@given(history=histories(), method=st.sampled_from(["usefulness", "weighted_sum", "product"]))
def test_an_allocation_from_a_changed_pool_is_that_from_a_list(
    history: tuple[list[MemoryItem], list[str], list[MemoryItem]], method: str
) -> None:
    first, acts, given_items = history
    pool, memory = MemoryPool.from_items(first), allocator_with(workspace(scoring_method=method))
    for act, item in zip(acts, given_items, strict=True):
        changed(pool, act, item)
        allocate = memory.allocate_memory_budget
        got, expected = (
            allocate("Where does Kate ski?", candidates, "w", 60, now=NOON)
            for candidates in (pool, list(pool))
        )
        assert got.prompt_text == expected.prompt_text
        assert got.selected == expected.selected
        assert got.omitted == expected.omitted


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_prepared_snapshot_survives_pickle_and_deep_copy(
    twin: Callable[[PoolSnapshot], PoolSnapshot],
) -> None:
    snapshot = PoolSnapshot([text("a"), text("b", embedding=[1.0, 2.0, 3.0])])
    prepared(snapshot)
    assert_same(twin(snapshot), snapshot)


def text(name: str, content: str = "Kate skis.", **fields: Any) -> MemoryItem:
    return MemoryItem(name, content, "rag", **fields)


def test_many_changes_give_what_is_made_anew_and_old_numbers_are_given_up() -> None:
    random = np.random.default_rng(7)
    pool = MemoryPool.from_items(
        [text(f"m{row}", f"word{row % 37} and {row}") for row in range(99)]
    )
    prepared(pool.snapshot())
    for step in range(400):
        names = [item.id for item in pool]
        name = names[int(random.integers(len(names)))]
        pool.update(text(name, f"word{step % 41} again {step}", embedding=[1.0, step, 2.0]))
        pool.remove(names[int(random.integers(len(names)))])
        pool.add(text(f"n{step}", f"New Name\nword{step % 29}"))
        prepared(pool.snapshot())
    assert_same(pool.snapshot(), PoolSnapshot(pool.items))
    columns = pool.snapshot().lexical.columns
    assert columns.slots.count < 3 * len(pool)
    assert len(columns.parts) < 10
    assert len(columns.numbers) < 3 * np.count_nonzero(columns.frequencies)


def test_an_item_that_is_taken_out_put_back_and_replaced_stands_at_the_end() -> None:
    pool = MemoryPool.from_items([text("a"), text("b"), text("c")])
    prepared(pool.snapshot())
    pool.remove("a")
    pool.add(text("a", "second"))
    pool.update(text("a", "third"), text("b", "other"))
    assert_same(pool.snapshot(), PoolSnapshot([text("b", "other"), text("c"), text("a", "third")]))


def test_only_texts_that_change_are_cut_into_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = MemoryPool.from_items([text("a", "old a"), text("b", "old b"), text("c", "old c")])
    _ = pool.snapshot().lexical
    cut: list[str] = []
    real = TermNumbers.cut

    def counted(numbers: TermNumbers, texts: Sequence[str]) -> CutTexts:
        cut.extend(texts)
        return real(numbers, texts)

    monkeypatch.setattr(TermNumbers, "cut", counted)
    pool.add(text("d", "new d"))
    pool.remove("a")
    pool.update(text("b", "old b", importance=1.0))
    assert len(pool.snapshot().lexical) == 3
    assert cut == ["new d", "old a"]  # the terms of a text that goes are counted down


def test_only_lines_that_change_are_counted() -> None:
    counter = CountingCounter()
    pool = MemoryPool.from_items([text("a"), text("b"), text("c")])
    pool.snapshot().token_column(renderer(), counter).all()
    pool.add(text("d", "a new line"))
    pool.update(text("a", importance=1.0), text("b", "another line"))
    pool.remove("c")
    counter.texts.clear()
    pool.snapshot().token_column(renderer(), counter).all()
    assert counter.texts == ["- another line\n", "- a new line\n"]


def test_only_new_texts_are_embedded_when_a_query_needs_it() -> None:
    asked: list[str] = []

    def embedder(texts: list[str]) -> np.ndarray[Any, Any]:
        asked.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    pool = MemoryPool.from_items([text("a", "one"), text("b", "two")])
    pool.snapshot().vectors(embedder)
    asked.clear()
    pool.add(text("c", "three"))
    snapshot = pool.snapshot()
    assert asked == []
    column = snapshot.vectors(embedder).column
    assert asked == ["three"]
    assert column is not None
    assert column.shape == (3, 2)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        pytest.param(
            text("n", created_at=datetime(2026, 1, 1)),
            "created_at of item 'n' has none",
            id="zones",
        ),
        pytest.param(MemoryItem("n", "x", "project", group="g"), "two tiers", id="group"),
    ],
)
def test_what_does_not_go_together_is_refused_until_it_is_taken_out(
    item: MemoryItem, message: str
) -> None:
    pool = MemoryPool.from_items([text("a", created_at=NOON, group="g"), text("b")])
    _ = pool.snapshot().columns
    pool.add(item)
    for _ in range(2):
        with pytest.raises(InputError, match=message):
            _ = pool.snapshot().columns
    pool.remove("n")
    assert_same(pool.snapshot(), PoolSnapshot(pool.items))


@pytest.mark.parametrize("act", [MemoryPool.add, MemoryPool.update], ids=["add", "update"])
def test_what_is_no_item_does_not_get_into_a_pool(act: Callable[..., None]) -> None:
    pool = MemoryPool.from_items([text("a")])
    with pytest.raises(InputError, match="a memory is a dict, must be a MemoryItem"):
        act(pool, {"id": "a"})
    assert len(pool.snapshot()) == 1


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_a_copy_of_a_pool_is_a_pool_of_its_own(twin: Callable[[MemoryPool], MemoryPool]) -> None:
    pool = MemoryPool.from_items([text("a", metadata={"n": [1]}), text("b", embedding=[1.0, 2.0])])
    prepared(pool.snapshot())
    pool.add(text("c"))
    other = twin(pool)
    assert_same(other.snapshot(), pool.snapshot())
    other.remove("a")
    other.add(text("d"))
    assert [item.id for item in pool] == ["a", "b", "c"]
    assert_same(
        other.snapshot(), PoolSnapshot([text("b", embedding=[1.0, 2.0]), text("c"), text("d")])
    )


def test_a_deep_copy_shares_no_metadata_and_a_copy_does() -> None:
    pool = MemoryPool.from_items([text("a", metadata={"n": [1]})])
    numbers = pool.get("a").metadata["n"]
    assert copy.deepcopy(pool).get("a").metadata["n"] is not numbers
    assert copy.copy(pool).get("a").metadata["n"] is numbers


class Refusing:
    """A value that can neither be asked for truth, nor compared, nor written."""

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]
    __str__ = __repr__ = lambda self: str(bool(self))


@pytest.mark.parametrize("key", ["speaker", "role", "else"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: np.ones(3), id="array"),
        pytest.param(lambda: np.zeros(0), id="empty-array"),
        pytest.param(Refusing, id="refusing"),
        pytest.param(lambda: 10**5000, id="integer-that-cannot-be-written"),
    ],
)
def test_metadata_that_is_neither_true_nor_equal_is_borne(
    key: str, value: Callable[[], Any]
) -> None:
    memory = allocator_with(workspace(scoring_method="usefulness"))
    pool = MemoryPool.from_items([text("a", metadata={key: value()}), text("b")])
    memory.allocate_memory_budget("Kate?", pool, "w", 60, now=NOON)
    pool.update(text("a", metadata={key: value()}))
    found = memory.allocate_memory_budget("Kate?", pool, "w", 60, now=NOON)
    assert len(found.selected) == 2
    assert pool.snapshot().speakers.table.names() == []


def test_what_is_derived_for_many_settings_is_bounded() -> None:
    pool = MemoryPool.from_items([text("a", created_at=NOON), text("b", created_at=NOON)])
    for days in range(1, 60):
        memory = allocator_with(workspace(half_life_days=float(days)))
        memory.allocate_memory_budget("Kate?", pool, "w", 60, now=NOON)
    assert 1 < len(pool.snapshot().derived) <= 16


def test_old_snapshots_are_read_while_the_pool_changes() -> None:
    pool = MemoryPool.from_items(
        [text(f"m{row}", f"word{row}", embedding=[row, 1, 2]) for row in range(50)]
    )
    prepared(pool.snapshot())
    snapshots = [(pool.snapshot(), pool.items)]
    problems: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            snapshot, then = snapshots[-1]
            try:
                assert_same(snapshot, PoolSnapshot(then))
            except Exception as problem:
                problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for row in range(60):
        pool.add(text(f"n{row}", f"new{row} word{row % 7}", embedding=[row, 3, 1]))
        pool.update(text(f"m{row % 20}", f"word{row} again"))
        prepared(pool.snapshot())
        snapshots.append((pool.snapshot(), pool.items))
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
