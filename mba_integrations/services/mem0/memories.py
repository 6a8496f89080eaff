"""`Mem0Memories`: the memories of a workspace, read and written as mem0's clients do.

A user is a subject, a run a source; agents and apps stand in the metadata. Texts are kept as they
come. A memory that is updated is superseded here by one with an id of its own; to mem0's clients it
keeps the id and the time that it had first. What is deleted is forgotten: no search gives it, and
its text stays in the history until it is erased.

Lists, and searches with a filter that the store does not answer alone, read all memories of whom
they name: O(n).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import InputError
from mba_integrations.services.mem0.filters import ENTITIES, Wanted, wanted_of
from mba_integrations.services.mem0.past import events_of
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.given import INSTRUCTIONS
from mba_integrations.services.memory.transfer import records
from mba_integrations.services.memory.transfer.imported import end_of_day, time_of
from mba_integrations.services.memory.transfer.mem0 import (
    FIRST_ID,
    FIRST_TIME,
    memory_of,
    record_of,
)
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

_PAGE = 500
_CLIENT = "mem0"
Record = dict[str, Any]
"""A memory in mem0's fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mem0Memories:
    """Reads and writes memories for mem0's clients.

    Attributes:
        service: The service.
        workspace_id: Its workspace.
        actor: Who writes, for the history.
    """

    service: MemoryService
    workspace_id: str
    actor: str | None = None

    def add(self, messages: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> list[Record]:
        """Keep the text of each message, and say what became of it.

        System messages, and those without a text, are left out.

        Args:
            messages: With `role`, `content` and perhaps `name`.
            about: Fields that all memories have, such as `user_id` and `metadata`.

        Raises:
            InputError: If one cannot be kept; none is kept then.
        """
        said = [one for one in messages if one["role"] not in INSTRUCTIONS and one["content"]]
        memories = [self._memory_of(one, about) for one in said if one["content"].strip()]
        if not memories:
            return []
        reply = self.service.remember(self.workspace_id, memories, client=_CLIENT, actor=self.actor)
        return [
            {
                "id": result.memory_id,
                "memory": memory.item.content,
                "event": "ADD" if result.created else "NONE",
                "role": memory.item.metadata["role"],
            }
            for memory, result in zip(memories, reply.results, strict=True)
        ]

    def _memory_of(self, message: Mapping[str, Any], about: Mapping[str, Any]) -> NewMemory:
        values = {
            **about,
            "id": new_id(self.service.now()),
            "memory": message["content"],
            "role": message["role"],
            "actor_id": message.get("name"),
        }
        memory = memory_of("messages", values)
        if memory is None:
            raise InputError("a message has no text.")
        return memory

    def get(self, memory_id: str) -> Record:
        """One memory.

        Raises:
            UnknownMemoryError: If there is none, or it was deleted.
        """
        return record_of(self._row(memory_id))

    def _row(self, memory_id: str) -> MemoryRow:
        """The memory of an id that it has, or had before it was updated."""
        row = self._stored(memory_id)
        if row is not None and row.state is MemoryState.ACTIVE:
            return row
        updated = MemoryFilter(metadata={FIRST_ID: memory_id})
        for other in self.service.list(self.workspace_id, updated, limit=1).rows:
            return other
        if row is None or row.superseded_by is None:
            raise UnknownMemoryError(f"there is no memory {memory_id!r}.", [memory_id])
        return self._row(row.superseded_by)

    def _stored(self, memory_id: str) -> MemoryRow | None:
        try:
            return self.service.get(self.workspace_id, memory_id)
        except UnknownMemoryError:
            return None

    def history(self, memory_id: str) -> list[Record]:
        """What happened to a memory, also to one that was deleted.

        Raises:
            UnknownMemoryError: If nothing is known of it.
        """
        return events_of(memory_id, self.service.history(self.workspace_id, memory_id))

    def matching(
        self, filters: Mapping[str, Any], *, show_expired: bool = False
    ) -> Iterator[Record]:
        """The memories that a filter lets through, those that were added last first.

        Raises:
            InputError: If the filter is none.
        """
        yield from (record for _, record in self._matching(self._wanted(filters, show_expired)))

    def _wanted(self, filters: Mapping[str, Any], show_expired: bool = False) -> Wanted:
        return wanted_of(filters, alive_at=None if show_expired else self.service.now())

    def _matching(self, wanted: Wanted) -> Iterator[tuple[str, Record]]:
        """Our ids and their records."""
        after: int | None = None
        while True:
            page = self.service.list(self.workspace_id, wanted.stored, after=after, limit=_PAGE)
            for row in page.rows:
                record = record_of(row)
                if wanted.lets_through(record):
                    yield row.memory_id, record
            after = page.after
            if after is None:
                return

    def search(
        self, query: str, filters: Mapping[str, Any], *, limit: int, threshold: float | None
    ) -> list[Record]:
        """Memories by how well they answer, the best first, each with its `score`.

        Args:
            query: What is asked.
            filters: Of which memories.
            limit: How many at most, 1 to 100.
            threshold: The least score, in [0, 1]; None for any.

        Raises:
            InputError: If an argument is unusable.
        """
        wanted = self._wanted(filters)
        narrowed = wanted.stored
        if wanted.rest:
            ids = frozenset(memory_id for memory_id, _ in self._matching(wanted))
            narrowed = MemoryFilter(memory_ids=ids)
        reply = self.service.search(self.workspace_id, query, limit=limit, filters=narrowed)
        scores = {one.memory_id: one.score for one in reply.hits if one.score >= (threshold or 0)}
        named = MemoryFilter(memory_ids=frozenset(scores))
        rows = {row.memory_id: row for row in self.service.list(self.workspace_id, named).rows}
        return [
            {**record_of(rows[memory_id]), "score": round(score, 4)}
            for memory_id, score in scores.items()
            if memory_id in rows
        ]

    def update(self, changes: Mapping[str, Mapping[str, Any]]) -> list[Record]:
        """Change memories by their ids, all or none.

        Args:
            changes: For each what changes: `text`, entries of `metadata`, `timestamp`,
                `expiration_date` (None clears it).

        Raises:
            UnknownMemoryError: If there is none of an id.
            InputError: If a change is unusable.
        """
        rows = {memory_id: self._row(memory_id) for memory_id in changes}
        news = {
            rows[memory_id].memory_id: self._changed(rows[memory_id], one)
            for memory_id, one in changes.items()
        }
        reply = self.service.revise_all(self.workspace_id, news, actor=self.actor)
        return [record_of(row) for row in reply.memories]

    def _changed(self, row: MemoryRow, change: Mapping[str, Any]) -> NewMemory:
        known = record_of(row)
        said = time_of("update", change, "timestamp")
        first = {
            FIRST_ID: known["id"],
            FIRST_TIME: known["created_at"] if said is None else said.isoformat(),
        }
        written = {
            **records.memory_record(row),
            "id": new_id(self.service.now()),
            "content": row.content if change.get("text") is None else change["text"],
            "created_at": None if said is None else said.isoformat(),
            "metadata": {**row.metadata, **(change.get("metadata") or {}), **first},
            "last_accessed_at": None,
            "access_count": 0,
        }
        if "expiration_date" in change:
            until = end_of_day("update", change, "expiration_date")
            written["expires_at"] = None if until is None else until.isoformat()
        return records.memory_of("update", written)[0]

    def delete(self, memory_ids: Sequence[str]) -> None:
        """Forget memories by their ids, all or none.

        Raises:
            UnknownMemoryError: If there is none of an id.
        """
        ids = [self._row(memory_id).memory_id for memory_id in memory_ids]
        self.service.forget(self.workspace_id, ids, actor=self.actor)

    def delete_all(self, filters: Mapping[str, Any]) -> int:
        """Forget all memories that a filter lets through; how many it were."""
        wanted = self._wanted(filters, show_expired=True)
        if not wanted.rest:
            stored = wanted.stored
            return len(self.service.forget(self.workspace_id, filters=stored, actor=self.actor))
        ids = [memory_id for memory_id, _ in self._matching(wanted)]
        return len(self.service.forget(self.workspace_id, ids, actor=self.actor)) if ids else 0

    def entities(self) -> list[Record]:
        """Users, agents, apps and runs that have memories, with how many."""
        known: Counter[tuple[str, str]] = Counter()
        for _, record in self._matching(self._wanted({})):
            known.update((name, record[name]) for name in ENTITIES if record[name])
        return [
            {"id": name, "name": name, "type": kind.removesuffix("_id"), "total_memories": count}
            for (kind, name), count in sorted(known.items())
        ]
