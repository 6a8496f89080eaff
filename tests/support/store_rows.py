"""Short ways to say what a test stores, and a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from mba_integrations import MemoryTier
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import finding, memories
from mba_integrations.services.store.store import Store
from mba_integrations.testing import Clock as StillClock

T = TypeVar("T")
START = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


class Clock(StillClock):
    """A clock that is moved on by days, hours or the like."""

    def __init__(self) -> None:
        super().__init__(START)

    def move(self, **by: float) -> datetime:
        """Move it on, as by `hours=1`."""
        self.pass_seconds(timedelta(**by).total_seconds())
        return self.now


def row(memory_id: str, content: str | None = None, **fields: Any) -> MemoryRow:
    """A memory, of the project if nothing else is said."""
    fields.setdefault("tier", MemoryTier.PROJECT)
    return MemoryRow(memory_id=memory_id, content=content or f"text of {memory_id}", **fields)


def add(store: Store, workspace_id: str, *rows: MemoryRow | str) -> tuple[MemoryRow, ...]:
    """Add memories, given as rows or by id alone."""
    whole = [row(one) if isinstance(one, str) else one for one in rows]
    return store.write(workspace_id, lambda writing: memories.add(writing, whole))


def read(store: Store, workspace_id: str, ask: Callable[[Reading], T]) -> T:
    """What a question is answered with."""
    with store.read(workspace_id) as reading:
        return ask(reading)


def current(store: Store, workspace_id: str = "kate") -> tuple[MemoryRow, ...]:
    """All memories that can be recalled."""
    return read(store, workspace_id, finding.current)


def ids(rows: tuple[MemoryRow, ...]) -> list[str]:
    """Their ids."""
    return [one.memory_id for one in rows]


def without_seq(rows: tuple[MemoryRow, ...]) -> list[MemoryRow]:
    """Rows without their places in the sequence of changes."""
    return [replace(one, added_seq=0, change_seq=0) for one in rows]
