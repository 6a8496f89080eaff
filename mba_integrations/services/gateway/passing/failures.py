"""What a client is told where the provider's answer is not there: errors as its SDK reads them.

    openai     {"error": {"message": ..., "type": "server_error", "param": null, "code": ...}}
    anthropic  {"type": "error", "error": {"type": "api_error", "message": ...}}

A message holds what went wrong and nothing of the request: no address, no header and no body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.services.gateway.passing.calls import Pairs, Refusal

_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that went wrong.

    Attributes:
        status: Of HTTP.
        code: For programs.
        message: For people.
    """

    status: int
    code: str
    message: str


NO_SUCH_PATH = Failure(
    status=404,
    code="unknown_url",
    message="The gateway answers under /gateway/openai/v1/ and /gateway/anthropic/.",
)
BROKEN = Failure(
    status=500,
    code="gateway_error",
    message="The gateway made a mistake. The server's log has more under the request's id.",
)
UNREACHABLE = Failure(
    status=502, code="upstream_unreachable", message="No connection to the provider can be made."
)
BAD_REPLY = Failure(
    status=502,
    code="upstream_failed",
    message="The provider broke off, or answered what is no HTTP.",
)


def too_large(most: int) -> Failure:
    """A body that is not read."""
    message = f"A body has at most {most:,} bytes here."
    return Failure(status=413, code="request_too_large", message=message)


def too_slow(what: str, seconds: float) -> Failure:
    """A provider that was waited for."""
    message = f"The provider did not {what} within {seconds:g} s."
    return Failure(status=504, code="upstream_timeout", message=message)


def failure_of(error: httpx2.TransportError, connect_seconds: float) -> Failure:
    """What became of a request that has no reply."""
    if isinstance(error, httpx2.ConnectTimeout):
        return too_slow("take a connection", connect_seconds)
    if isinstance(error, httpx2.ConnectError | httpx2.UnsupportedProtocol):
        return UNREACHABLE
    return BAD_REPLY


_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def written(provider: Provider, failure: Failure) -> bytes:
    """A failure as the provider's errors are written.

    >>> written("anthropic", UNREACHABLE).decode()[:60]
    '{"type": "error", "error": {"type": "api_error", "message": '
    """
    is_theirs = failure.status >= 500
    if provider == "anthropic":
        other = "api_error" if is_theirs else "invalid_request_error"
        kind = _ANTHROPIC_TYPES.get(failure.status, other)
        said: Mapping[str, Any] = {
            "type": "error",
            "error": {"type": kind, "message": failure.message},
        }
    else:
        other = "server_error" if is_theirs else "invalid_request_error"
        kind = _OPENAI_TYPES.get(failure.status, other)
        said = {
            "error": {
                "message": failure.message,
                "type": kind,
                "param": None,
                "code": failure.code,
            }
        }
    return json.dumps(said).encode()


def refused(provider: Provider, failure: Failure, headers: Pairs = ()) -> Refusal:
    """A failure as an answer."""
    body = written(provider, failure)
    return Refusal(status=failure.status, body=body, headers=(_JSON, *headers))


def as_event(provider: Provider, failure: Failure) -> bytes:
    """A failure as the last event of a stream."""
    name = b"event: error\n" if provider == "anthropic" else b""
    return name + b"data: " + written(provider, failure) + b"\n\n"
