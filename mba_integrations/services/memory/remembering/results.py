"""What writing gives back: for each memory what became of it, and where the sequence stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.services.store.rows.changes import Change
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberResult:
    """What became of one memory.

    Attributes:
        memory_id: The memory that says it; None where it was refused.
        created: Whether it is new.
        duplicate_of: The memory that said the same before; None if it is new.
        error: Why it was refused; None if it was not.
    """

    memory_id: str | None
    created: bool = False
    duplicate_of: str | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.memory_id,
            "created": self.created,
            "duplicate_of": self.duplicate_of,
            "error": self.error,
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> RememberResult:
        """What `to_dict` wrote."""
        return cls(
            memory_id=written["id"],
            created=written["created"],
            duplicate_of=written["duplicate_of"],
            error=written["error"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberReply:
    """What became of the memories of one call, in their order.

    Attributes:
        results: One for each memory.
        change_seq: Where the workspace's sequence stands: a recall that is given it as
            `min_change_seq` sees these memories.
        replayed: Whether the call had been made before under the same key.
        notes: What was left out.
    """

    results: tuple[RememberResult, ...]
    change_seq: int
    replayed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def memory_ids(self) -> tuple[str, ...]:
        """Ids of the memories that are there now, in order."""
        return tuple(one.memory_id for one in self.results if one.memory_id is not None)

    @property
    def created(self) -> int:
        """How many are new."""
        return sum(one.created for one in self.results)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "results": [one.to_dict() for one in self.results],
            "change_seq": self.change_seq,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], *, replayed: bool) -> RememberReply:
        """What `to_dict` wrote."""
        return cls(
            results=tuple(RememberResult.from_dict(one) for one in written["results"]),
            change_seq=written["change_seq"],
            replayed=replayed,
            notes=tuple(written["notes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReply:
    """What an act changed.

    Attributes:
        memories: The memories that changed, as they are now.
        change_seq: Where the workspace's sequence stands.
    """

    memories: tuple[MemoryRow, ...]
    change_seq: int

    @property
    def memory_ids(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(row.memory_id for row in self.memories)

    def __len__(self) -> int:
        return len(self.memories)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryHistory:
    """What happened to a memory, to those whose place it took, and to those that took its place.

    Attributes:
        memories: They, as they are now, the first one first.
        changes: What happened, in order.
        versions: Texts that were rewritten under the same id, where they were kept.
    """

    memories: tuple[MemoryRow, ...]
    changes: tuple[Change, ...]
    versions: tuple[MemoryVersion, ...]
