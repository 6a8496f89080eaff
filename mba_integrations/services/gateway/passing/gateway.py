"""`Gateway`: requests for a provider, handed on as a `Preparing` says; a plain ASGI app.

    app = Gateway(preparing)
    async with app.lifespan():          # in the lifespan of the app that it is mounted in
        ...

Bodies that are rewritten are read whole, within a limit; all others and all replies are handed on
as they come. A client that goes away ends its request to the provider at once, also before that has
begun to answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.types import Receive, Scope, Send

from mba_integrations.core.arguments import checked_whole
from mba_integrations.services.gateway.passing.asking import Asker, Patience
from mba_integrations.services.gateway.passing.calls import Call, Pairs, Preparing
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.gateway.passing.failures import NO_SUCH_PATH, refused, too_large
from mba_integrations.services.gateway.passing.handing import Handing
from mba_integrations.services.gateway.passing.headers import framing_of
from mba_integrations.services.gateway.passing.incoming import (
    ClientGoneError,
    Incoming,
    TooLargeError,
)
from mba_integrations.services.gateway.passing.passage import Passage
from mba_integrations.services.gateway.passing.places import ROOT, Place, place_of, provider_of

MOST_BODY_BYTES = 50 * 1024 * 1024  # room for the images that providers take in one request


class Gateway:
    """Hands requests on.

    Args:
        preparing: Says what becomes of each.
        patience: How long providers are waited for.
        body_bytes: The largest body that is read whole.
        transport: Over which providers are asked; None for connections of its own.

    Attributes:
        path: Where it is to be mounted.
    """

    path = ROOT

    def __init__(
        self,
        preparing: Preparing,
        *,
        patience: Patience | None = None,
        body_bytes: int = MOST_BODY_BYTES,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._preparing = preparing
        self._most = checked_whole("body_bytes", body_bytes, at_least=1)
        self._transport = Connections() if transport is None else transport
        self._asker = Asker(self._transport, Patience() if patience is None else patience)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """To be entered once, before the first request."""
        async with self._transport:
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        provider = provider_of(scope["path"])
        handing = Handing(provider, send)
        place = place_of(scope)
        if place is None:
            await handing.refuse(refused(provider, NO_SUCH_PATH))
            return
        headers = tuple(scope["headers"])
        incoming = Incoming(receive, has_body=bool(framing_of(headers)))
        try:
            body = None if place.api is None else await incoming.read(self._most)
        except ClientGoneError:
            return
        except TooLargeError:
            close = ((b"connection", b"close"),)
            await handing.refuse(refused(provider, too_large(self._most), close))
            return
        call = _call(scope, place, headers, body)
        await Passage(call, incoming, handing, self._preparing, self._asker).run()


def _call(scope: Scope, place: Place, headers: Pairs, body: bytes | None) -> Call:
    return Call(
        provider=place.provider,
        api=place.api,
        method=scope["method"],
        path=place.path,
        rest=place.rest,
        query=scope.get("query_string", b""),
        headers=headers,
        body=body,
        scope=scope,
    )
