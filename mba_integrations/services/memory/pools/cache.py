"""`PoolCache`: the pools of the workspaces in use, bounded in bytes.

Each workspace has a lock of its own, so that one is loaded once however many ask for it, and
nobody waits for another workspace. The longest unused goes when all together are too large; the
one that was asked for stays, however large it is. Bytes are estimated. Pools of past moments have a
quarter of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from mba_integrations.services.memory.pools.past_pools import PastPools
from mba_integrations.services.memory.pools.workspace_pool import WorkspacePool
from mba_integrations.services.memory.tallies import Event, Tallies
from mba_integrations.services.store.rows.workspaces import WorkspaceRow
from mba_integrations.services.store.scopes import Reading

DEFAULT_POOL_BYTES = 1024 * 1024 * 1024
_PART_OF_PAST = 4

ModelOf = Callable[[Reading, str | None], str | None]
"""Of a scope and the model whose vectors its pool has, the model whose vectors it is to have."""


@dataclass(slots=True)
class _Place:
    """Where the pool of a workspace stands.

    Attributes:
        lock: Held by who reads or changes the pool.
        pool: The pool; None until somebody asked for it.
        bytes: What it took when it was last used, about.
        asked_at: Where the sequence stood when its model was last asked for.
        made_at: When the workspace was made: another one of its name counts its changes anew.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    pool: WorkspacePool | None = None
    bytes: int = 0
    asked_at: int = -1
    made_at: datetime | None = None


class PoolCache:
    """Pools by workspace. Thread-safe.

    Args:
        model_of: Which model's vectors a pool is to have.
        tallies: Counts what pools do for calls.
        most_bytes: How much all pools may take, about.

    Attributes:
        loads: How often a pool was made from all rows of its workspace.
        past: Pools of past moments; they go with that of their workspace.
    """

    def __init__(
        self, model_of: ModelOf, tallies: Tallies, *, most_bytes: int = DEFAULT_POOL_BYTES
    ) -> None:
        self._model_of = model_of
        self._tallies = tallies
        self.past = PastPools(most_bytes // _PART_OF_PAST)
        self._most_bytes = most_bytes - most_bytes // _PART_OF_PAST
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.loads = 0

    @contextmanager
    def current(
        self, reading: Reading, row: WorkspaceRow, now: datetime
    ) -> Iterator[WorkspacePool]:
        """The pool of the scope's workspace, without what expired by *now*.

        It is the caller's alone within the block.

        Args:
            reading: The scope.
            row: The workspace as the scope sees it; the pool is as of its sequence, or later.
            now: The present.
        """
        place = self._place(reading.workspace_id)
        with place.lock:
            pool = self._followed(reading, row, place)
            pool.expire(now)
            yield pool
            size = pool.bytes
        self._make_room(reading.workspace_id, place, size)

    def holds(self, workspace_id: str) -> bool:
        """Whether the pool of a workspace is loaded."""
        place = self._places.get(workspace_id)
        return place is not None and place.pool is not None

    def drop(self, workspace_id: str) -> None:
        """Forget the pools of a workspace."""
        self.past.drop(workspace_id)
        with self._lock:
            place = self._places.pop(workspace_id, None)
            self._bytes -= place.bytes if place else 0

    def clear(self) -> None:
        """Forget all pools."""
        self.past.clear()
        with self._lock:
            self._places.clear()
            self._bytes = 0

    @property
    def bytes(self) -> int:
        """About how much memory the pools take."""
        return self._bytes + self.past.bytes

    def _followed(self, reading: Reading, row: WorkspaceRow, place: _Place) -> WorkspacePool:
        pool, seq = place.pool, row.change_seq
        before = None if pool is None else pool.change_seq
        if (
            pool is not None
            and place.made_at == row.created_at
            and pool.follow(reading, seq)
            and not self._is_outdated(reading, place)
        ):
            self._tallies.count(Event.POOL, "hit" if pool.change_seq == before else "apply")
            return pool
        self.loads += 1
        self._tallies.count(Event.POOL, "load")
        model_id = self._model_of(reading, None)
        place.pool = WorkspacePool.load(reading, seq, model_id=model_id)
        place.asked_at, place.made_at = seq, row.created_at
        return place.pool

    def _is_outdated(self, reading: Reading, place: _Place) -> bool:
        """Whether its vectors are of another model than they are to be; asked after changes."""
        pool = place.pool
        if pool is None or place.asked_at == pool.change_seq:
            return False
        place.asked_at = pool.change_seq
        return pool.model_id != self._model_of(reading, pool.model_id)

    def _place(self, workspace_id: str) -> _Place:
        with self._lock:
            place = self._places.setdefault(workspace_id, _Place())
            self._places.move_to_end(workspace_id)
            return place

    def _make_room(self, workspace_id: str, place: _Place, size: int) -> None:
        with self._lock:
            if self._places.get(workspace_id) is not place:  # it was dropped meanwhile
                return
            self._bytes += size - place.bytes
            place.bytes = size
            while self._bytes > self._most_bytes:
                oldest = next(iter(self._places))
                if oldest == workspace_id:
                    return
                self._bytes -= self._places.pop(oldest).bytes
                self._tallies.count(Event.POOL, "evict")
