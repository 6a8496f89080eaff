"""The items of a pool on disk: `items.jsonl`, one item a line, and `vectors.npy`.

`vectors.npy` has the embeddings of those items that have one, in their order; it is memory-mapped
when read. An embedding of another length than that of most items has no row there: it stands in its
item's line, as the bytes of its float32 numbers in base64, which keep NaN and every other value.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError, PoolError
from mba_integrations.core.model import MemoryItem

_TIMES = ("created_at", "last_accessed_at")
_NUMBERS = ("relevance", "importance", "position", "retriever_score")
_PLAIN = tuple(
    field.name
    for field in fields(MemoryItem)
    if field.name not in {"embedding", "metadata", "tier", *_TIMES}
)


def write_items(items: Iterable[MemoryItem], folder: Path) -> dict[str, Any]:
    """Write the items, and say in JSON what is there.

    Raises:
        PoolError: If metadata is not JSON.
    """
    listed = list(items)
    vectors = _vectors(listed)
    with open(folder / "items.jsonl", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(_line(item, vectors.shape[1]) for item in listed)
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


def _vectors(items: Iterable[MemoryItem]) -> FloatArray:
    """The embeddings of the length that most have."""
    rows = [item.embedding for item in items if item.embedding is not None]
    lengths = Counter(map(len, rows))
    length = max(lengths, key=lengths.__getitem__, default=0)
    alike = [row for row in rows if len(row) == length]
    return np.stack(alike) if alike else np.zeros((0, 0), dtype=np.float32)


def _line(item: MemoryItem, length: int) -> str:
    """ASCII JSON, so that lone surrogates and line separators survive.

    Args:
        item: The item.
        length: Of the embeddings that stand in `vectors.npy`.
    """
    embedded = item.embedding is not None and len(item.embedding) == length
    values = {**item_to_dict(item, with_embedding=not embedded), "embedded": embedded}
    try:
        return json.dumps(values, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise PoolError(
            f"item {item.id!r} cannot be saved: its metadata is no JSON ({error})."
        ) from error


def item_to_dict(item: MemoryItem, *, with_embedding: bool = True) -> dict[str, Any]:
    """The item as JSON writes it, if its metadata is JSON; `item_from_dict` reads it."""
    values: dict[str, Any] = {name: getattr(item, name) for name in _PLAIN}
    values |= {name: _plain(values[name]) for name in _NUMBERS}
    values["tier"] = item.tier.value
    for name in _TIMES:
        time: datetime | None = getattr(item, name)
        values[name] = time.isoformat() if time else None
    values["metadata"] = dict(item.metadata)
    if with_embedding and item.embedding is not None:
        values["embedding"] = b64encode(item.embedding.tobytes()).decode("ascii")
    return values


def item_from_dict(values: Mapping[str, Any], embedding: FloatArray | None = None) -> MemoryItem:
    """The item that `item_to_dict` wrote; *embedding* where it did not write that.

    Raises:
        ValueError, KeyError, TypeError: If it is something else.
    """
    fields_ = dict(values)
    odd = _odd_embedding(fields_.pop("embedding", None))
    for name in _TIMES:
        fields_[name] = datetime.fromisoformat(fields_[name]) if fields_[name] else None
    return MemoryItem(**fields_, embedding=embedding if odd is None else odd)


def _plain(number: Any) -> Any:
    """A number as JSON writes it: numpy's are none to it, nor are those of `decimal`."""
    return number if number is None or isinstance(number, (int, float)) else float(number)


def _read(lines: Iterable[str], vectors: FloatArray) -> Iterator[MemoryItem]:
    row = 0
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            embedding = None
            if values.pop("embedded"):
                embedding = vectors[row]
                row += 1
            yield item_from_dict(values, embedding)
        except (ValueError, KeyError, TypeError, IndexError, InputError) as error:
            raise ValueError(f"items.jsonl, line {number}: {error}") from error


def _odd_embedding(written: str | None) -> FloatArray | None:
    if written is None:
        return None
    return np.frombuffer(b64decode(written, validate=True), dtype=np.float32)
