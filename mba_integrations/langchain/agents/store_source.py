"""`LangGraphStoreSource`: the memories of a LangGraph `BaseStore`.

A memory is a value with a text, and what is known of it under the names of `MemoryItem`: `tier`,
`importance`, `created_at`, `last_accessed_at`, `access_count`, `source`, `position`, `group`,
`pinned`. Times are ISO 8601. `expires_at` hides it afterwards, whatever the store does about
expiry. Values are copied, so nothing that is handed out leads back into the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langgraph.store.base import BaseStore, Op, PutOp, SearchItem, SearchOp

from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.lifecycle import apply_recommendations, evaluate_promotion_demotion
from mba_integrations.core.model import MemoryItem, MemoryTier, TierName

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

Namespace = Sequence[str] | Callable[["Runtime[Any]"], Sequence[str]]
"""Labels, or a function from the runtime of a call to labels."""

_STORE_KEY = "store_key"
_STORE_NAMESPACE = "store_namespace"
_ESCAPED = {"%": "%25", ".": "%2E"}
_RESERVED_ROOT = "langgraph"
_TIMES = ("created_at", "last_accessed_at")
_FIELDS = (
    "tier",
    "importance",
    "created_at",
    "last_accessed_at",
    "access_count",
    "source",
    "position",
    "group",
    "pinned",
)


def escaped_label(label: str) -> str:
    """A label that a store accepts, different for different labels.

    Stores refuse labels that are empty, that have a dot, or that begin a namespace as `langgraph`.

    >>> escaped_label("kate@example.com"), escaped_label("")
    ('kate@example%2Ecom', '%')
    """
    if label == _RESERVED_ROOT:
        return "%" + label
    return "".join(_ESCAPED.get(char, char) for char in label) or "%"


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
        limit: Most memories that are read, >= 1; the store's own limit is 10.
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
        if type(self.limit) is not int or self.limit < 1:
            raise InputError(f"limit must be an integer >= 1, got {self.limit!r}.")
        object.__setattr__(self, "tier", MemoryTier(self.tier))

    def items(self, query: str, runtime: Runtime[Any]) -> list[MemoryItem]:
        """The memories that have not expired."""
        namespace = self.labels(runtime)
        found = self._store(runtime).batch([self._search(namespace, query)])
        return self._items(found[0], namespace)

    async def aitems(self, query: str, runtime: Runtime[Any]) -> list[MemoryItem]:
        """The memories that have not expired."""
        namespace = self.labels(runtime)
        found = await self._store(runtime).abatch([self._search(namespace, query)])
        return self._items(found[0], namespace)

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

        Reads and writes in one batch each; what another process writes in between is lost.

        Args:
            item_ids: Ids of the memories that were in a prompt.
            runtime: Of the call.
            settings: When memories move.

        Returns:
            How many memories moved.
        """
        namespace = self.labels(runtime)
        store = self._store(runtime)
        found = store.batch([self._search(namespace, "")])[0]
        writes, moved = self._used(self._items(found, namespace), item_ids, settings)
        if writes:
            store.batch([self._put(item, namespace) for item in writes])
        return moved

    async def arecord(
        self, item_ids: Sequence[str], runtime: Runtime[Any], settings: PromotionSettings
    ) -> int:
        """As `record`."""
        namespace = self.labels(runtime)
        store = self._store(runtime)
        found = (await store.abatch([self._search(namespace, "")]))[0]
        writes, moved = self._used(self._items(found, namespace), item_ids, settings)
        if writes:
            await store.abatch([self._put(item, namespace) for item in writes])
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
        if isinstance(labels, str) or not labels:
            raise InputError(f"namespace must be a sequence of labels, got {labels!r}.")
        return tuple(escaped_label(str(label)) for label in labels)

    def _store(self, runtime: Runtime[Any] | None) -> BaseStore:
        store = self.store or (runtime.store if runtime is not None else None)
        if store is None:
            raise InputError(
                "there is no store: give store to LangGraphStoreSource or to create_agent."
            )
        return store

    def _search(self, namespace: tuple[str, ...], query: str) -> Op:
        asked = query if self.semantic and query else None
        return SearchOp(namespace, limit=self.limit, query=asked)

    def _items(self, found: Any, namespace: tuple[str, ...]) -> list[MemoryItem]:
        now = self.clock()
        kept = [
            item
            for item in found or ()
            if tuple(item.namespace) == namespace and not _expired(item.value, now)
        ]
        return [item for one in kept if (item := self._item(one)) is not None]

    def _item(self, found: SearchItem) -> MemoryItem | None:
        value = found.value
        text = value.get(self.text_field)
        if not isinstance(text, str) or not text:
            return None
        known = {name: value[name] for name in _FIELDS if value.get(name) is not None}
        known |= {name: _time(known[name]) for name in _TIMES if name in known}
        known.setdefault("created_at", _time(found.created_at))
        tier = known.pop("tier", self.tier)
        metadata = deepcopy(dict(value))
        metadata |= {_STORE_KEY: found.key, _STORE_NAMESPACE: tuple(found.namespace)}
        item_id = "/".join((*found.namespace, found.key))
        return MemoryItem(item_id, text, tier, metadata=metadata, **known)

    def _put(self, item: MemoryItem, namespace: tuple[str, ...]) -> PutOp:
        value = {
            name: deepcopy(kept)
            for name, kept in item.metadata.items()
            if name not in (_STORE_KEY, _STORE_NAMESPACE)
        }
        value |= {self.text_field: item.content, "tier": item.tier.value}
        for name in _FIELDS:
            current = getattr(item, name)
            if current is not None and name != "tier":
                value[name] = current.isoformat() if isinstance(current, datetime) else current
        return PutOp(namespace, str(item.metadata.get(_STORE_KEY, item.id)), value)

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


def _expired(value: Mapping[str, Any], now: datetime) -> bool:
    expires = _time(value.get("expires_at"))
    return expires is not None and expires <= now


def _time(value: object) -> datetime | None:
    """A time from ISO 8601 text or a datetime; a time without a zone counts as UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InputError(f"a memory's time must be ISO 8601, got {value!r}.") from error
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
