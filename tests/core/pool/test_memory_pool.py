"""What a pool holds, through changes, threads and interrupts."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from snapshots import assert_same, prepared

import mba_integrations
from mba_integrations.core.errors import DuplicateItemError, InputError, PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import embed


def memory(name: str, **fields: Any) -> MemoryItem:
    return MemoryItem(name, f"text of {name}", fields.pop("tier", "rag"), **fields)


def ids(pool: MemoryPool) -> list[str]:
    return [item.id for item in pool]


def test_items_keep_their_order_through_add_update_and_remove() -> None:
    pool = MemoryPool.from_items([memory("a"), memory("b"), memory("c")])
    pool.add(memory("d"))
    pool.update(memory("b", importance=1.0))
    pool.remove("a")
    assert ids(pool) == ["b", "c", "d"]
    assert pool.get("b").importance == 1.0
    assert (len(pool), "a" in pool, "d" in pool) == (3, False, True)


@pytest.mark.parametrize("kept", ["", "b", "ca", "abcd"], ids=lambda kept: kept or "none")
def test_a_subset_equals_a_pool_of_its_items(kept: str) -> None:
    pool = MemoryPool.from_items([memory(name, embedding=[1.0, ord(name)]) for name in "abcd"])
    prepared(pool.snapshot())
    subset = pool.subset(list(kept))
    assert ids(subset) == sorted(kept)
    anew = MemoryPool.from_items([pool.get(name) for name in sorted(kept)])
    prepared(anew.snapshot())
    assert_same(subset.snapshot(), anew.snapshot())


def test_a_subset_and_its_pool_change_on_their_own() -> None:
    pool = MemoryPool.from_items([memory("a"), memory("b")])
    prepared(pool.snapshot())
    subset = pool.subset(["b"])
    pool.add(memory("c"))
    subset.add(memory("d"))
    subset.remove("b")
    prepared(pool.snapshot())
    assert (ids(pool), ids(subset)) == (["a", "b", "c"], ["d"])
    assert_same(pool.snapshot(), PoolSnapshot(pool.items))
    assert_same(subset.snapshot(), PoolSnapshot(subset.items))


def test_a_subset_of_what_is_not_there_is_refused() -> None:
    pool = MemoryPool.from_items([memory("a")])
    with pytest.raises(PoolError, match="no item 'z'"):
        pool.subset(["a", "z"])


@pytest.mark.parametrize("second", ["a", "new"], ids=["known-already", "twice-in-one-call"])
def test_adding_a_known_id_adds_nothing(second: str) -> None:
    pool = MemoryPool.from_items([memory("a")])
    with pytest.raises(DuplicateItemError, match="Use update to replace it") as caught:
        pool.add(memory("new"), memory(second))
    assert (caught.value.item_id, ids(pool)) == (second, ["a"])


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(
            lambda pool: pool.update(memory("a", importance=0.9), memory("z")), id="update"
        ),
        pytest.param(lambda pool: pool.remove("a", "z"), id="remove"),
        pytest.param(lambda pool: pool.get("z"), id="get"),
    ],
)
def test_an_unknown_id_changes_nothing(act: Callable[[MemoryPool], object]) -> None:
    pool = MemoryPool.from_items([memory("a")])
    with pytest.raises(PoolError, match="the pool has no item 'z'; it holds 1 items"):
        act(pool)
    assert ids(pool) == ["a"]
    assert pool.get("a").importance == 0.5


def test_duplicate_ids_name_both_places() -> None:
    with pytest.raises(DuplicateItemError, match="'a', at places 0 and 2"):
        MemoryPool.from_items([memory("a"), memory("b"), memory("a")])


def test_what_is_no_item_is_named() -> None:
    with pytest.raises(InputError, match="memory 1 is a dict, must be a MemoryItem"):
        MemoryPool.from_items([memory("a"), {"id": "b"}])  # type: ignore[list-item]


def test_a_snapshot_stays_as_it_was() -> None:
    pool = MemoryPool.from_items([memory("a")])
    before = pool.snapshot()
    pool.add(memory("b"))
    assert (len(before), len(pool.snapshot())) == (1, 2)
    assert pool.snapshot() is pool.snapshot()


def test_columns_hold_what_the_items_say() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    items = [
        memory("a", tier="working", relevance=0.25, source="s", position=3, created_at=noon),
        memory("b", importance=0.75, group="g", pinned=True),
        memory("c", source="t", group="g"),
        memory("d", source="s"),
    ]
    columns = PoolSnapshot(items).columns
    assert columns.tier.tolist() == [0, 3, 3, 3]
    np.testing.assert_array_equal(columns.given_relevance, [0.25, np.nan, np.nan, np.nan])
    assert columns.importance.tolist() == [0.5, 0.75, 0.5, 0.5]
    assert columns.source.tolist() == [0, -1, 1, 0]
    assert columns.group.tolist() == [-1, 0, 0, -1]
    assert columns.pinned.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(columns.position, [3, np.nan, np.nan, np.nan])
    assert columns.created_seconds[0] == noon.timestamp()
    assert columns.naive_times is False


def test_one_moment_in_two_zones_is_one_number() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    shifted = noon.astimezone(timezone(timedelta(hours=9)))
    columns = PoolSnapshot([memory("a", created_at=noon), memory("b", created_at=shifted)]).columns
    assert columns.created_seconds[0] == columns.created_seconds[1]


def test_times_with_and_without_a_zone_are_refused_together() -> None:
    items = [
        memory("aware", created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        memory("naive", last_accessed_at=datetime(2026, 1, 1)),
    ]
    with pytest.raises(
        InputError,
        match="of item 'aware' has a time zone, last_accessed_at of item 'naive' has none",
    ):
        _ = PoolSnapshot(items).columns


def test_embeddings_have_length_one_and_unknown_rows_are_zero() -> None:
    snapshot = PoolSnapshot([memory("a", embedding=[3.0, 4.0]), memory("b")])
    vectors = snapshot.vectors(None).column
    assert vectors is not None
    np.testing.assert_allclose(vectors.take(np.arange(2)), [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(vectors.dot(np.array([1.0, 0.0], dtype=np.float32)), [0.6, 0.0])
    assert vectors.known.tolist() == [True, False]


def test_without_any_embedding_there_are_no_vectors() -> None:
    assert PoolSnapshot([memory("a")]).vectors(None).column is None


def test_the_embedder_is_asked_once_and_only_for_what_is_missing() -> None:
    asked: list[list[str]] = []

    def embedder(texts: list[str]) -> np.ndarray[Any, Any]:
        asked.append(texts)
        return np.array([[0.0, 2.0]] * len(texts))

    snapshot = PoolSnapshot([memory("a", embedding=[1.0, 0.0]), memory("b"), memory("c")])
    vectors = snapshot.vectors(embedder).column
    snapshot.vectors(embedder)
    assert asked == [["text of b", "text of c"]]
    assert vectors is not None
    assert vectors.take(np.arange(3)).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert vectors.known.all()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        pytest.param([[1.0]], "shape .1, 1. for 2 texts", id="too-few-rows"),
        pytest.param([1.0, 2.0], "shape .2,. for 2 texts", id="no-matrix"),
        pytest.param([["a"], ["b"]], "no array of numbers", id="words"),
        pytest.param([[1.0], ["b"]], "no array of numbers", id="a-word-among-them"),
        pytest.param(None, "no array of numbers|shape", id="nothing"),
    ],
)
def test_what_an_embedder_returns_is_checked(result: Sequence[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        embed(["x", "y"], lambda texts: result)  # type: ignore[arg-type, return-value]


def test_a_pool_is_read_and_changed_by_many_threads() -> None:
    pool = MemoryPool.from_items([memory("first")])
    problems: list[Exception] = []

    def work(name: str) -> None:
        try:
            for number in range(100):
                pool.add(memory(f"{name}{number}"))
                assert 2 <= pool.snapshot().columns.tier.size <= 5
                pool.remove(f"{name}{number}")
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert ids(pool) == ["first"]


def column_of(pool: MemoryPool) -> np.ndarray[Any, Any]:
    vectors = pool.snapshot().vectors(None).column
    assert vectors is not None
    return vectors.stored.parts[0]


def grown(items: list[MemoryItem]) -> MemoryPool:
    pool = MemoryPool()
    for item in items:
        pool.add(item)
    return pool


@pytest.mark.parametrize("made", [MemoryPool.from_items, grown], ids=["at-once", "one-by-one"])
def test_a_pool_holds_each_vector_once_and_leaves_the_given_items_alone(
    made: Callable[[list[MemoryItem]], MemoryPool],
) -> None:
    items = [memory(f"m{row}", embedding=[row, 1.0, 2.0]) for row in range(5)]
    before = [item.embedding for item in items]
    pool = made([*items, memory("without")])
    array = column_of(pool)
    for row, item in enumerate(items):
        own = pool.get(item.id)
        assert item.embedding is before[row]
        assert own.embedding is not None
        assert np.shares_memory(own.embedding, array)
        assert not own.embedding.flags.writeable
        assert own.embedding.tolist() == [row, 1.0, 2.0]
        assert own == item
    assert pool.get("without").embedding is None


PACKAGE = str(Path(mba_integrations.__file__).parent)


class _Interrupter:
    """Raises KeyboardInterrupt at the n-th step.

    A step is an instruction of the pool's own file, where an act begins and ends, or the entry of a
    function anywhere in the package. Lines elsewhere are none: the interpreter looks for signals at
    the entry of a function, but never between the last line of a `with` block and its lock's
    release, where tracing has a line. Generators are entered to be closed, too, where an error is
    lost by Python itself.
    """

    def __init__(self, at: int, *, everywhere: bool) -> None:
        self.left = at
        self.everywhere = everywhere

    def __call__(self, frame: FrameType, event: str, argument: object) -> object:
        name = frame.f_code.co_filename
        if self.everywhere:
            is_generator = bool(frame.f_code.co_flags & inspect.CO_GENERATOR)
            if event == "call" and name.startswith(PACKAGE) and not is_generator:
                self._step()
            return None
        if not name.endswith("memory_pool.py"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self._step()
        return self

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda pool: pool.add(memory("x"), memory("y")), id="add"),
        pytest.param(lambda pool: pool.update(memory("b", importance=1.0)), id="update"),
        pytest.param(lambda pool: pool.remove("b"), id="remove-one"),
        pytest.param(lambda pool: pool.remove("a", "new", "c"), id="remove-several"),
        pytest.param(lambda pool: pool.snapshot(), id="snapshot"),
    ],
)
@pytest.mark.parametrize("everywhere", [False, True], ids=["instructions", "entries-everywhere"])
def test_an_act_that_is_interrupted_anywhere_is_done_whole_or_not_at_all(
    act: Callable[[MemoryPool], object], everywhere: bool
) -> None:
    interrupted, at = 0, 1
    while True:
        pool = changed_pool()
        before = list(pool)
        sys.settrace(_Interrupter(at, everywhere=everywhere))
        try:
            act(pool)
            break
        except KeyboardInterrupt:
            interrupted += 1
        finally:
            sys.settrace(None)
        assert_whole(pool, before, act)
        at += 1 + at // (20 if everywhere else 6)  # each of the first, then ever fewer of them
    assert interrupted > 5


def changed_pool() -> MemoryPool:
    """A pool with a prepared snapshot and one change of each kind since."""
    pool = MemoryPool.from_items([memory(name, embedding=[1.0, 2.0, 3.0]) for name in "abcd"])
    prepared(pool.snapshot())
    pool.add(memory("new"))
    pool.remove("d")
    pool.update(memory("a", importance=0.25))
    return pool


def assert_whole(
    pool: MemoryPool, before: list[MemoryItem], act: Callable[[MemoryPool], object]
) -> None:
    whole = MemoryPool.from_items(before)
    act(whole)
    assert list(pool) in (before, list(whole))
    assert_same(pool.snapshot(), PoolSnapshot(list(pool)))
    pool.add(memory("after"))
    assert_same(pool.snapshot(), PoolSnapshot(list(pool)))
