"""`MemoryServiceStore`: a LangGraph store whose items are memories of a `MemoryService`.

What an agent writes with `put` can be recalled within a budget, by this agent and by everybody else
who uses the workspace, and what it writes is durable when `put` comes back. Namespaces are paths in
one workspace; give each tenant a workspace, and a store, of its own.

What an item is, and how it is searched for, is `services/items`; here are LangGraph's operations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
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
from mba_integrations.langchain.settings import Setting, keep
from mba_integrations.services.items.items import TEXT_FIELD, Items, ItemSearch
from mba_integrations.services.items.values import Namespace, Place, Put, StoredItem

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService


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
        text_field: str = TEXT_FIELD,
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
        self._items = Items(
            service=service, workspace_id=workspace_id, clock=clock, text_field=text_field
        )

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: those that read see the store as it was before those that write.

        Raises:
            InvalidNamespaceError: If a namespace is none.
            InputError: If a value cannot be kept, or a filter is unknown.
        """
        listed = list(ops)
        for op in listed:
            validate_op_namespace(op)
        gets = [(op.namespace, op.key) for op in listed if isinstance(op, GetOp)]
        found = self._items.found(gets)
        results = [self._result(op, found) for op in listed]
        puts = [_put(op) for op in listed if isinstance(op, PutOp)]
        if puts:
            self._items.put(puts)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, in a thread."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _result(self, op: Op, found: dict[Place, StoredItem]) -> Result:
        if isinstance(op, GetOp):
            one = found.get((op.namespace, op.key))
            return None if one is None else self._read(one, op)
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        return None

    def _read(self, one: StoredItem, op: GetOp) -> Item:
        return Item(**_fields(self._items.read(one, refresh=op.refresh_ttl)))

    def _search(self, op: SearchOp) -> list[SearchItem]:
        asked = ItemSearch(
            prefix=op.namespace_prefix,
            query=op.query,
            filter=op.filter,
            limit=op.limit,
            offset=op.offset,
            refresh=op.refresh_ttl,
        )
        found = self._items.search(asked)
        return [SearchItem(**_fields(one), score=score) for one, score in found]

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        return self._items.namespaces(
            op.match_conditions, max_depth=op.max_depth, limit=op.limit, offset=op.offset
        )


def _put(op: PutOp) -> Put:
    return Put(
        namespace=op.namespace, key=op.key, value=op.value, index=op.index, ttl_minutes=op.ttl
    )


def _fields(one: StoredItem) -> dict[str, Any]:
    namespace, key = one.place
    return {
        "namespace": namespace,
        "key": key,
        "value": one.value,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
