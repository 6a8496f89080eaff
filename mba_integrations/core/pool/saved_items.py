"""The items of a pool on disk: `items.jsonl`, one item a line, and `vectors.npy`.

`vectors.npy` has the embeddings of those items that have one, in their order; it is memory-mapped
when read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.errors import InputError, PoolError
from mba_integrations.core.model import MemoryItem

_TIMES = ("created_at", "last_accessed_at")
_PLAIN = tuple(
    field.name
    for field in fields(MemoryItem)
    if field.name not in {"embedding", "metadata", "tier", *_TIMES}
)


def write_items(items: Iterable[MemoryItem], folder: Path) -> dict[str, Any]:
    """Write the items, and say in JSON what is there.

    Raises:
        PoolError: If metadata is not JSON, or embeddings differ in length.
    """
    listed = list(items)
    vectors = _vectors(listed)
    with open(folder / "items.jsonl", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(map(_line, listed))
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    return {"items": len(listed), "vectors": list(vectors.shape)}


def read_items(folder: Path, record: dict[str, Any]) -> tuple[MemoryItem, ...]:
    """The items, in their order.

    Raises:
        OSError, ValueError, KeyError, TypeError: If a file is missing or damaged.
    """
    mapped = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    with open(folder / "items.jsonl", encoding="utf-8", newline="\n") as lines:
        items = tuple(_read(lines, mapped.view(np.ndarray)))
    if len(items) != record["items"]:
        raise ValueError(f"it has {len(items):,} items, pool.json says {record['items']:,}.")
    return items


def _vectors(items: Iterable[MemoryItem]) -> NDArray[Any]:
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


def _read(lines: Iterable[str], vectors: NDArray[Any]) -> Iterator[MemoryItem]:
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
