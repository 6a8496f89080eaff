"""What clients of a LangGraph server send for its store, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from mba_integrations.services.contracts.body import Body, Number, Query, View
from mba_integrations.services.items.items import ItemSearch
from mba_integrations.services.items.matching import Condition
from mba_integrations.services.items.values import Place, Put, StoredItem

MOST_LABELS = 32
_Label = Annotated[str, Field(strict=True, min_length=1, max_length=512, pattern=r"^[^.\x00]+$")]
_Labels = Annotated[list[_Label], Field(max_length=MOST_LABELS)]
_Pattern = Annotated[list[_Label], Field(min_length=1, max_length=MOST_LABELS)]
_Limit = Annotated[int, Field(strict=True, ge=1, le=1_000)]
_Offset = Annotated[int, Field(strict=True, ge=0, le=2**31)]


def _writable(labels: list[str]) -> list[str]:
    if labels[0] == "langgraph":
        raise ValueError("the root 'langgraph' is LangGraph's own")
    return labels


_Namespace = Annotated[_Pattern, AfterValidator(_writable)]
Key = Annotated[str, Field(min_length=1, max_length=4_096)]


class PutItemBody(Body):
    """An item to write."""

    namespace: _Namespace
    key: Key
    value: dict[str, Any]
    index: list[str] | Literal[False] | None = None
    ttl: Number | None = None

    def to_put(self) -> Put:
        """As the service writes it."""
        return Put(
            namespace=tuple(self.namespace),
            key=self.key,
            value=self.value,
            index=self.index,
            ttl_minutes=self.ttl,
        )


class DeleteItemBody(Body):
    """An item to take away."""

    namespace: _Labels
    key: Key

    @property
    def place(self) -> Place:
        """Namespace and key."""
        return tuple(self.namespace), self.key


class SearchItemsBody(Body):
    """What to search for."""

    namespace_prefix: _Labels = Field(default_factory=list)
    filter: dict[str, Any] | None = None
    limit: _Limit = 10
    offset: _Offset = 0
    query: Query | None = None
    refresh_ttl: bool | None = None

    def to_search(self) -> ItemSearch:
        """As the service searches."""
        return ItemSearch(
            prefix=tuple(self.namespace_prefix),
            query=self.query,
            filter=self.filter,
            limit=self.limit,
            offset=self.offset,
            refresh=self.refresh_ttl is not False,
        )


class NamespacesBody(Body):
    """Which namespaces to list; `*` is any label."""

    prefix: _Pattern | None = None
    suffix: _Pattern | None = None
    max_depth: Annotated[int, Field(strict=True, ge=1)] | None = None
    limit: _Limit = 100
    offset: _Offset = 0

    def conditions(self) -> list[Condition]:
        """How they begin and end."""
        ends = (("prefix", self.prefix), ("suffix", self.suffix))
        return [(end, labels) for end, labels in ends if labels is not None]


class ItemView(View):
    """An item."""

    namespace: list[str]
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, one: StoredItem, **more: Any) -> ItemView:
        """The view of an item."""
        namespace, key = one.place
        return cls(
            namespace=list(namespace),
            key=key,
            value=one.value,
            created_at=one.created_at,
            updated_at=one.updated_at,
            **more,
        )


class FoundItemView(ItemView):
    """An item that was found; without a score where it is not ranked."""

    score: float | None


class FoundItemsView(View):
    """Items that were found."""

    items: list[FoundItemView]


class NamespacesView(View):
    """Namespaces that have an item."""

    namespaces: list[list[str]]
