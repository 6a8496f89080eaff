"""A request out of the dict that LiteLLM's proxy hands to callbacks, and back into it.

The dict has the members of the client's request beside objects of the proxy's own. The members
become the JSON that the gateway reads; of what it decides, those that are others then are put back,
and all the rest stays the very objects that it was.

>>> data = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "litellm_call_id": "1"}
>>> body_of(data)
'{"model":"m","messages":[{"role":"user","content":"Hi."}]}'
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from mba_integrations.services.gateway.desk.deciding import Decided
from mba_integrations.services.gateway.passing.calls import Pairs
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.reading import LISTED

CALL = "mba_call"
"""Name of our id of a call among the proxy's metadata. The proxy's id is not taken for it: clients
may choose that one."""
_APIS: Mapping[str, Api] = {
    "completion": "chat",
    "acompletion": "chat",
    "responses": "responses",
    "aresponses": "responses",
    "anthropic_messages": "messages",
}
_OURS = "litellm_metadata"
_CLIENTS = "metadata"
_REQUEST = "proxy_server_request"
_NOT_SAID = {_CLIENTS, _REQUEST, "secret_fields"}
_NOT_SAID_PREFIXES = ("litellm_", "_")


def api_of_call(call_type: str) -> Api | None:
    """The protocol of a call; None for one that goes through as it is."""
    return _APIS.get(call_type)


def body_of(data: Mapping[str, Any]) -> str:
    """The request as JSON; what is no JSON is the proxy's own, and left out."""
    members = {name: text for name, text in _members(data) if text is not None}
    return f"{{{','.join(f'{json.dumps(name)}:{members[name]}' for name in members)}}}"


def headers_of(data: Mapping[str, Any]) -> Pairs:
    """The headers of the client's request, as ASGI has them."""
    headers = _mapping(_mapping(data.get(_REQUEST)).get("headers"))
    return tuple(
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if isinstance(name, str) and isinstance(value, str)
    )


def put_back(data: MutableMapping[str, Any], decided: Decided) -> None:
    """Let a call go on as it was decided.

    Args:
        data: The proxy's.
        decided: What is sent on.
    """
    request, rewritten = decided.asked.request, decided.rewritten
    if rewritten.plan.changed:
        sent = json.loads(rewritten.body)
        for name in filter(None, (LISTED[request.api], request.system_member)):
            if name in sent and sent[name] != request.value.get(name):
                data[name] = sent[name]
    model, *others = decided.models
    if model != request.model:
        data["model"] = model
    if others:
        data.setdefault("fallbacks", others)


def mark(data: MutableMapping[str, Any], call_id: str) -> None:
    """Write our id where the proxy keeps what it knows of a call; events bring that along."""
    name = _OURS if _OURS in data else _CLIENTS
    if not isinstance(data.get(name), MutableMapping):
        data[name] = {}
    data[name][CALL] = call_id


def marked(holder: Mapping[str, Any]) -> str | None:
    """Our id of a call, in the proxy's dict or in what its events bring; None where it has none."""
    found = (_mapping(holder.get(name)).get(CALL) for name in (_OURS, _CLIENTS))
    return next((one for one in found if isinstance(one, str)), None)


def _members(data: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    for name, value in data.items():
        if name not in _NOT_SAID and not name.startswith(_NOT_SAID_PREFIXES):
            yield name, _written(value)
    # What stands in the proxy's dict under this name may be the proxy's.
    own = _mapping(_mapping(data.get(_REQUEST)).get("body")).get(_CLIENTS)
    if own is not None:
        yield _CLIENTS, _written(own)


def _written(value: object) -> str | None:
    try:
        # ASCII, so that half a surrogate pair stays what the client wrote.
        return json.dumps(value, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    """A message that another callback made an object of."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(type(value).__name__)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
