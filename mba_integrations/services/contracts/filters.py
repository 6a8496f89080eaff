"""`FilterBody`: which memories a request is about."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.contracts.body import Body, Flag, Id, Ids, Moment, Tags, Text
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState

MOST_ENTRIES = 32
Tiers = Annotated[list[MemoryTier], Field(min_length=1, max_length=len(MemoryTier))]
States = Annotated[list[MemoryState], Field(min_length=1, max_length=len(MemoryState))]
_SETS = ("states", "memory_ids", "tiers", "subjects", "sources", "groups", "session_ids")


class FilterBody(Body):
    """Memories for which all that is given holds; nothing given means all active ones."""

    states: States | None = None
    memory_ids: Ids | None = None
    tiers: Tiers | None = None
    subjects: Ids | None = None
    sources: Ids | None = None
    groups: Ids | None = None
    session_ids: Ids | None = None
    authors: Ids | None = None
    tags: Tags | None = None
    metadata: (
        Annotated[dict[Id, str | int | float | bool], Field(max_length=MOST_ENTRIES)] | None
    ) = None
    pinned: Flag | None = None
    held: Flag | None = None
    contains: Text | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None
    event_from: Moment | None = None
    event_before: Moment | None = None
    stored_from: Moment | None = None
    stored_before: Moment | None = None
    idle_since: Moment | None = None
    alive_at: Moment | None = None
    expired_at: Moment | None = None

    def to_filter(self) -> MemoryFilter:
        """The filter that the service takes."""
        given: dict[str, Any] = self.model_dump(exclude_none=True)
        for name in (*_SETS, "authors", "tags"):
            if name in given:
                given[name] = frozenset(given[name])
        return MemoryFilter(**given)
