"""Which headers go through, on both ways.

Left out are those of one connection (RFC 9110, 7.6.1), what the server on this side says itself,
and what is for the gateway alone. Everything else keeps its place.
"""

from __future__ import annotations

from collections.abc import Iterable

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.services.gateway.passing.calls import Pairs

OUR_KEYS = b"mba_"
"""How keys of this server begin; none of them ever goes to a provider."""
_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    )
)
# `expect` is settled with the client by the server that reads its body.
_NOT_SENT = _HOP | {b"host", b"expect"}
_NOT_ANSWERED = _HOP | {b"date", b"server"}
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_KEYS = frozenset({b"authorization", b"x-api-key"})
_OURS = b"x-mba-"


def value_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first value of a header; None if it is not there."""
    return next((value for one, value in headers if one == name), None)


def is_ours(value: bytes) -> bool:
    """Whether the value of a header is a key of this server.

    >>> is_ours(b"Bearer mba_4f6c"), is_ours(b"mba_4f6c"), is_ours(b"Bearer sk-1")
    (True, True, False)
    """
    scheme, _, token = value.partition(b" ")
    key = token.strip() if scheme.lower() == b"bearer" else value
    return key.startswith(OUR_KEYS)


def has_own_key(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client sends a provider's key."""
    return any(name in _KEYS and value and not is_ours(value) for name, value in headers)


def key_header(provider: Provider, key: str) -> tuple[bytes, bytes]:
    """A key as the provider takes it."""
    if provider == "anthropic":
        return b"x-api-key", key.encode()
    return b"authorization", b"Bearer " + key.encode()


def sent(
    headers: Pairs,
    *,
    host: bytes,
    framing: Pairs,
    key: tuple[bytes, bytes] | None,
    plain: bool,
) -> list[tuple[bytes, bytes]]:
    """Headers for the provider; what takes the place of another stands where that stood.

    Args:
        headers: The client's.
        host: Of the provider.
        framing: How long the body is.
        key: In place of the client's; None for that.
        plain: Whether the reply must not be compressed.
    """
    groups: list[tuple[frozenset[bytes], Pairs]] = [(_FRAMING, framing)]
    if key is not None:
        groups.append((_KEYS, (key,)))
    if plain:
        groups.append((frozenset({b"accept-encoding"}), ((b"accept-encoding", b"identity"),)))
    instead = {name: pairs for names, pairs in groups for name in names}
    left_out = _NOT_SENT | _named_by_connection(headers)
    kept: list[tuple[bytes, bytes]] = [(b"host", host)]
    said: set[Pairs] = set()
    for name, value in headers:
        if name in instead:
            kept += instead[name] if instead[name] not in said else ()
            said.add(instead[name])
        elif not (name in left_out or name.startswith(_OURS) or _is_our_key(name, value)):
            kept.append((name, value))
    return kept + [pair for _, pairs in groups if pairs not in said for pair in pairs]


def _is_our_key(name: bytes, value: bytes) -> bool:
    return name in _KEYS and is_ours(value)


def framing_of(headers: Pairs) -> Pairs:
    """How long a body is that is handed on as it comes; nothing where there is none."""
    if value_of(headers, b"transfer-encoding") is not None:
        return ((b"transfer-encoding", b"chunked"),)
    length = value_of(headers, b"content-length")
    return () if length is None else ((b"content-length", length),)


def answered(headers: Pairs, *, more: Pairs, is_stream: bool, is_changed: bool) -> Pairs:
    """Headers for the client.

    Args:
        headers: The provider's.
        more: Ours; they take the place of those of a like name.
        is_stream: Whether it is a stream, which proxies on the way should not collect.
        is_changed: Whether the body may become shorter.
    """
    ours = (*more, (b"x-accel-buffering", b"no")) if is_stream else more
    left_out = _NOT_ANSWERED | _named_by_connection(headers) | {name for name, _ in ours}
    # Chunks decide where both are there (RFC 9112, 6.3), and this side makes its own.
    if is_changed or value_of(headers, b"transfer-encoding") is not None:
        left_out |= {b"content-length"}
    return (*(pair for pair in headers if pair[0] not in left_out), *ours)


def _named_by_connection(headers: Pairs) -> frozenset[bytes]:
    """What a sender says is for this connection alone."""
    return frozenset(
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    )
