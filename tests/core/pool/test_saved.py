"""A pool that is saved and loaded: what comes back, and what is refused."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterable
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


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(lambda: {"x": object()}, id="an-object"),
        pytest.param(lambda: {"x": np.zeros(3)}, id="an-array"),
        pytest.param(lambda: {("a", "b"): 1}, id="a-pair-as-key"),
        pytest.param(lambda: {"x": float("nan")}, id="nan"),
        pytest.param(lambda: {"x": 10**5000}, id="an-integer-that-cannot-be-written"),
        pytest.param(lambda: {"x": nested(100_000)}, id="deeper-than-the-stack"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_item(
    metadata: Callable[[], dict[Any, Any]], tmp_path: Path
) -> None:
    with pytest.raises(PoolError, match="item 'a' cannot be saved: its metadata is no JSON"):
        save_items([memory(metadata=metadata())], tmp_path / "pool")
    assert not (tmp_path / "pool" / "pool.json").exists()


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


def test_numbers_of_numpy_are_saved_as_numbers(tmp_path: Path) -> None:
    half = np.float32(0.5)
    item = memory(relevance=half, importance=np.float16(0.25), position=np.int64(3))
    save_items([item], tmp_path / "pool")
    (loaded,) = load_items(tmp_path / "pool")
    assert (loaded.relevance, loaded.importance, loaded.position) == (0.5, 0.25, 3)
    assert isinstance(loaded.relevance, float)


def test_vectors_that_count_as_missing_are_saved_as_they_are(tmp_path: Path) -> None:
    """One vector of another model does not keep a pool from being saved."""
    vectors = [[1.0, 2.0], [3.0, 4.0], [1.0, np.nan, -0.0], [], [np.inf, 0.5], None]
    items = [memory(f"m{row}", embedding=vector) for row, vector in enumerate(vectors)]
    save_items(items, tmp_path / "pool")
    for before, after in zip(items, load_items(tmp_path / "pool"), strict=True):
        assert (before.embedding is None) == (after.embedding is None)
        if before.embedding is not None and after.embedding is not None:
            assert after.embedding.tobytes() == before.embedding.tobytes()
            assert not after.embedding.flags.writeable
    stored = np.load(next((tmp_path / "pool").rglob("vectors.npy")))
    assert stored.shape == (3, 2)


def test_a_missing_folder_is_no_pool(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="is not a saved pool"):
        MemoryPool.load(tmp_path / "none")


def generation(folder: Path) -> Path:
    """The folder of the generation that holds."""
    name: str = json.loads((folder / "pool.json").read_text())["generation"]
    return folder / "generations" / name


def rewritten(folder: Path, **values: Any) -> None:
    """Change the manifest as a save of another release would have written it."""
    manifest = json.loads((folder / "pool.json").read_text()) | values
    del manifest["crc32"]
    check = zlib.crc32(json.dumps(manifest, sort_keys=True).encode())
    (folder / "pool.json").write_text(json.dumps({**manifest, "crc32": check}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("{", "is not a saved pool", id="no-json"),
        pytest.param("{}", "is not a saved pool", id="empty"),
        pytest.param("[" * 100_000, "is not a saved pool", id="deep"),
        pytest.param('{"format": "x", "schema_version": 3}', "its format is 'x'", id="foreign"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: str, message: str) -> None:
    save_items([memory()], tmp_path / "pool")
    (tmp_path / "pool" / "pool.json").write_text(content)
    with pytest.raises(PoolError, match=message):
        load_items(tmp_path / "pool")


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path) -> None:
    save_items([memory()], tmp_path / "pool")
    file = tmp_path / "pool" / "pool.json"
    file.write_text(file.read_text().replace('"items": 1', '"items": 2'))
    with pytest.raises(PoolError, match=r"damaged: pool\.json is not what was saved"):
        load_items(tmp_path / "pool")


@pytest.mark.parametrize(
    "file",
    ["items.jsonl", "vectors.npy", "tokens-0.npy", "postings-slots.npy", "lexical-terms.txt"],
)
@pytest.mark.parametrize("content", ["", "x", None], ids=["empty", "other", "missing"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, file: str, content: str | None) -> None:
    changed_pool().save(tmp_path / "pool")
    path = generation(tmp_path / "pool") / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(PoolError, match=rf"is damaged: .*{file}"):
        load_items(tmp_path / "pool")


def test_a_byte_that_is_another_anywhere_is_refused_or_is_white_space(tmp_path: Path) -> None:
    pool = changed_pool()
    pool.save(tmp_path / "pool")
    files = [path for path in (tmp_path / "pool").rglob("*") if path.stat().st_size]
    files = [path for path in files if path.is_file()]
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(300):
        path = files[int(random.integers(len(files)))]
        whole = path.read_bytes()
        place = int(random.integers(len(whole)))
        path.write_bytes(
            whole[:place]
            + bytes([whole[place] ^ 1 << int(random.integers(8))])
            + whole[place + 1 :]
        )
        try:
            assert_same(load_snapshot(tmp_path / "pool"), PoolSnapshot(pool.items))
        except PoolError:
            refused += 1
        path.write_bytes(whole)
    assert refused > 200


def test_a_newer_version_is_refused_by_number_and_not_replaced(tmp_path: Path) -> None:
    save_items([memory()], tmp_path / "pool")
    rewritten(tmp_path / "pool", schema_version=9)
    for act in (load_items, lambda path: save_items([], path)):
        with pytest.raises(PoolError, match="has schema version 9, this release reads up to 4"):
            act(tmp_path / "pool")


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


@pytest.mark.parametrize("known", [1, 3], ids=["earlier", "later"])
def test_columns_of_another_version_are_left_out(tmp_path: Path, known: int) -> None:
    changed_pool().save(tmp_path / "pool")
    record = json.loads((tmp_path / "pool" / "pool.json").read_text())
    rewritten(tmp_path / "pool", columns={**record["columns"], "version": known})
    assert MemoryPool.load(tmp_path / "pool").snapshot().tokens.counts() == {}


def as_earlier_release(folder: Path, *, version: int) -> None:
    """Turn a saved pool into what an earlier release wrote: all files beside the manifest."""
    record = json.loads((folder / "pool.json").read_text())
    for path in generation(folder).iterdir():
        path.rename(folder / path.name)
    if version == 2:
        sums = {path.name: zlib.crc32(path.read_bytes()) for path in folder.glob("*-*.*")}
        items = zlib.crc32((folder / "items.jsonl").read_bytes())
        record["columns"] |= {"files": sums, "items_crc32": items}
    shutil.rmtree(folder / "generations")
    for name in ("generation", "files", "crc32", *(("columns",) if version == 1 else ())):
        del record[name]
    (folder / "pool.json").write_text(json.dumps({**record, "schema_version": version}))


@pytest.mark.parametrize("version", [1, 2])
def test_a_pool_of_an_earlier_release_is_read_and_becomes_one_of_this(
    tmp_path: Path, version: int
) -> None:
    pool, folder = changed_pool(), tmp_path / "pool"
    pool.save(folder)
    as_earlier_release(folder, version=version)
    (folder / "notes.txt").write_text("mine")
    loaded = MemoryPool.load(folder)
    assert_same(loaded.snapshot(), PoolSnapshot(pool.items))
    loaded.save(folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {"pool.json", "pool.lock", "generations", "notes.txt"}
    assert_same(MemoryPool.load(folder).snapshot(), PoolSnapshot(pool.items))


def test_columns_of_other_items_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    changed_pool().save(folder)
    as_earlier_release(folder, version=2)
    file = folder / "items.jsonl"
    file.write_text(file.read_text().replace("text of b", "other words"))
    loaded = MemoryPool.load(folder)
    assert loaded.get("b").content == "other words"
    assert_same(loaded.snapshot(), PoolSnapshot(loaded.items))


def test_lines_that_are_not_counted_yet_are_counted_after_loading(tmp_path: Path) -> None:
    pool = MemoryPool.from_items([memory("a"), memory("b")])
    pool.snapshot().token_column(renderer(), CountingCounter()).all()
    pool.add(memory("c"))
    pool.save(tmp_path / "pool")
    counter = CountingCounter()
    MemoryPool.load(tmp_path / "pool").snapshot().token_column(renderer(), counter).all()
    assert counter.texts == ["- text of c\n"]
