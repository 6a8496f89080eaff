"""The body that a provider is sent: another model's name, and a stream that tells its usage."""

from __future__ import annotations

from mba_integrations.services.gateway.wire.document import document_of, written
from mba_integrations.services.gateway.wire.reading import Read

_OPTIONS = "stream_options"
_USAGE = "include_usage"


def lacks_usage(request: Read) -> bool:
    """Whether a request asks for a stream that would not tell what it used.

    A client that says no to it is not asked again: what it used is estimated.
    """
    if request.api != "chat" or not request.stream:
        return False
    options = request.value.get(_OPTIONS)
    return options is None or (isinstance(options, dict) and _USAGE not in options)


def sent_body(body: bytes, request: Read, *, model: str, with_usage: bool) -> bytes:
    """A body with the name of a model; the very bytes where nothing changes.

    Args:
        body: What is sent on of the request.
        request: What it says.
        model: The model that is asked.
        with_usage: Whether its stream is to tell what it used.

    >>> from mba_integrations.services.gateway.wire.reading import read
    >>> body = b'{"model": "a", "messages": [], "temperature": 1.0}'
    >>> sent_body(body, read("chat", body), model="b", with_usage=False)
    b'{"model": "b", "messages": [], "temperature": 1.0}'
    """
    changed = {} if model == request.model else {"model": written(model)}
    if with_usage:
        options = request.value.get(_OPTIONS) or {}
        changed[_OPTIONS] = written({**options, _USAGE: True})
    return document_of(body).with_members(changed).encode() if changed else body
