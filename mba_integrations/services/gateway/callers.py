"""Who calls the gateway, in which workspace, and with whose key a provider is asked.

Two keys are at work: one of this server and one of the provider. A client that can send a header of
its own sends both; one that can send a single key sends ours, and the server adds the provider's.

    x-mba-key: mba_...    authorization: Bearer sk-...    the client's key goes to the provider
    authorization: Bearer mba_...                         the workspace's or the server's key does
    authorization: Bearer sk-...                          on a server that asks for no keys
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.access.principal import Principal, Scope
from mba_integrations.services.contracts.problems import Problem, slug_of
from mba_integrations.services.gateway.passing.calls import Call, Upstream
from mba_integrations.services.gateway.passing.failures import Failure, written
from mba_integrations.services.gateway.passing.headers import has_own_key, is_ours
from mba_integrations.services.gateway.passing.places import provider_of

KEY_HEADER = "x-mba-key"
WORKSPACE_HEADER = "x-mba-workspace"
DEFAULT_WORKSPACE = "default"
_VARIABLES: Mapping[Provider, str] = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
}


def key_in(headers: Headers) -> str | None:
    """The server's key that a request brings; a provider's key is none.

    >>> key_in(Headers({"authorization": "Bearer mba_4f6c"}))
    'mba_4f6c'
    >>> key_in(Headers({"authorization": "Bearer sk-1"})) is None
    True
    """
    own = headers.get(KEY_HEADER)
    if own is not None:
        return own
    for name in ("authorization", "x-api-key"):
        value = headers.get(name, "")
        if is_ours(value.encode("latin-1")):
            return value.rpartition(" ")[2]
    return None


def workspace_of(call: Call) -> tuple[Principal, str]:
    """Who calls, and in which workspace: the one that is named, else the key's only one.

    Raises:
        UnknownWorkspaceError: If it is not the caller's, or none of several is named.
        MissingScopeError: If the caller may not ask models.
    """
    principal: Principal = call.scope["state"]["principal"]
    named = Headers(raw=list(call.headers)).get(WORKSPACE_HEADER)
    own = principal.workspaces
    if named is None and own is not None and len(own) != 1:
        raise UnknownWorkspaceError(
            f"this key has several workspaces. Name one in the header {WORKSPACE_HEADER}.",
            key=WORKSPACE_HEADER,
            value=None,
        )
    only = DEFAULT_WORKSPACE if own is None else next(iter(own))
    workspace_id = only if named is None else named
    principal.check(Scope.GATEWAY, workspace_id)
    return principal, workspace_id


def upstream_for(
    call: Call, upstream: Upstream, keys: Mapping[Provider, str]
) -> Upstream | Failure:
    """Where a call goes, with the key that it goes with: the client's own one, else that of the
    workspace, else the server's.

    Args:
        call: The call.
        upstream: The provider, with the server's key.
        keys: By provider, the variable that has the workspace's key.

    A call that brings no key at all goes through as it is, and the provider says what it thinks.
    """
    if has_own_key(call.headers):
        return replace(upstream, key=None)
    variable = keys.get(call.provider)
    if variable is not None:
        return _with_key_of(variable, upstream)
    brings_ours = any(name == KEY_HEADER.encode() or is_ours(value) for name, value in call.headers)
    if upstream.key is None and brings_ours:
        return Failure(
            status=401,
            code="no_provider_key",
            message=f"There is no key for the provider. Send it beside {KEY_HEADER}, or start the "
            f"server with {_VARIABLES[call.provider]}.",
        )
    return upstream


def _with_key_of(variable: str, upstream: Upstream) -> Upstream | Failure:
    key = os.environ.get(variable)
    if key:
        return replace(upstream, key=key)
    return Failure(
        status=401,
        code="no_provider_key",
        message=f"The workspace's gateway.provider_keys names {variable}, and the server was "
        "started without it.",
    )


def failure_from(problem: Problem) -> Failure:
    """One of our problems as a provider's error."""
    kind = problem.kind
    return Failure(status=kind.status, code=_code(kind.slug), message=problem.detail)


def refusal(path: str, problem: Mapping[str, Any]) -> bytes:
    """A problem that a layer of the server answered, in the form of the provider's errors."""
    code = _code(slug_of(problem["type"]))
    failure = Failure(status=problem["status"], code=code, message=problem["detail"])
    return written(provider_of(path), failure)


def _code(slug: str) -> str:
    """A kind of problem as providers write theirs."""
    return slug.replace("-", "_")
