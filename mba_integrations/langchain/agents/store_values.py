"""A value in a LangGraph store as a memory item, and back.

A value comes from whoever may write into the store, so nothing in it is trusted to be of its kind:
what is wrong is an `InputError` that names the field, and costs this one memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from langgraph.store.base import SearchItem

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier

STORE_KEY = "store_key"
STORE_NAMESPACE = "store_namespace"
_TIMES = ("created_at", "last_accessed_at")
_NUMBERS = ("importance", "access_count", "position")
_FIELDS = ("tier", *_TIMES, *_NUMBERS, "source", "group", "pinned")
_FIRST_MILLISECONDS = 100_000_000_000
"""As seconds, the year 5138: what is more are milliseconds, as JavaScript counts."""


def memory_of(found: SearchItem, text_field: str, tier: MemoryTier) -> MemoryItem | None:
    """The memory that a store's item is; None if it has no text.

    Args:
        found: The item.
        text_field: Where its value has its text.
        tier: If the value names none.

    Raises:
        InputError: If a field holds what it cannot.
    """
    value = found.value
    text = value.get(text_field)
    if not isinstance(text, str) or not text.strip():
        return None
    known = {name: value[name] for name in _FIELDS if value.get(name) is not None}
    _check(known)
    known |= {name: time_of(name, known[name]) for name in _TIMES if name in known}
    known.setdefault("created_at", time_of("created_at", found.created_at))
    named = known.pop("tier", tier)
    metadata = deepcopy(dict(value))
    metadata |= {STORE_KEY: found.key, STORE_NAMESPACE: tuple(found.namespace)}
    item_id = "/".join((*found.namespace, found.key))
    return MemoryItem(
        item_id, text, named, metadata=metadata, retriever_score=_score(found.score), **known
    )


def _score(score: float | None) -> float | None:
    """How near a store's index finds the item to the query; None where it has no index, or its
    number is none."""
    return None if score is None or not math.isfinite(score) else float(score)


def value_of(item: MemoryItem, text_field: str) -> dict[str, Any]:
    """What a store keeps of a memory."""
    value = {
        name: deepcopy(kept)
        for name, kept in item.metadata.items()
        if name not in (STORE_KEY, STORE_NAMESPACE)
    }
    value |= {text_field: item.content, "tier": item.tier.value}
    for name in _FIELDS:
        current = getattr(item, name)
        if current is not None and name != "tier":
            value[name] = current.isoformat() if isinstance(current, datetime) else current
    return value


def has_expired(value: Mapping[str, Any], now: datetime) -> bool:
    """Whether the time under `expires_at` has come.

    Raises:
        InputError: If it holds no time.
    """
    expires = value.get("expires_at")
    return expires is not None and time_of("expires_at", expires) <= now


def time_of(name: str, value: object) -> datetime:
    """A time from a datetime, ISO 8601, or seconds or milliseconds since 1970.

    A time without a zone counts as UTC.

    Raises:
        InputError: If it is none of these.

    >>> time_of("expires_at", 1_767_225_600) == time_of("expires_at", "2026-01-01")
    True
    """
    try:
        if isinstance(value, str):
            value = _read(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _FIRST_MILLISECONDS else value
            value = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    if not isinstance(value, datetime):
        raise InputError(
            f"{name} must be ISO 8601 or a number of seconds since 1970, got {value!r}."
        )
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _read(text: str) -> datetime | float:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return float(text)


def _check(known: dict[str, Any]) -> None:
    """Refuse what JSON may hold and the fields of an item may not; a count of 3.0 becomes 3."""
    for name in _NUMBERS:
        value = known.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputError(f"{name} must be a number, got {value!r}.")
    if "pinned" in known and not isinstance(known["pinned"], bool):
        raise InputError(f"pinned must be true or false, got {known['pinned']!r}.")
    count = known.get("access_count")
    if isinstance(count, float) and count.is_integer():
        known["access_count"] = int(count)
