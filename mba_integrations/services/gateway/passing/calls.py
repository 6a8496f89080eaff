"""What a `Preparing` is told of a call, what it says about it, and what it hears in the end.

    prepare(Call) -> Prepared(first, ...) -> provider -> client -> on_end(Outcome)
                     Refusal(status, ...) -> client

A preparer decides what is sent, where, and what is read of the reply. It reads no socket, and what
it leaves out of `Prepared` goes through as it came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpx2

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.core.errors import ConfigError
from mba_integrations.services.gateway.wire.apis import Api

Pairs = tuple[tuple[bytes, bytes], ...]
"""Headers, with names in lower case, in their order."""
Finished = Literal["done", "client_gone", "upstream_failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of a client.

    Attributes:
        provider: Whose protocol it speaks.
        api: Which request it is, of those whose body is read; None for one that goes through.
        method: Of HTTP.
        path: Behind the gateway's own, decoded, such as `/openai/v1/chat/completions`.
        rest: What is asked of the provider, behind its address, with the escapes that came.
        query: As it came.
        headers: As they came.
        body: Read whole; None where it is handed on as it comes.
        scope: Of ASGI; `scope["state"]["principal"]` is who calls.
    """

    provider: Provider
    api: Api | None
    method: str
    path: str
    rest: bytes
    query: bytes
    headers: Pairs
    body: bytes | None
    scope: MutableMapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a provider answers.

    Args:
        base_url: As its clients take it, such as `https://api.openai.com/v1`.
        key: Sent in place of the client's; None to hand the client's on.

    Raises:
        ConfigError: If *base_url* is no plain address of HTTP.
    """

    base_url: str
    key: str | None = field(default=None, repr=False)
    url: httpx2.URL = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            url = httpx2.URL(self.base_url)
        except (httpx2.InvalidURL, TypeError) as error:
            raise _unusable(self.base_url) from error
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise _unusable(self.base_url)
        if url.userinfo:
            raise ConfigError(
                "base_url holds a name or a password. Give the provider's key apart from it.",
                key="base_url",
            )
        object.__setattr__(self, "url", url)

    def target(self, rest: bytes, query: bytes) -> bytes:
        """Path and query of a request, with the bytes that the client sent.

        >>> Upstream(base_url="https://api.openai.com/v1").target(b"/files/a%2Fb", b"x=%20")
        b'/v1/files/a%2Fb?x=%20'
        """
        path = self.url.raw_path.rstrip(b"/") + rest or b"/"
        return path + b"?" + query if query else path


def _unusable(base_url: object) -> ConfigError:
    return ConfigError(
        f"base_url must be an address such as https://api.openai.com/v1, got {base_url!r}.",
        key="base_url",
        value=base_url,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request to a provider.

    Attributes:
        upstream: Where to.
        body: What is sent; None for the client's own bytes.
        headers_out: Added to the reply if this one is answered to the client.
    """

    upstream: Upstream
    body: bytes | None = None
    headers_out: Pairs = ()


class Reader(Protocol):
    """Looks at a reply while it is handed on."""

    def feed(self, data: bytes) -> None:
        """Read what came; cut anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How a reply begins.

    Attributes:
        status: Of HTTP.
        headers: The provider's.
        is_stream: Whether it is a stream of events.
    """

    status: int
    headers: Pairs
    is_stream: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended.

    Attributes:
        finished: `done`, `client_gone` (while it waited or was answered, or the server ended) or
            `upstream_failed` (also when the client was told so).
        status: That the client was sent; None if it went before.
        attempt: Which request was answered to the client, from 0.
        bytes_out: Bytes of the reply's body that went to the client.
        overhead_ms: What preparing took.
    """

    finished: Finished
    status: int | None
    attempt: int
    bytes_out: int
    overhead_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is to become of a call.

    Attributes:
        first: The request.
        fallbacks: Sent instead, in order, where no connection can be made or the provider answers
            429 or 5xx. They need a body that was read whole.
        hide_usage: Whether the last chunk of a chat's stream, which `stream_options.include_usage`
            brings, is kept from the client, who did not ask for it.
        read: Makes the reader of a reply; None where nothing is read. A reply that is to be read is
            asked for uncompressed.
        on_end: Awaited once, however the call ends.
    """

    first: Attempt
    fallbacks: tuple[Attempt, ...] = ()
    hide_usage: bool = False
    read: Callable[[Head], Reader | None] | None = None
    on_end: Callable[[Outcome], Awaitable[None]] | None = None

    @property
    def is_read(self) -> bool:
        """Whether the bytes of the reply must be plain."""
        return self.hide_usage or self.read is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer in place of the provider's, in the form of its errors.

    Attributes:
        status: Of HTTP.
        body: As it is sent.
        headers: Besides its type and length.
    """

    status: int
    body: bytes
    headers: Pairs = ()


class Preparing(Protocol):
    """Says what becomes of a call."""

    async def prepare(self, call: Call) -> Prepared | Refusal:
        """Decide. Cancelled when the client goes away."""
