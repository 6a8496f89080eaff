"""`Handing`: a reply on its way to the client, chunk by chunk.

Nothing is held back but what the hiding of usage needs, and nothing is read before what was read
went to the client: a slow client slows its provider down. Where the provider breaks off, the
connection to the client breaks off too, as it would without a gateway; where it falls silent, a
stream ends with an event that says so.
"""

from __future__ import annotations

import asyncio
import logging

import httpx2
from starlette.types import Send

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.services.gateway.passing.asking import Reply, UpstreamError
from mba_integrations.services.gateway.passing.calls import (
    Pairs,
    Prepared,
    Reader,
    Refusal,
)
from mba_integrations.services.gateway.passing.failures import (
    BAD_REPLY,
    Failure,
    as_event,
    refused,
    too_slow,
)
from mba_integrations.services.gateway.passing.headers import answered, value_of
from mba_integrations.services.gateway.passing.hiding import UsageHider

log = logging.getLogger("mba.gateway")
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LONGEST_END = 4


class Handing:
    """What a client is sent.

    Args:
        provider: Whose errors it reads.
        send: Of ASGI.

    Attributes:
        status: That it was sent; None before.
        bytes_out: Of the body.
    """

    def __init__(self, provider: Provider, send: Send) -> None:
        self._provider = provider
        self._send = send
        self._tail = b""
        self.status: int | None = None
        self.bytes_out = 0

    async def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the provider."""
        length = (b"content-length", str(len(refusal.body)).encode())
        await self._begin(refusal.status, (*refusal.headers, length))
        await self._part(refusal.body)
        await self._end()

    async def tell(self, failure: Failure) -> None:
        """Say that there is no reply. One that has begun stays cut."""
        if self.status is None:
            await self.refuse(refused(self._provider, failure))

    async def hand_on(self, reply: Reply, prepared: Prepared, more: Pairs, silent: float) -> None:
        """Hand a reply on until it ends.

        Args:
            reply: It.
            prepared: What is hidden and read of it.
            more: Headers that are added.
            silent: Seconds that the next bytes are waited for.

        Raises:
            UpstreamError: If it breaks off.
        """
        head = reply.head
        is_plain = value_of(head.headers, b"content-encoding") in (None, b"identity")
        hider = UsageHider() if prepared.hide_usage and head.is_stream and is_plain else None
        reader = prepared.read(head) if prepared.read is not None and is_plain else None
        headers = answered(
            head.headers, more=more, is_stream=head.is_stream, is_changed=hider is not None
        )
        await self._begin(head.status, headers)
        try:
            await self._hand_on_parts(reply.stream, hider, reader, silent)
        except TimeoutError as error:
            failure = too_slow("go on", silent)
            if head.is_stream and is_plain and self._is_between_events(hider):
                await self._part(as_event(self._provider, failure))
                await self._end()
            raise UpstreamError(failure) from error
        except httpx2.TransportError as error:
            await self._rest(hider)
            raise UpstreamError(BAD_REPLY) from error
        await self._rest(hider)
        await self._end()

    async def _hand_on_parts(
        self,
        stream: httpx2.AsyncByteStream,
        hider: UsageHider | None,
        reader: Reader | None,
        silent: float,
    ) -> None:
        clock = asyncio.get_running_loop().time
        async with asyncio.timeout(silent) as waiting:
            async for part in stream:
                waiting.reschedule(None)  # a client may take as long as it likes
                reader = _fed(reader, part)
                await self._part(part if hider is None else hider.feed(part))
                waiting.reschedule(clock() + silent)

    async def _rest(self, hider: UsageHider | None) -> None:
        if hider is not None:
            await self._part(hider.end())

    def _is_between_events(self, hider: UsageHider | None) -> bool:
        is_held = hider is not None and hider.holds
        return not is_held and (not self._tail or self._tail.endswith(_EVENT_ENDS))

    async def _begin(self, status: int, headers: Pairs) -> None:
        self.status = status
        await self._send(
            {"type": "http.response.start", "status": status, "headers": list(headers)}
        )

    async def _part(self, body: bytes) -> None:
        if body:
            self._tail = (self._tail + body)[-_LONGEST_END:]
            self.bytes_out += len(body)
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _fed(reader: Reader | None, part: bytes) -> Reader | None:
    """The reader, if it could read that: what it cannot read is handed on all the same."""
    if reader is not None:
        try:
            reader.feed(part)
        except Exception:
            log.exception("a reply cannot be read")
            return None
    return reader
