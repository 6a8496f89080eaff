from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from snapshots import CountingCounter, assert_same, prepared, renderer
from strategies import memories

from mba_integrations.core.errors import PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.saved import load_snapshot, save_snapshot
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.lexical import LexicalIndex


def memory(name: str = "a", **fields: Any) -> MemoryItem:
    return MemoryItem(name, fields.pop("content", f"text of {name}"), "rag", **fields)


def save_items(items: Iterable[MemoryItem], path: Path) -> None:
    save_snapshot(PoolSnapshot(items), path)


def load_items(path: Path) -> list[MemoryItem]:
    return list(load_snapshot(path).items)


@given(items=memories())
def test_a_saved_pool_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, items: list[MemoryItem]
) -> None:
    folder = tmp_path_factory.mktemp("pools") / "pool"
    MemoryPool.from_items(items).save(folder)
    loaded = MemoryPool.load(folder)
    assert list(loaded) == items
    assert [item.metadata for item in loaded] == [item.metadata for item in items]


def test_embeddings_come_back_mapped_and_to_their_items(tmp_path: Path) -> None:
    items = [memory("a", embedding=[1.0, 2.0]), memory("b"), memory("c", embedding=[3.0, 4.0])]
    save_items(items, tmp_path / "pool")
    a, b, c = load_items(tmp_path / "pool")
    assert a.embedding is not None
    assert c.embedding is not None
    assert (a.embedding.tolist(), b.embedding, c.embedding.tolist()) == ([1, 2], None, [3, 4])
    assert not a.embedding.flags.owndata
    assert not a.embedding.flags.writeable


def test_saving_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    pool = MemoryPool.from_items([memory("a")])
    pool.save(tmp_path / "pool")
    pool.add(memory("b", created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    pool.save(tmp_path / "pool")
    assert len(MemoryPool.load(tmp_path / "pool")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]


def test_a_folder_that_is_no_pool_is_not_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "photos" / "a.jpg"
    kept.parent.mkdir()
    kept.write_text("x")
    with pytest.raises(PoolError, match="exists and is not a saved pool"):
        save_items([memory()], kept.parent)
    assert kept.read_text() == "x"


def test_metadata_that_is_no_json_is_refused_and_the_old_pool_stays(tmp_path: Path) -> None:
    save_items([memory("old")], tmp_path / "pool")
    with pytest.raises(PoolError, match="item 'new' cannot be saved: its metadata is no JSON"):
        save_items([memory("new", metadata={"x": object()})], tmp_path / "pool")
    assert load_items(tmp_path / "pool")[0].id == "old"


def test_embeddings_of_two_lengths_cannot_be_saved(tmp_path: Path) -> None:
    items = [memory("a", embedding=[1.0, 2.0]), memory("b", embedding=[1.0])]
    with pytest.raises(PoolError, match="item 'a' has 2 numbers, item 'b' has 1"):
        save_items(items, tmp_path / "pool")


def test_a_missing_folder_is_no_pool(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="is not a saved pool"):
        MemoryPool.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        pytest.param("pool.json", "{", "is not a saved pool", id="broken-header"),
        pytest.param("pool.json", "{}", "is not a saved pool", id="empty-header"),
        pytest.param("items.jsonl", "{}\n", "line 1", id="line-without-fields"),
        pytest.param("items.jsonl", "", "it has 0 items, pool.json says 1", id="lost-lines"),
        pytest.param("vectors.npy", "x", "is damaged", id="broken-vectors"),
        pytest.param("tokens-0.npy", "x", "tokens-0.npy is not what was saved", id="tokens"),
        pytest.param("postings-slots.npy", "", "is not what was saved", id="postings"),
        pytest.param("lexical-terms.txt", "other", "is not what was saved", id="terms"),
    ],
)
def test_a_damaged_pool_is_refused(tmp_path: Path, file: str, content: str, message: str) -> None:
    snapshot = PoolSnapshot([memory(embedding=[1.0])])
    prepared(snapshot)
    save_snapshot(snapshot, tmp_path / "pool")
    (tmp_path / "pool" / file).write_text(content)
    with pytest.raises(PoolError, match=message):
        load_items(tmp_path / "pool")


def test_a_newer_version_is_refused_by_number(tmp_path: Path) -> None:
    save_items([memory()], tmp_path / "pool")
    header = tmp_path / "pool" / "pool.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "schema_version": 9}))
    with pytest.raises(PoolError, match="has schema version 9, this release reads up to 2"):
        load_items(tmp_path / "pool")


def test_a_read_only_array_is_shared_and_a_writable_one_is_copied() -> None:
    shared, own = np.ones(2, dtype=np.float32), np.ones(2, dtype=np.float32)
    shared.flags.writeable = False
    kept, copied = memory(embedding=shared).embedding, memory(embedding=own).embedding
    assert kept is not None
    assert copied is not None
    assert np.shares_memory(kept, shared)
    assert not np.shares_memory(copied, own)


def changed_pool() -> MemoryPool:
    """A pool with every column, some of it from changes."""
    pool = MemoryPool.from_items([memory("a", embedding=[1, 2, 3]), memory("b"), memory("c")])
    prepared(pool.snapshot())
    pool.add(memory("d", content="日本語 Keys?\nand more", source="s"))
    pool.remove("a")
    prepared(pool.snapshot())
    return pool


def test_prepared_columns_come_back_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = changed_pool()
    pool.save(tmp_path / "pool")
    loaded = MemoryPool.load(tmp_path / "pool").snapshot()
    counter = CountingCounter()
    tokens = loaded.token_column(renderer(), counter).all()
    assert counter.texts == []
    assert tokens.tolist() == pool.snapshot().token_column(renderer(), counter).all().tolist()
    with monkeypatch.context() as patched:
        patched.setattr(LexicalIndex, "build", None)
        assert not loaded.lexical.columns.parts[0].slots.flags.owndata
    assert_same(loaded, PoolSnapshot(pool.items))


def test_a_loaded_pool_can_be_changed_and_saved_over_its_own_folder(tmp_path: Path) -> None:
    changed_pool().save(tmp_path / "pool")
    pool = MemoryPool.load(tmp_path / "pool")
    pool.add(memory("e", embedding=[3, 2, 1]))
    pool.update(memory("b", content="another text", embedding=[0, 1, 0]))
    prepared(pool.snapshot())
    pool.save(tmp_path / "pool")
    assert_same(pool.snapshot(), PoolSnapshot(pool.items))
    assert_same(MemoryPool.load(tmp_path / "pool").snapshot(), PoolSnapshot(pool.items))


def test_columns_of_other_items_are_left_out(tmp_path: Path) -> None:
    changed_pool().save(tmp_path / "pool")
    file = tmp_path / "pool" / "items.jsonl"
    file.write_text(file.read_text().replace("text of b", "other words"))
    loaded = MemoryPool.load(tmp_path / "pool")
    assert loaded.get("b").content == "other words"
    assert_same(loaded.snapshot(), PoolSnapshot(loaded.items))


@pytest.mark.parametrize("known", [0, 2], ids=["earlier", "later"])
def test_columns_of_another_version_are_left_out(tmp_path: Path, known: int) -> None:
    changed_pool().save(tmp_path / "pool")
    header = tmp_path / "pool" / "pool.json"
    record = json.loads(header.read_text())
    record["columns"]["version"] = known
    header.write_text(json.dumps(record))
    assert MemoryPool.load(tmp_path / "pool").snapshot().tokens.counts() == {}


def test_a_pool_without_columns_of_version_1_is_read(tmp_path: Path) -> None:
    save_items([memory("a", embedding=[1.0])], tmp_path / "pool")
    header = tmp_path / "pool" / "pool.json"
    record = json.loads(header.read_text())
    del record["columns"]
    header.write_text(json.dumps({**record, "schema_version": 1}))
    assert [item.id for item in load_items(tmp_path / "pool")] == ["a"]


def test_lines_that_are_not_counted_yet_are_counted_after_loading(tmp_path: Path) -> None:
    pool = MemoryPool.from_items([memory("a"), memory("b")])
    pool.snapshot().token_column(renderer(), CountingCounter()).all()
    pool.add(memory("c"))
    pool.save(tmp_path / "pool")
    counter = CountingCounter()
    MemoryPool.load(tmp_path / "pool").snapshot().token_column(renderer(), counter).all()
    assert counter.texts == ["- text of c\n"]
