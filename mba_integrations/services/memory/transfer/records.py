"""Memories, vectors and documents as the records of an export, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np

from mba_integrations.core.arguments import shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.store.rows.documents import DocumentRow
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState

MEMORY, VECTOR, DOCUMENT = "memory", "vector", "document"
_TIMES = ("created_at", "event_at", "last_accessed_at", "expires_at")
_OF_ITEM = (
    *("importance", "created_at", "last_accessed_at", "access_count", "source", "position"),
    *("group", "pinned", "metadata"),
)
_BESIDE = ("subject", "event_at", "expires_at", "tags", "author", "client", "session_id", "held")
_TIMES_OF_DOCUMENTS = (
    *("created_at", "valid_until", "file_modified_at", "stored_at", "replaced_at"),
)
_STORED = np.dtype("<f4")


def memory_record(row: MemoryRow) -> dict[str, Any]:
    """A memory as a record."""
    record: dict[str, Any] = {
        "kind": MEMORY,
        "id": row.memory_id,
        "content": row.content,
        "tier": row.tier.value,
        "state": row.state.value,
    }
    for name in (*_OF_ITEM, *_BESIDE):
        value = getattr(row, name)
        record[name] = value.isoformat() if isinstance(value, datetime) else value
    return record


def memory_of(place: str, record: Mapping[str, Any]) -> tuple[NewMemory, MemoryState]:
    """The memory of a record, and the state that it was in.

    Raises:
        InputError: Naming the place, if the record is none of ours.
    """
    try:
        values = {**record, **{name: _time(record.get(name)) for name in _TIMES}}
        item = MemoryItem(
            values["id"],
            values["content"],
            values["tier"],
            **{name: values[name] for name in _OF_ITEM if values.get(name) is not None},
        )
        beside = {name: values[name] for name in _BESIDE if values.get(name) is not None}
        return NewMemory(item=item, **beside), MemoryState(values.get("state", "active"))
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: is no memory: {type(error).__name__}: {error}.") from error


def document_record(row: DocumentRow) -> dict[str, Any]:
    """A document as a record; its pieces are records of memories."""
    # An erasure by source finds a record that waits by that field.
    record: dict[str, Any] = {"kind": DOCUMENT, "source": row.document_id}
    for one in fields(row):
        value = getattr(row, one.name)
        record[one.name] = value.isoformat() if isinstance(value, datetime) else value
    return record


def document_of(place: str, record: Mapping[str, Any]) -> DocumentRow:
    """The document of a record.

    Raises:
        InputError: Naming the place, if the record is none of ours.
    """
    try:
        known = {one.name: record[one.name] for one in fields(DocumentRow) if one.name in record}
        times = {name: _time(known.get(name)) for name in _TIMES_OF_DOCUMENTS}
        return DocumentRow(**{**known, **times})
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: is no document: {type(error).__name__}: {error}.") from error


def vector_record(memory_id: str, model_id: str, vector: FloatArray) -> dict[str, Any]:
    """A vector as a record: float32, little-endian, base64."""
    written = base64.b64encode(np.asarray(vector, dtype=_STORED).tobytes()).decode()
    return {"kind": VECTOR, "id": memory_id, "model": model_id, "vector": written}


def vector_of(place: str, record: Mapping[str, Any]) -> tuple[str, str, FloatArray]:
    """Memory, model and vector of a record.

    Raises:
        InputError: Naming the place, if the record is none of ours.
    """
    try:
        numbers = np.frombuffer(base64.b64decode(record["vector"], validate=True), dtype=_STORED)
        return str(record["id"]), str(record["model"]), numbers.astype(np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: is no vector: {type(error).__name__}: {error}.") from error


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"a time must be ISO 8601 text, got {shown(value)}.")
    return datetime.fromisoformat(value)
