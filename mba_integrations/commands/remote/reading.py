"""JSON of a server as the objects that the service gives, and its arguments as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from mba_integrations.commands.printing.memories import plain
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.store.rows.memories import MemoryFilter

T = TypeVar("T")
_OF_ITEM = ("content", "id", "tier", "importance", "created_at", "source", "pinned")
_BESIDE = ("subject", "expires_at", "tags", "client", "session_id")


def read(kind: type[T], value: object) -> T:
    """A dataclass from its JSON: texts become times, tiers and states again.

    >>> from mba_integrations.services.store.rows.memories import MemoryRow
    >>> read(MemoryRow, {"memory_id": "m1", "content": "Kate skis.", "tier": "rag"}).tier
    <MemoryTier.RAG: 'rag'>
    """
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))
    return adapter.validate_python(value)


def read_all(kind: type[T], values: Iterable[object]) -> tuple[T, ...]:
    """Several of them."""
    return tuple(read(kind, value) for value in values)


@cache
def _adapter(kind: Any) -> Any:
    return TypeAdapter(kind)


def filter_body(filters: MemoryFilter | None) -> dict[str, Any] | None:
    """A filter as a request has it."""
    if filters is None:
        return None
    return {name: value for name, value in plain(filters).items() if value not in (None, [], {})}


def memory_body(memory: NewMemory) -> dict[str, Any]:
    """A memory as a request has it."""
    values = {name: getattr(memory.item, name) for name in _OF_ITEM}
    values |= {name: getattr(memory, name) for name in _BESIDE}
    return {name: plain(value) for name, value in values.items() if value is not None}
