"""Memories of a LangGraph store: its items as `Item.dict()` writes them, in a file of JSON.

An item whose value has no text under a usual name comes in as its value's JSON, so that nothing is
lost. An item that has expired is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.transfer.imported import (
    Imported,
    checked_object,
    fitting_name,
    json_values,
    text_of,
    time_of,
)

TEXT_FIELDS = ("content", "text", "memory", "data")


def read_langgraph_store(
    path: str | Path, *, now: datetime, tier: MemoryTier = MemoryTier.LONG_TERM
) -> Imported:
    """The items of a file, `namespace/key` as their ids and the namespace as their source.

    Args:
        path: A JSON array of items, or one item a line.
        now: What had expired by then is left out.
        tier: Where items go whose value names no tier.

    Raises:
        InputError: If the file cannot be read or holds something else; with the line.
    """
    found = [
        _memory(place, checked_object(place, value), tier) for place, value in json_values(path)
    ]
    memories = tuple(one for one in found if one.expires_at is None or one.expires_at > now)
    expired = len(found) - len(memories)
    notes = (f"{path}: {expired:,} items that have expired are left out.",) if expired else ()
    return Imported(memories=memories, notes=notes)


def _memory(place: str, item: Mapping[str, Any], tier: MemoryTier) -> NewMemory:
    namespace, key = _namespace(place, item), item.get("key")
    if not isinstance(key, str) or not key:
        raise InputError(f"{place}: key must be a text that is not empty, got {shown(key)}.")
    value = checked_object(f"{place}: value", item.get("value"))
    text = text_of(value, *TEXT_FIELDS)
    kept = {name: one for name, one in value.items() if one != text and name != "tier"}
    named = value.get("tier")
    return NewMemory(
        item=MemoryItem(
            fitting_name("/".join((*namespace, key))),
            text or json.dumps(value, ensure_ascii=False),
            named if named in list(MemoryTier) else tier,
            created_at=time_of(place, item, "created_at"),
            source=fitting_name("/".join(namespace)) if namespace else None,
            metadata=kept if text else {},
        ),
        expires_at=time_of(place, item, "expires_at") or time_of(place, value, "expires_at"),
    )


def _namespace(place: str, item: Mapping[str, Any]) -> Sequence[str]:
    namespace = item.get("namespace", ())
    if isinstance(namespace, str):
        return tuple(namespace.split("."))
    if not isinstance(namespace, list | tuple) or not all(isinstance(n, str) for n in namespace):
        raise InputError(f"{place}: namespace must be a list of texts, got {shown(namespace)}.")
    return tuple(namespace)
