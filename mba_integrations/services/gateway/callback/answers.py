"""What a reply used and said, of the objects that LiteLLM's events bring.

The proxy hands a reply of one protocol over in the form of another where it translated between
them, so its form is told by what it has.

>>> used, reply = answer_of({"choices": [{"message": {"content": "In Oslo."}}]})
>>> used, reply.text
(None, 'In Oslo.')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.replies import Reply, reply_of_json
from mba_integrations.services.gateway.wire.usage import Usage, usage_of_json

REDACTED = "redacted-by-litellm"
"""What the proxy puts in place of texts where it is told to keep them from callbacks."""
_FORMS: Mapping[str, Api] = {"choices": "chat", "output": "responses", "content": "messages"}
_WRITTEN = "cache_creation_input_tokens"


def answer_of(response: object) -> tuple[Usage | None, Reply | None]:
    """What a reply used, and what it said; None for what it does not tell.

    Args:
        response: Of an event: a model of pydantic's, or a dict.
    """
    said = _plain(response)
    said = _plain(said.get("response")) or said  # an event that ends a stream has it inside
    api = next((api for name, api in _FORMS.items() if name in said), None)
    if api is None:
        return None, None
    used, reply = usage_of_json(api, said), reply_of_json(api, said)
    if used is not None and api == "chat":
        used = replace(used, cache_write_tokens=_written_to_cache(said))
    return used, None if reply is None or reply.text == REDACTED else reply


def _written_to_cache(said: Mapping[str, Any]) -> int:
    """Tokens that Anthropic's cache took, of a reply that was translated."""
    count = _plain(said.get("usage")).get(_WRITTEN)
    return count if type(count) is int and count > 0 else 0


def _plain(value: Any) -> Mapping[str, Any]:
    found = value.model_dump() if hasattr(value, "model_dump") else value
    return found if isinstance(found, Mapping) else {}
