"""`Items`: the values of a workspace, each under a namespace and a key.

What is written is a memory: durable when `put` comes back, and recalled within a budget by
everybody who uses the workspace. Namespaces are paths in one workspace.

A search with a query ranks by the service's score; items that are not ranked, such as those put
with `index=False` and those behind the first hundred, follow without a score. An item whose time
has come is not returned, whether or not it was swept. A search with a filter reads all items below
its prefix: O(n).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from mba_integrations.services.items.matching import Condition, fits, lets_through
from mba_integrations.services.items.values import (
    NAMESPACE_PATH,
    Namespace,
    Place,
    Put,
    StoredItem,
    memory_of,
    sources_of,
    stored_item,
    tag_of,
)
from mba_integrations.services.memory.errors import NotActiveError
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from mba_integrations.services.memory.new_memory import NewMemory
    from mba_integrations.services.memory.service import MemoryService

TEXT_FIELD = "text"
_PAGE = 500
_MOST_AT_ONCE = 1_000
_MOST_RANKED = 100
_TRIES = 5
_LEAST_EXTENSION = 0.01
"""Of its time to live: a read that would add less writes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSearch:
    """What is searched for.

    Attributes:
        prefix: In or below this namespace.
        query: What is asked; None for all that the filter lets through.
        filter: What values must have.
        limit: How many at most.
        offset: How many of the first ones are passed over.
        refresh: Whether what is found is kept for another time to live.
    """

    prefix: Namespace
    query: str | None = None
    filter: Mapping[str, Any] | None = None
    limit: int = 10
    offset: int = 0
    refresh: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Reads and writes the items of a workspace.

    Attributes:
        service: The service.
        workspace_id: Its workspace.
        clock: The present, with a zone.
        text_field: Where a value has its text.
        actor: Who writes, for the history.
    """

    service: MemoryService
    workspace_id: str
    clock: Callable[[], datetime]
    text_field: str = TEXT_FIELD
    actor: str | None = None

    def found(self, places: Iterable[Place]) -> dict[Place, StoredItem]:
        """What these keys have now; those that have nothing are not in it."""
        sources = frozenset(source for place in places for source in sources_of(place))
        if not sources:
            return {}
        now = self.clock()
        found = self._newest(MemoryFilter(sources=sources))
        return {one.place: one for one in found if one.is_alive(now)}

    def read(self, one: StoredItem, *, refresh: bool) -> StoredItem:
        """The item; with *refresh* it is kept for another time to live."""
        if refresh and one.ttl_minutes is not None:
            self._refresh(one, one.ttl_minutes)
        return one

    def put(self, puts: Iterable[Put]) -> None:
        """Write items; again where another writer has just put one of them.

        Raises:
            InputError: If a value cannot be kept.
        """
        last = list({put.place: put for put in puts}.values())
        for left in reversed(range(_TRIES)):
            try:
                return self._put_once(last)
            except NotActiveError:
                if not left:
                    raise

    def search(self, asked: ItemSearch) -> list[tuple[StoredItem, float | None]]:
        """Items with their scores: those that are ranked, then the others.

        Raises:
            InputError: If a comparison of the filter is unknown.
        """
        ranked = self._ranked(asked) if asked.query and asked.query.strip() else ()
        found = islice(self._hits(asked, ranked), asked.offset, asked.offset + asked.limit)
        return [(self.read(one, refresh=asked.refresh), score) for one, score in found]

    def namespaces(
        self,
        conditions: Sequence[Condition] | None = None,
        *,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """Namespaces that have an item, in order."""
        wanted = MemoryFilter(tags=frozenset({tag_of(())}), alive_at=self.clock())
        named = self.service.metadata_values(self.workspace_id, NAMESPACE_PATH, wanted)
        found = {tuple(one)[:max_depth] for one in named if fits(conditions, one)}
        return sorted(found)[offset : offset + limit]

    def _newest(self, wanted: MemoryFilter) -> Iterator[StoredItem]:
        """Items, those that were written last first, each as it was written last."""
        seen: set[Place] = set()
        for one in self._all(wanted):
            if one.place not in seen:
                seen.add(one.place)
                yield one

    def _all(self, wanted: MemoryFilter) -> Iterator[StoredItem]:
        """Items, the latest first; an older state of one follows where a writer was interrupted."""
        after: int | None = None
        while True:
            page = self.service.list(self.workspace_id, wanted, after=after, limit=_PAGE)
            yield from (one for row in page.rows if (one := stored_item(row)) is not None)
            after = page.after
            if after is None:
                return

    def _put_once(self, puts: Sequence[Put]) -> None:
        """Each item in one transaction: it is there as it was, or as it is to be."""
        sources = frozenset(source for put in puts for source in sources_of(put.place))
        old = list(self._all(MemoryFilter(sources=sources))) if sources else []
        latest = {one.place: one for one in reversed(old)}
        kept = {
            put.place: self._memory_of(put, latest.get(put.place))
            for put in puts
            if put.value is not None
        }
        self._write(kept, {place: one.row.memory_id for place, one in latest.items()})
        gone = [one for one in old if one is not latest[one.place] or one.place not in kept]
        if gone:
            ids = [one.row.memory_id for one in gone]
            self.service.forget(self.workspace_id, ids, actor=self.actor)

    def _memory_of(self, put: Put, before: StoredItem | None) -> NewMemory:
        return memory_of(put, text_field=self.text_field, now=self.clock(), before=before)

    def _write(self, kept: Mapping[Place, NewMemory], known: Mapping[Place, str]) -> None:
        """Write items, those that are known in the place of the memories of these ids."""
        there = dict(known)
        for part in _parts([place for place in kept if place not in known]):
            memories = [kept[place] for place in part]
            reply = self.service.remember(self.workspace_id, memories, actor=self.actor)
            for place, result in zip(part, reply.results, strict=True):
                if result.duplicate_of is not None:  # another writer has put the same text
                    there[place] = result.duplicate_of
        for part in _parts([place for place in kept if place in there]):
            news = {there[place]: kept[place] for place in part}
            self.service.revise_all(self.workspace_id, news, actor=self.actor)

    def _refresh(self, one: StoredItem, ttl_minutes: float) -> None:
        until = self.clock() + timedelta(minutes=ttl_minutes)
        least = timedelta(minutes=ttl_minutes * _LEAST_EXTENSION)
        if one.row.expires_at is not None and until - one.row.expires_at >= least:
            self.service.expire(self.workspace_id, one.row.memory_id, until, actor=self.actor)

    def _hits(
        self, asked: ItemSearch, ranked: Iterable[tuple[StoredItem, float]]
    ) -> Iterator[tuple[StoredItem, float | None]]:
        """Those that are ranked, then the others, those that were written last first."""
        seen: set[Place] = set()
        for one, score in ranked:
            seen.add(one.place)
            yield one, score
        yield from ((one, None) for one in self._matching(asked) if one.place not in seen)

    def _matching(self, asked: ItemSearch) -> Iterator[StoredItem]:
        now = self.clock()
        for one in self._newest(MemoryFilter(tags=frozenset({tag_of(asked.prefix)}))):
            if one.is_alive(now) and lets_through(asked.filter, one.value):
                yield one

    def _ranked(self, asked: ItemSearch) -> Iterator[tuple[StoredItem, float]]:
        """Up to a hundred items, those that answer best first."""
        wanted = MemoryFilter(tags=frozenset({tag_of(asked.prefix)}))
        if asked.filter:
            ids = frozenset(one.row.memory_id for one in self._matching(asked))
            wanted = MemoryFilter(memory_ids=ids)
        limit = min(_MOST_RANKED, asked.offset + asked.limit)
        query = str(asked.query)
        reply = self.service.search(self.workspace_id, query, limit=limit, filters=wanted)
        scores = {hit.memory_id: hit.score for hit in reply.hits}
        by_id = {
            one.row.memory_id: one
            for one in self._newest(MemoryFilter(memory_ids=frozenset(scores)))
            if one.index is not False
        }
        for memory_id, score in scores.items():
            if memory_id in by_id:
                yield by_id[memory_id], score


def _parts(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """As many at once as the service takes."""
    for first in range(0, len(places), _MOST_AT_ONCE):
        yield places[first : first + _MOST_AT_ONCE]
