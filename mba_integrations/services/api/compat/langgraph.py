"""The store of a LangGraph server: what `langgraph_sdk.get_client(url=...).store` asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from mba_integrations.services.api.asking import Call, OwnRouter
from mba_integrations.services.api.compat.calls import (
    PROBLEMS,
    Forget,
    Read,
    Write,
    not_offered,
)
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.compat.langgraph import (
    DeleteItemBody,
    FoundItemsView,
    FoundItemView,
    ItemView,
    Key,
    NamespacesBody,
    NamespacesView,
    PutItemBody,
    SearchItemsBody,
)
from mba_integrations.services.items.items import Items
from mba_integrations.services.items.values import Put

router = OwnRouter(prefix="/langgraph", tags=["langgraph"], responses=PROBLEMS)


def _items(call: Call) -> Items:
    service = call.service
    return Items(
        service=service,
        workspace_id=call.workspace_id,
        clock=service.now,
        actor=call.principal.actor,
    )


@router.put("/store/items", status_code=204, response_class=Response)
@in_thread("store")
def put_item(call: Write, body: PutItemBody) -> None:
    """Write an item, in the place of what the key had."""
    _items(call).put([body.to_put()])


@router.get("/store/items")
@in_thread("store")
def get_item(
    call: Read,
    key: Annotated[Key, Query()],
    namespace: Annotated[str, Query(max_length=16_384)] = "",
    refresh_ttl: bool = True,
) -> ItemView | None:
    """The item of a key; null where there is none. Labels are joined by dots."""
    items, place = _items(call), (tuple(namespace.split(".")) if namespace else (), key)
    one = items.found([place]).get(place)
    return None if one is None else ItemView.of(items.read(one, refresh=refresh_ttl))


@router.delete("/store/items", status_code=204, response_class=Response)
@in_thread("store")
def delete_item(call: Forget, body: DeleteItemBody) -> None:
    """Take an item away; one that is not there is no error."""
    namespace, key = body.place
    _items(call).put([Put(namespace=namespace, key=key, value=None)])


@router.post("/store/items/search")
@in_thread("long")
def search_items(call: Read, body: SearchItemsBody) -> FoundItemsView:
    """Items in or below a namespace, those that answer the query best first."""
    found = _items(call).search(body.to_search())
    return FoundItemsView(items=[FoundItemView.of(one, score=score) for one, score in found])


@router.post("/store/namespaces")
@in_thread("store")
def list_namespaces(call: Read, body: NamespacesBody) -> NamespacesView:
    """Namespaces that have an item, in alphabetical order."""
    found = _items(call).namespaces(
        body.conditions(), max_depth=body.max_depth, limit=body.limit, offset=body.offset
    )
    return NamespacesView(namespaces=[list(one) for one in found])


@router.api_route(
    "/{path:rest}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
async def other_routes(path: str) -> None:
    """What else a LangGraph server has."""
    raise not_offered(path, "Of a LangGraph server this one has the store alone.")
