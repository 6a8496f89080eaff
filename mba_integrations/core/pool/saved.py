"""Save a memory pool to a folder and load it again.

The folder holds `items.jsonl`, one item a line, `vectors.npy` with the embeddings of those items
that have one, the prepared columns, and `pool.json` with the version and the counts. Embeddings
and columns are memory-mapped when loaded. A save writes a new folder beside the old one and swaps
them; a crash leaves one of the two whole.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations.core.errors import InputError, PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.saved_columns import read_columns, write_columns
from mba_integrations.core.pool.snapshot import PoolSnapshot

FORMAT = "mba-memory-pool"
SCHEMA_VERSION = 2  # 1 had no columns
_TIMES = ("created_at", "last_accessed_at")
_PLAIN = tuple(
    field.name
    for field in fields(MemoryItem)
    if field.name not in {"embedding", "metadata", "tier", *_TIMES}
)


def save_snapshot(snapshot: PoolSnapshot, path: str | os.PathLike[str]) -> None:
    """Write the items and the columns that are prepared into the folder *path*, in place of what a
    former save left there.

    Raises:
        PoolError: If metadata is not JSON, embeddings differ in length, the folder holds
            something else, or it cannot be written.
    """
    target = Path(path)
    if target.exists() and not _is_pool(target):
        raise PoolError(f"{target} exists and is not a saved pool. Choose another folder.")
    vectors = _vectors(snapshot.items)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            fresh = Path(scratch, "new")
            fresh.mkdir()
            _write(snapshot, vectors, fresh)
            if target.exists():
                target.rename(Path(scratch, "old"))
            fresh.rename(target)
    except OSError as error:
        raise PoolError(f"the pool cannot be saved to {target}: {error}") from error


def load_snapshot(path: str | os.PathLike[str]) -> PoolSnapshot:
    """The items of a saved pool, in their order, with the columns that were saved.

    Raises:
        PoolError: If the folder is not a saved pool, is damaged, or is of a newer version.
    """
    folder = Path(path)
    header = _header(folder)
    try:
        vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        vectors = vectors.view(np.ndarray)
        with open(folder / "items.jsonl", encoding="utf-8", newline="\n") as lines:
            items = tuple(_read(lines, vectors))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoolError(f"the pool in {folder} is damaged: {error}") from error
    if len(items) != header["items"]:
        raise PoolError(
            f"the pool in {folder} is damaged: it has {len(items):,} items, "
            f"pool.json says {header['items']:,}."
        )
    snapshot = PoolSnapshot(items)
    try:
        if "columns" in header:
            read_columns(snapshot, folder, header["columns"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoolError(f"the pool in {folder} is damaged: {error}") from error
    return snapshot


def _is_pool(folder: Path) -> bool:
    return (folder / "pool.json").is_file()


def _header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / "pool.json").read_text(encoding="utf-8"))
        known = header["format"] == FORMAT
        version = int(header["schema_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoolError(f"{folder} is not a saved pool: {error}") from error
    if not known:
        raise PoolError(f"{folder} is not a saved pool: its format is {header['format']!r}.")
    if version > SCHEMA_VERSION:
        raise PoolError(
            f"the pool in {folder} has schema version {version}, this release reads up to "
            f"{SCHEMA_VERSION}. Upgrade mba-integrations."
        )
    return dict(header)


def _vectors(items: Iterable[MemoryItem]) -> np.ndarray[Any, Any]:
    rows = [(item.id, item.embedding) for item in items if item.embedding is not None]
    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    first_id, first = rows[0]
    for item_id, row in rows:
        if row is not None and first is not None and len(row) != len(first):
            raise PoolError(
                f"embeddings differ in length: item {first_id!r} has {len(first)} numbers, "
                f"item {item_id!r} has {len(row)}."
            )
    return np.stack([row for _, row in rows if row is not None])


def _write(snapshot: PoolSnapshot, vectors: np.ndarray[Any, Any], folder: Path) -> None:
    with open(folder / "items.jsonl", "w", encoding="utf-8", newline="\n") as file:
        for item in snapshot.items:
            file.write(_line(item))
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    header = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "items": len(snapshot),
        "vectors": list(vectors.shape),
        "columns": write_columns(snapshot, folder),
    }
    (folder / "pool.json").write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
    for file_path in folder.iterdir():
        with open(file_path, "rb+") as written:
            os.fsync(written.fileno())


def _line(item: MemoryItem) -> str:
    """ASCII JSON, so that lone surrogates and line separators survive."""
    values: dict[str, Any] = {name: getattr(item, name) for name in _PLAIN}
    values["tier"] = item.tier.value
    for name in _TIMES:
        time: datetime | None = getattr(item, name)
        values[name] = time.isoformat() if time else None
    values["metadata"] = dict(item.metadata)
    values["embedded"] = item.embedding is not None
    try:
        return json.dumps(values, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise PoolError(
            f"item {item.id!r} cannot be saved: its metadata is no JSON ({error})."
        ) from error


def _read(lines: Iterable[str], vectors: np.ndarray[Any, Any]) -> Iterator[MemoryItem]:
    row = 0
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            embedding = vectors[row] if values.pop("embedded") else None
            row += embedding is not None
            for name in _TIMES:
                values[name] = datetime.fromisoformat(values[name]) if values[name] else None
            yield MemoryItem(**values, embedding=embedding)
        except (ValueError, KeyError, TypeError, IndexError, InputError) as error:
            raise ValueError(f"items.jsonl, line {number}: {error}") from error
