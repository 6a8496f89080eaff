"""`Asker`: send a request to a provider, and wait for the beginning of its reply.

Retried is only what cannot have had an effect, or what the preparer allows: a connection that
cannot be made is tried once more; where it still cannot, or the provider answers 429 or 5xx, the
next fallback is sent. A provider that took a request and does not answer is not asked again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx2

from mba_integrations.core.arguments import checked_seconds
from mba_integrations.services.gateway.passing.calls import Attempt, Call, Head, Pairs, Prepared
from mba_integrations.services.gateway.passing.failures import (
    BAD_REPLY,
    Failure,
    failure_of,
    too_slow,
)
from mba_integrations.services.gateway.passing.headers import (
    framing_of,
    key_header,
    sent,
    value_of,
)
from mba_integrations.services.gateway.passing.incoming import Incoming

_TOO_MANY = 429
_STATUSES = range(200, 600)  # beyond them servers cannot answer


class UpstreamError(Exception):
    """There is no reply.

    Attributes:
        failure: What the client is told.
        is_unsent: Whether the provider saw nothing of the request.
    """

    def __init__(self, failure: Failure, *, is_unsent: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.is_unsent = is_unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a provider is waited for.

    Args:
        connect_seconds: For a connection.
        first_byte_seconds: For the beginning of a reply, with the time that the request is sent.
        between_seconds: For the next bytes of a reply.

    Raises:
        ConfigError: If one is not positive.
    """

    connect_seconds: float = 10.0
    first_byte_seconds: float = 600.0  # what the providers' own clients wait
    between_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name in ("connect_seconds", "first_byte_seconds", "between_seconds"):
            checked_seconds(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that has begun.

    Attributes:
        head: Status and headers.
        stream: The body; whoever has a reply closes it.
        attempt: Which request it answers, from 0.
        headers_out: What that request adds to it.
    """

    head: Head
    stream: httpx2.AsyncByteStream
    attempt: int
    headers_out: Pairs


class Asker:
    """Asks providers.

    Args:
        transport: Over which.
        patience: How long it waits.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, patience: Patience) -> None:
        self._transport = transport
        self.patience = patience

    async def ask(self, call: Call, prepared: Prepared, incoming: Incoming) -> Reply:
        """The reply to a request, or to the first of its fallbacks that has one.

        Raises:
            UpstreamError: If there is none.
        """
        attempts = (prepared.first, *prepared.fallbacks)
        for number, attempt in enumerate(attempts[:-1]):
            try:
                reply = await self._once(call, prepared, attempt, number, incoming)
            except UpstreamError as error:
                if not error.is_unsent:
                    raise
                continue
            if reply.head.status != _TOO_MANY and reply.head.status < 500:
                return reply
            await reply.stream.aclose()
        return await self._once(call, prepared, attempts[-1], len(attempts) - 1, incoming)

    async def _once(
        self, call: Call, prepared: Prepared, attempt: Attempt, number: int, incoming: Incoming
    ) -> Reply:
        request = _request(call, prepared, attempt, incoming, self.patience.connect_seconds)
        response = await self._sent(request)
        headers = tuple((name.lower(), value) for name, value in response.headers.raw)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.status_code not in _STATUSES:
            await response.stream.aclose()
            raise UpstreamError(BAD_REPLY)
        head = Head(
            status=response.status_code, headers=headers, is_stream=_is_event_stream(headers)
        )
        return Reply(
            head=head, stream=response.stream, attempt=number, headers_out=attempt.headers_out
        )

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        patience = self.patience
        try:
            async with asyncio.timeout(patience.first_byte_seconds):
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            seconds = patience.first_byte_seconds
            raise UpstreamError(too_slow("begin to answer", seconds)) from error
        except httpx2.TransportError as error:
            unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            failure = failure_of(error, patience.connect_seconds)
            raise UpstreamError(failure, is_unsent=unsent) from error


def _request(
    call: Call,
    prepared: Prepared,
    attempt: Attempt,
    incoming: Incoming,
    connect_seconds: float,
) -> httpx2.Request:
    body = call.body if attempt.body is None else attempt.body
    length = () if body is None else ((b"content-length", str(len(body)).encode()),)
    upstream = attempt.upstream
    headers = sent(
        call.headers,
        host=upstream.url.netloc,
        framing=framing_of(call.headers) if body is None else length,
        key=None if upstream.key is None else key_header(call.provider, upstream.key),
        plain=prepared.is_read,
    )
    return httpx2.Request(
        call.method,
        upstream.url,
        headers=headers,
        stream=incoming if body is None else httpx2.ByteStream(body),
        extensions={
            "target": upstream.target(call.rest, call.query),
            "timeout": {"connect": connect_seconds},
        },
    )


def _is_event_stream(headers: Pairs) -> bool:
    kind = value_of(headers, b"content-type") or b""
    return kind.split(b";")[0].strip().lower() == b"text/event-stream"
