"""The body that a provider is sent: another model's name, and a stream that tells its usage."""

from __future__ import annotations

from collections.abc import Iterable

from mba_integrations.services.gateway.rewriting.rewrite import Rewritten
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


def sent_bodies(
    rewritten: Rewritten, request: Read, models: Iterable[str], *, with_usage: bool
) -> list[bytes]:
    """The body for each model; the very bytes of what is sent on where nothing changes.

    Args:
        rewritten: What is sent on of the request.
        request: What it says.
        models: The models that may be asked.
        with_usage: Whether a stream is to tell what it used.

    >>> from mba_integrations.services.gateway.rewriting.rewrite import rewrite
    >>> from mba_integrations.services.gateway.wire.reading import read
    >>> from mba_integrations.testing import WordCounter
    >>> asked = read("chat", b'{"model": "a", "messages": [], "temperature": 1.0}')
    >>> sent_bodies(rewrite(asked, WordCounter()), asked, ["b"], with_usage=False)
    [b'{"model": "b", "messages": [], "temperature": 1.0}']
    """
    usage = {_OPTIONS: _with_usage(request)} if with_usage else {}
    named = [{} if model == request.model else {"model": written(model)} for model in models]
    changes = [{**one, **usage} for one in named]
    if not any(changes):
        return [rewritten.body] * len(changes)
    document = document_of(rewritten.body) if rewritten.plan.changed else request.document
    return [document.with_members(one).encode() if one else rewritten.body for one in changes]


def _with_usage(request: Read) -> str:
    return written({**(request.value.get(_OPTIONS) or {}), _USAGE: True})
