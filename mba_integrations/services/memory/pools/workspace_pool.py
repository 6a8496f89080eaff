"""`WorkspacePool`: the memories of one workspace that can be recalled, at a place in its sequence.

    store:  1 add a   2 add b   3 access a   4 forget a
    pool at 2: a, b          at 4: b          (3 changes nothing that a choice depends on)

`follow` reads what happened since and changes the pool by it. What a filter lets through is a view:
a pool of its own that is made from the whole one and then follows with it. A memory leaves when its
`expires_at` has come, whatever the store says of it by then.

All is read within one scope of the store, so pool, views and counts are of one moment.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.services.memory.pools.items import item_of, items_of, pool_of
from mba_integrations.services.store.rows.changes import Change, ChangeOp
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import changes, finding, loading, vectors

MOST_VIEWS = 8
"""Of one workspace; the longest unused goes."""
_BYTES_OF_ITEM = 1_600
"""Of an item without its text and vector: the object, its columns and its part of the index."""
_BYTES_OF_ROW = 400
"""Of an item in a view: its columns and its part of the index."""
_LEAVING = frozenset({ChangeOp.FORGET, ChangeOp.EXPIRE, ChangeOp.SUPERSEDE})
_RETURNING = frozenset({ChangeOp.RESTORE, ChangeOp.REWRITE, ChangeOp.PRUNE})
_GONE = MemoryFilter(states=frozenset({MemoryState.FORGOTTEN, MemoryState.SUPERSEDED}))


def filter_key(wanted: MemoryFilter) -> Hashable:
    """What two filters that let the same through have alike."""
    values = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    return (*values.pop("metadata").items(), *values.items())


@dataclass(slots=True)
class _View:
    wanted: MemoryFilter
    pool: MemoryPool


@dataclass(slots=True)
class WorkspacePool:
    """Memories of one workspace.

    Attributes:
        model_id: Of which model it has the vectors; None for none.
        change_seq: Where the sequence stood.
        pool: The memories.
        expired: Ids of memories that are active in the store and have expired.
        forgotten: How many memories are superseded or forgotten, as long as their rows are there.
    """

    model_id: str | None
    change_seq: int = 0
    pool: MemoryPool = field(default_factory=MemoryPool)
    expired: set[str] = field(default_factory=set)
    forgotten: int = 0
    _expiring: list[tuple[datetime, str]] = field(default_factory=list)
    _expires: dict[str, datetime] = field(default_factory=dict)
    _views: OrderedDict[Hashable, _View] = field(default_factory=OrderedDict)
    _text_bytes: int = 0
    _vector_bytes: int = 0

    @classmethod
    def load(cls, reading: Reading, seq: int, *, model_id: str | None) -> WorkspacePool:
        """The pool of the moment; O(n)."""
        loaded = loading.active(reading)
        ids, matrix = vectors_of(reading, model_id)
        pool = cls(model_id=model_id, change_seq=seq)
        pool.pool = pool_of(loaded, ids, matrix)
        pool._vector_bytes = 4 * matrix.shape[1]
        pool._text_bytes = sum(map(len, loaded.items["content"]))
        for memory_id, at in zip(loaded.items["id"], loaded.expires_at, strict=True):
            pool._note_expiry(memory_id, at)
        pool.forgotten = finding.total(reading) - len(loaded)
        return pool

    def follow(self, reading: Reading, seq: int) -> bool:
        """Take in what happened up to *seq*; False if the pool must be loaded anew.

        It must where what happened is no longer known or is too much, and after an erasure: the
        columns of a pool keep words and vectors of items that left it.
        """
        if seq <= self.change_seq:
            return True
        feed = changes.changes_since(reading, self.change_seq)
        if not feed.complete or any(one.op is ChangeOp.ERASE for one in feed.changes):
            return False
        self._apply(reading, feed.changes)
        self.change_seq = feed.change_seq
        return True

    def expire(self, now: datetime) -> None:
        """Take out what has expired by *now*."""
        due = []
        while self._expiring and self._expiring[0][0] <= now:
            at, memory_id = heapq.heappop(self._expiring)
            if self._expires.get(memory_id) == at:
                due.append(memory_id)
        self.expired.update(due)
        self._take_out(due)
        for view in self._views.values():
            _take_out(view.pool, due)

    def view(self, reading: Reading, wanted: MemoryFilter | None) -> MemoryPool:
        """The memories that a filter lets through."""
        if wanted is None or wanted == MemoryFilter():
            return self.pool
        key = filter_key(wanted)
        if key not in self._views:
            found = (one for one in finding.ids(reading, wanted) if one in self.pool)
            self._views[key] = _View(wanted, self.pool.subset(list(found)))
        self._views.move_to_end(key)
        while len(self._views) > MOST_VIEWS:
            self._views.popitem(last=False)
        return self._views[key].pool

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        of_items = bytes_of(len(self.pool), self._text_bytes, self._vector_bytes)
        in_views = sum(len(view.pool) for view in self._views.values())
        return of_items + in_views * (_BYTES_OF_ROW + self._vector_bytes)

    def _apply(self, reading: Reading, happened: Sequence[Change]) -> None:
        # A use changes nothing in a prompt, but a filter may ask for it.
        every = list(dict.fromkeys(one.memory_id for one in happened))
        acts = [one for one in happened if one.op is not ChangeOp.ACCESS]
        ids = list(dict.fromkeys(one.memory_id for one in acts))
        if acts:
            self._replace(reading, ids)
            self._count_again(reading, acts)
        for view in self._views.values():
            touched = every if view.wanted.idle_since is not None else ids
            self._follow_view(reading, view, touched)

    def _replace(self, reading: Reading, ids: Sequence[str]) -> None:
        """Bring the memories of these ids to what the store has of them."""
        found = finding.find(reading, ids)
        active = [row for row in found.values() if row.state is MemoryState.ACTIVE]
        active.sort(key=lambda row: row.added_seq)
        still = {row.memory_id for row in active}
        for memory_id in ids:
            self._expires.pop(memory_id, None)
            self.expired.discard(memory_id)
        self._take_out([one for one in ids if one not in still])
        self._put(self._items(reading, active))
        for row in active:
            self._note_expiry(row.memory_id, row.expires_at)

    def _items(self, reading: Reading, rows: Sequence[MemoryRow]) -> list[MemoryItem]:
        if self.model_id is None or not rows:
            return [item_of(row) for row in rows]
        wanted = [row.memory_id for row in rows]
        items = items_of(rows, *vectors.of(reading, self.model_id, wanted))
        self._vector_bytes = self._vector_bytes or _length_of(items)
        return items

    def _put(self, items: Sequence[MemoryItem]) -> None:
        known = [item for item in items if item.id in self.pool]
        new = [item for item in items if item.id not in self.pool]
        self._text_bytes += sum(len(item.content) for item in new)
        if known:
            self.pool.update(*known)
        if new:
            self.pool.add(*new)

    def _follow_view(self, reading: Reading, view: _View, ids: Sequence[str]) -> None:
        if not ids:
            return
        among = frozenset(ids) & (view.wanted.memory_ids or frozenset(ids))
        let_through = finding.ids(reading, replace(view.wanted, memory_ids=among))
        items = [self.pool.get(one) for one in let_through if one in self.pool]
        still = {item.id for item in items}
        _take_out(view.pool, [one for one in ids if one not in still])
        view.pool.update(*(item for item in items if item.id in view.pool))
        view.pool.add(*(item for item in items if item.id not in view.pool))

    def _note_expiry(self, memory_id: str, at: datetime | None) -> None:
        if at is not None:
            self._expires[memory_id] = at
            heapq.heappush(self._expiring, (at, memory_id))

    def _take_out(self, ids: Iterable[str]) -> None:
        there = [one for one in ids if one in self.pool]
        self._text_bytes -= sum(len(self.pool.get(one).content) for one in there)
        _take_out(self.pool, there)

    def _count_again(self, reading: Reading, acts: Sequence[Change]) -> None:
        if any(one.op in _RETURNING for one in acts):
            self._count_gone(reading)
        else:
            self.forgotten += sum(one.op in _LEAVING for one in acts)

    def _count_gone(self, reading: Reading) -> None:
        self.forgotten = sum(finding.count(reading, _GONE).values())


def bytes_of(count: int, text: int, vector: int) -> int:
    """About how much memory so many items take, by the bytes of their texts and of one vector."""
    return count * (_BYTES_OF_ITEM + 2 * vector) + 2 * text


def vectors_of(reading: Reading, model_id: str | None) -> tuple[tuple[str, ...], FloatArray]:
    """Ids and vectors of all memories that have one of that model."""
    if model_id is None:
        return (), np.zeros((0, 0), dtype=np.float32)
    return vectors.all_of(reading, model_id)


def _length_of(items: Iterable[MemoryItem]) -> int:
    return next((item.embedding.nbytes for item in items if item.embedding is not None), 0)


def _take_out(pool: MemoryPool, ids: Iterable[str]) -> None:
    there = [one for one in ids if one in pool]
    if there:
        pool.remove(*there)
