"""`MemoryServiceStore`: a LangGraph store whose items are memories of a `MemoryService`.

What an agent writes with `put` can be recalled within a budget, by this agent and by everybody else
who uses the workspace, and what it writes is durable when `put` comes back. Namespaces are paths in
one workspace; give each tenant a workspace, and a store, of its own.

A search with a query ranks by the service's score; items that are not ranked, such as those put
with `index=False` and those behind the first hundred, follow without a score. An item whose time
has come is not returned, whether or not it was swept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from mba_integrations.core.arguments import checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.langchain.service.store_items import (
    NAMESPACE_PATH,
    Namespace,
    StoredItem,
    memory_of,
    sources_of,
    stored_item,
    tag_of,
)
from mba_integrations.langchain.service.store_matching import fits, lets_through
from mba_integrations.langchain.settings import Setting, keep
from mba_integrations.services.memory.errors import NotActiveError
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from mba_integrations.services.memory.new_memory import NewMemory
    from mba_integrations.services.memory.service import MemoryService

_PAGE = 500
_MOST_AT_ONCE = 1_000
_MOST_RANKED = 100
_TRIES = 5
_LEAST_EXTENSION = 0.01
"""Of its time to live: a read that would add less writes nothing."""
Place = tuple[Namespace, str]
"""Namespace and key of an item."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryServiceStore(BaseStore):
    """Keeps the items of agents in a workspace of a service.

    Args:
        service: The service.
        workspace_id: Its workspace.
        text_field: Where a value has its text.
        ttl: As for LangGraph's own stores; `refresh_on_read` is on unless it says otherwise.
        clock: The present, with a zone.

    Raises:
        InputError: If an argument is something else.
    """

    supports_ttl = True

    service = Setting["MemoryService"]()
    workspace_id = Setting[str]()
    text_field = Setting[str]()
    ttl = Setting[TTLConfig | None]()
    clock = Setting[Callable[[], datetime]]()

    def __init__(
        self,
        service: MemoryService,
        workspace_id: str,
        *,
        text_field: str = "text",
        ttl: TTLConfig | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if not callable(getattr(service, "remember", None)):
            raise InputError(f"service must be a MemoryService, got {shown(service)}.")
        keep(
            self,
            service=service,
            workspace_id=checked_text("workspace_id", workspace_id),
            text_field=checked_text("text_field", text_field),
            ttl=ttl,
            clock=clock,
        )
        self.ttl_config = ttl

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: those that read see the store as it was before those that write.

        Raises:
            InvalidNamespaceError: If a namespace is none.
            InputError: If a value cannot be kept, or a filter is unknown.
        """
        listed = list(ops)
        for op in listed:
            validate_op_namespace(op)
        found = self._found([op for op in listed if isinstance(op, GetOp)])
        results = [self._result(op, found) for op in listed]
        puts = {(op.namespace, op.key): op for op in listed if isinstance(op, PutOp)}
        if puts:
            self._put(list(puts.values()))
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, in a thread."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _result(self, op: Op, found: dict[Place, StoredItem]) -> Result:
        if isinstance(op, GetOp):
            one = found.get((op.namespace, op.key))
            return None if one is None else self._read(one, op.refresh_ttl)
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        return None

    def _found(self, ops: Sequence[GetOp | PutOp]) -> dict[Place, StoredItem]:
        """What the keys of these operations have now."""
        sources = [source for op in ops for source in sources_of(op.namespace, op.key)]
        if not sources:
            return {}
        now = self.clock()
        found = self._newest(MemoryFilter(sources=frozenset(sources)))
        return {one.place: one for one in found if one.is_alive(now)}

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

    def _put(self, ops: Sequence[PutOp]) -> None:
        """Write items; again where another writer has just put one of them."""
        for left in reversed(range(_TRIES)):
            try:
                return self._put_once(ops)
            except NotActiveError:
                if not left:
                    raise

    def _put_once(self, ops: Sequence[PutOp]) -> None:
        """Each item in one transaction: it is there as it was, or as it is to be."""
        sources = [source for op in ops for source in sources_of(op.namespace, op.key)]
        old = list(self._all(MemoryFilter(sources=frozenset(sources))))
        latest = {one.place: one for one in reversed(old)}
        kept = {
            place: self._memory_of(op, latest.get(place))
            for op in ops
            if op.value is not None
            for place in [(op.namespace, op.key)]
        }
        self._write(kept, {place: one.row.memory_id for place, one in latest.items()})
        gone = [one for one in old if one is not latest[one.place] or one.place not in kept]
        if gone:
            self.service.forget(self.workspace_id, [one.row.memory_id for one in gone])

    def _memory_of(self, op: PutOp, before: StoredItem | None) -> NewMemory:
        return memory_of(op, text_field=self.text_field, now=self.clock(), before=before)

    def _write(self, kept: Mapping[Place, NewMemory], known: Mapping[Place, str]) -> None:
        """Write items, those that are known in the place of the memories of these ids."""
        there = dict(known)
        for part in _parts([place for place in kept if place not in known]):
            reply = self.service.remember(self.workspace_id, [kept[place] for place in part])
            for place, result in zip(part, reply.results, strict=True):
                if result.duplicate_of is not None:  # another writer has put the same text
                    there[place] = result.duplicate_of
        for part in _parts([place for place in kept if place in there]):
            news = {there[place]: kept[place] for place in part}
            self.service.revise_all(self.workspace_id, news)

    def _read(self, one: StoredItem, refresh: bool) -> Item:
        if refresh and one.ttl_minutes is not None:
            self._refresh(one, one.ttl_minutes)
        return one.item

    def _refresh(self, one: StoredItem, ttl_minutes: float) -> None:
        until = self.clock() + timedelta(minutes=ttl_minutes)
        least = timedelta(minutes=ttl_minutes * _LEAST_EXTENSION)
        if one.row.expires_at is not None and until - one.row.expires_at >= least:
            self.service.expire(self.workspace_id, one.row.memory_id, until)

    def _search(self, op: SearchOp) -> list[SearchItem]:
        ranked = self._ranked(op) if op.query and op.query.strip() else ()
        found = islice(self._hits(op, ranked), op.offset, op.offset + op.limit)
        return [_search_item(self._read(one, op.refresh_ttl), score) for one, score in found]

    def _hits(
        self, op: SearchOp, ranked: Iterable[tuple[StoredItem, float]]
    ) -> Iterator[tuple[StoredItem, float | None]]:
        """Those that are ranked, then the others, those that were written last first."""
        seen: set[Place] = set()
        for one, score in ranked:
            seen.add(one.place)
            yield one, score
        yield from ((one, None) for one in self._matching(op) if one.place not in seen)

    def _matching(self, op: SearchOp) -> Iterator[StoredItem]:
        now = self.clock()
        for one in self._newest(MemoryFilter(tags=frozenset({tag_of(op.namespace_prefix)}))):
            if one.is_alive(now) and lets_through(op.filter, one.item.value):
                yield one

    def _ranked(self, op: SearchOp) -> Iterator[tuple[StoredItem, float]]:
        """Up to a hundred items, those that answer best first."""
        wanted = MemoryFilter(tags=frozenset({tag_of(op.namespace_prefix)}))
        if op.filter:
            ids = frozenset(one.row.memory_id for one in self._matching(op))
            wanted = MemoryFilter(memory_ids=ids)
        limit = min(_MOST_RANKED, op.offset + op.limit)
        reply = self.service.search(self.workspace_id, str(op.query), limit=limit, filters=wanted)
        scores = {hit.memory_id: hit.score for hit in reply.hits}
        by_id = {
            one.row.memory_id: one
            for one in self._newest(MemoryFilter(memory_ids=frozenset(scores)))
            if one.index is not False
        }
        for memory_id, score in scores.items():
            if memory_id in by_id:
                yield by_id[memory_id], score

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        """Namespaces that have an item, in order."""
        wanted = MemoryFilter(tags=frozenset({tag_of(())}), alive_at=self.clock())
        named = self.service.metadata_values(self.workspace_id, NAMESPACE_PATH, wanted)
        found = {
            tuple(namespace)[: op.max_depth]
            for namespace in named
            if fits(op.match_conditions, namespace)
        }
        return sorted(found)[op.offset : op.offset + op.limit]


def _parts(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """As many at once as the service takes."""
    for first in range(0, len(places), _MOST_AT_ONCE):
        yield places[first : first + _MOST_AT_ONCE]


def _search_item(item: Item, score: float | None) -> SearchItem:
    fields: dict[str, Any] = {name: getattr(item, name) for name in Item.__slots__}
    return SearchItem(**fields, score=score)
