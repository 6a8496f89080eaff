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
    said = _with_usage(response)
    inner = _member(response, "response")  # an event that ends a stream has it inside
    said = said if inner is None else _with_usage(inner)
    api = next((api for name, api in _FORMS.items() if name in said), None)
    if api is None:
        return None, None
    reply = reply_of_json(api, said)
    return _usage_of(api, said), None if reply is None or reply.text == REDACTED else reply


def _usage_of(api: Api, said: Mapping[str, Any]) -> Usage | None:
    """What a reply used; the proxy may have put that in the words of a chat completion."""
    usage = _plain(said.get("usage"))
    if "prompt_tokens" not in usage:
        return usage_of_json(api, said)
    used = usage_of_json("chat", said)
    count = usage.get(_WRITTEN)  # beside them, Anthropic's own
    if used is None or type(count) is not int or count < 1:
        return used
    return replace(used, cache_write_tokens=count)


def _with_usage(response: object) -> Mapping[str, Any]:
    """A reply as a dict. Its usage is read apart: where the proxy put an object of another class
    than the reply's declares, the reply's own dump leaves its members out."""
    return {**_plain(response), "usage": _plain(_member(response, "usage")) or None}


def _member(holder: object, name: str) -> object:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _plain(value: Any) -> Mapping[str, Any]:
    found = value.model_dump(warnings=False) if hasattr(value, "model_dump") else value
    return found if isinstance(found, Mapping) else {}
