"""`LangGraphStoreSource`: the memories of a LangGraph `BaseStore`.

A memory is a value with a text, and what is known of it under the names of `MemoryItem`: `tier`,
`importance`, `created_at`, `last_accessed_at`, `access_count`, `source`, `position`, `group`,
`pinned`. Times are ISO 8601, or numbers of seconds or milliseconds since 1970. `expires_at` hides
it afterwards, whatever the store does about expiry. A value whose fields hold something else is
left out, with a note. Values are copied, so nothing that is handed out leads back into the store.

Stores search a namespace with all that lies below it and have no way to ask for its own memories
alone, so pages are read until there are enough of those.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from langgraph.store.base import BaseStore, PutOp, SearchItem, SearchOp

from mba_integrations.core.arguments import (
    checked_iterable,
    checked_member,
    checked_text,
    checked_whole,
)
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.lifecycle import apply_recommendations, evaluate_promotion_demotion
from mba_integrations.core.model import MemoryItem, MemoryTier, TierName
from mba_integrations.langchain.agents.store_values import (
    STORE_KEY,
    has_expired,
    memory_of,
    value_of,
)
from mba_integrations.langchain.memory_sources import FoundMemories

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

_Reading = Generator[SearchOp, Any, FoundMemories]

Namespace = Sequence[str] | Callable[["Runtime[Any]"], Sequence[str]]
"""Labels, or a function from the runtime of a call to labels."""

_ESCAPED = {"%": "%25", ".": "%2E"}
_RESERVED_ROOT = "langgraph"


def escaped_label(label: str) -> str:
    """A label that a store accepts, different for different labels.

    Stores refuse labels that are empty, that have a dot, or that begin a namespace as `langgraph`.

    >>> escaped_label("kate@example.com"), escaped_label("")
    ('kate@example%2Ecom', '%')
    """
    if label == _RESERVED_ROOT:
        return "%" + label
    return "".join(_ESCAPED.get(char, char) for char in label) or "%"


def _checked_labels(labels: object) -> tuple[str, ...]:
    """The labels of a namespace as texts; ids of users are often something else."""
    checked_iterable("namespace", labels, "a sequence of labels")
    found = tuple(map(str, labels))  # type: ignore[call-overload]
    if not found:
        raise InputError("namespace must be a sequence of labels, got an empty one.")
    return found


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LangGraphStoreSource:
    """Memories under one namespace of a store.

    Args:
        namespace: Labels, or a function that gives them for a call, such as
            `lambda runtime: ("memories", runtime.context.user_id)`. Any text is a label: dots
            and empty labels are escaped.
        tier: Of memories whose value names none.
        store: The store; None takes the agent's.
        text_field: Where a value has its text.
        limit: Most memories that are read, >= 1; the store's own limit is 10. A note says if there
            are more.
        semantic: Whether the store searches by the query. Give it an index for that; without one
            it returns the newest.
        clock: Gives the present, with a zone: for expiry and for `record`.
    """

    namespace: Namespace
    tier: MemoryTier | TierName = MemoryTier.LONG_TERM
    store: BaseStore | None = None
    text_field: str = "text"
    limit: int = 1000
    semantic: bool = False
    clock: Callable[[], datetime] = _utc_now

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", checked_whole("limit", self.limit, at_least=1))
        object.__setattr__(self, "tier", checked_member("tier", self.tier, MemoryTier))
        checked_text("text_field", self.text_field)
        if not callable(self.namespace):
            object.__setattr__(self, "namespace", _checked_labels(self.namespace))

    def items(self, query: str, runtime: Runtime[Any] | None = None) -> FoundMemories:
        """The memories that have not expired, and notes about what is left out."""
        reading = self._reading(self.labels(runtime), query)
        store = self._store(runtime)
        try:
            search = next(reading)
            while True:
                search = reading.send(store.batch([search])[0] or [])
        except StopIteration as read:
            return _memories_in(read)

    async def aitems(self, query: str, runtime: Runtime[Any] | None = None) -> FoundMemories:
        """As `items`."""
        reading = self._reading(self.labels(runtime), query)
        store = self._store(runtime)
        try:
            search = next(reading)
            while True:
                search = reading.send((await store.abatch([search]))[0] or [])
        except StopIteration as read:
            return _memories_in(read)

    def put(self, items: Iterable[MemoryItem], runtime: Runtime[Any] | None = None) -> None:
        """Write memories, each under its id, in one batch.

        Args:
            items: The memories; their `tier`, times and counts go into the value.
            runtime: Where the store or the namespace comes from the call.
        """
        namespace = self.labels(runtime)
        self._store(runtime).batch([self._put(item, namespace) for item in items])

    def record(
        self, item_ids: Sequence[str], runtime: Runtime[Any], settings: PromotionSettings
    ) -> int:
        """Note that memories were used, and move those that stand high or low to another tier.

        Writes in one batch; what another process writes in between is lost.

        Args:
            item_ids: Ids of the memories that were in a prompt.
            runtime: Of the call.
            settings: When memories move.

        Returns:
            How many memories moved.
        """
        writes, moved = self._used(self.items("", runtime), item_ids, settings)
        if writes:
            self.put(writes, runtime)
        return moved

    async def arecord(
        self, item_ids: Sequence[str], runtime: Runtime[Any], settings: PromotionSettings
    ) -> int:
        """As `record`."""
        writes, moved = self._used(await self.aitems("", runtime), item_ids, settings)
        if writes:
            namespace = self.labels(runtime)
            await self._store(runtime).abatch([self._put(item, namespace) for item in writes])
        return moved

    def labels(self, runtime: Runtime[Any] | None) -> tuple[str, ...]:
        """The namespace in a call, escaped.

        Raises:
            InputError: If the namespace is empty, or comes from a runtime that is not given.
        """
        labels = self.namespace
        if callable(labels):
            if runtime is None:
                raise InputError("the namespace is a function of the runtime: give runtime.")
            labels = labels(runtime)
        return tuple(map(escaped_label, _checked_labels(labels)))

    def _store(self, runtime: Runtime[Any] | None) -> BaseStore:
        store = self.store or (runtime.store if runtime is not None else None)
        if store is None:
            raise InputError(
                "there is no store: give store to LangGraphStoreSource or to create_agent."
            )
        return store

    def _reading(self, namespace: tuple[str, ...], query: str) -> _Reading:
        """Searches one after the other: yields each, is sent what it found, returns the memories.

        A search brings one more than wanted, which says whether there are more.
        """
        asked = query if self.semantic and query.strip() else None
        memories, notes = dict[str, MemoryItem](), list[str]()
        seen = set[tuple[str, ...]]()
        now, page_size, page = self.clock(), self.limit + 1, list[SearchItem]()
        while len(memories) <= self.limit:
            page = yield SearchOp(namespace, limit=page_size, offset=len(seen), query=asked)
            fresh = [one for one in page if (*one.namespace, one.key) not in seen]
            seen.update((*one.namespace, one.key) for one in fresh)
            for one in fresh:
                if tuple(one.namespace) == namespace:
                    self._read(one, now, memories, notes)
            if not fresh or len(page) < page_size:
                break
        if len(memories) > self.limit:
            notes.append(
                f"{'/'.join(namespace)}: the store has more than {self.limit:,} memories; the "
                "others were not read. Raise limit."
            )
        return FoundMemories(islice(memories.values(), self.limit), notes)

    def _read(
        self, found: SearchItem, now: datetime, memories: dict[str, MemoryItem], notes: list[str]
    ) -> None:
        """Add the memory that is found, or a note why it is none."""
        try:
            if has_expired(found.value, now):
                return
            memory = memory_of(found, self.text_field, MemoryTier(self.tier))
        except InputError as error:
            name = "/".join((*found.namespace, found.key))
            notes.append(f"memory {name!r} is left out: {error}")
            return
        if memory is not None:
            memories[memory.id] = memory

    def _put(self, item: MemoryItem, namespace: tuple[str, ...]) -> PutOp:
        key = str(item.metadata.get(STORE_KEY, item.id))
        return PutOp(namespace, key, value_of(item, self.text_field))

    def _used(
        self, items: list[MemoryItem], used: Sequence[str], settings: PromotionSettings
    ) -> tuple[list[MemoryItem], int]:
        """The memories to write, and how many of them move."""
        now = self.clock()
        wanted = set(used)
        touched = [_touched(item, now) if item.id in wanted else item for item in items]
        review = evaluate_promotion_demotion(touched, settings=settings, now=now)
        moved = apply_recommendations(touched, review, now=now)
        changed = [new for old, new in zip(items, moved, strict=True) if new is not old]
        return changed, len(review)


def _touched(item: MemoryItem, now: datetime) -> MemoryItem:
    return replace(item, access_count=item.access_count + 1, last_accessed_at=now)


def _memories_in(read: StopIteration) -> FoundMemories:
    memories: FoundMemories = read.value
    return memories
