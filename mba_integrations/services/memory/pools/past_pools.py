"""`PastPools`: memories as they stood at past moments, kept while they are looked at.

A pool of then is read from all rows of a workspace, so looking at one prompt from several sides, or
at its neighbours, would read the same ones again and again. One that is kept counts for as long as
nothing but uses is written to its workspace: a pin or a date is that of now, and what is erased is
gone from then too. Bounded in bytes; the longest unused goes first. Bytes are estimated.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.pool.memory_pool import MemoryPool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastKey:
    """What two past moments have alike, of which the same memories are known.

    Attributes:
        workspace_id: Of which workspace.
        stands: When it was made, and its last change that is no use.
        then: Which memories there were: between which changes and after which expiry.
        narrowed: What was let through, as `filter_key` has it; None for all.
        model_id: Of which model the vectors are.
    """

    workspace_id: str
    stands: tuple[datetime, int]
    then: Hashable
    narrowed: Hashable
    model_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPool:
    """Memories of then.

    Attributes:
        pool: Those that were chosen from.
        expired: How many had expired.
        filtered: How many were not let through.
        bytes: How much it takes, about.
    """

    pool: MemoryPool
    expired: int
    filtered: int
    bytes: int


class PastPools:
    """Pools of past moments. Thread-safe.

    Args:
        most_bytes: How much all of them may take, about; one that is larger is not kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[PastKey, PastPool] = OrderedDict()
        self._reading: dict[object, str] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """About how much memory they take."""
        return self._bytes

    def get(self, key: PastKey, read: Callable[[], PastPool]) -> PastPool:
        """The pool of a moment; read where it is not kept, and kept unless dropped meanwhile."""
        token = object()
        with self._lock:
            self._drop_outdated(key)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            self._reading[token] = key.workspace_id
        try:
            found = read()
            with self._lock:
                if token in self._reading:
                    self._keep(key, found)
        finally:
            self._reading.pop(token, None)
        return found

    def drop(self, workspace_id: str) -> None:
        """Forget those of a workspace, and those that are being read."""
        with self._lock:
            for key in [one for one in self._kept if one.workspace_id == workspace_id]:
                self._take_out(key)
            for token in [one for one, name in self._reading.items() if name == workspace_id]:
                del self._reading[token]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._reading.clear()
            self._bytes = 0

    def _keep(self, key: PastKey, found: PastPool) -> None:
        if key in self._kept or found.bytes > self._most_bytes:
            return
        self._kept[key] = found
        self._bytes += found.bytes
        while self._bytes > self._most_bytes:
            self._take_out(next(iter(self._kept)))

    def _drop_outdated(self, key: PastKey) -> None:
        """Forget what nobody can ask for any more."""
        for one in list(self._kept):
            if one.workspace_id == key.workspace_id and one.stands != key.stands:
                self._take_out(one)

    def _take_out(self, key: PastKey) -> None:
        self._bytes -= self._kept.pop(key).bytes
