"""`Caller`: for whom a tool works. It comes from credential and URL, never from arguments."""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.access.principal import Principal, Scope

DEFAULT_WORKSPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and of which workspace.

    Attributes:
        principal: Who.
        workspace_id: The only workspace that its calls see.
        client: The program that it uses, as that calls itself.
        request_key: Names its request; the same one again is the same request.
    """

    principal: Principal
    workspace_id: str
    client: str = "mcp"
    request_key: str | None = None

    def check(self, scope: Scope) -> None:
        """Refuse what the caller may not do.

        Raises:
            MissingScopeError: If its key lacks the scope.
        """
        self.principal.check(scope, self.workspace_id)


def workspace_for(principal: Principal, named: str | None) -> str:
    """The workspace that a URL names; else the key's own, and `default` for a key of all.

    Raises:
        UnknownWorkspaceError: If it is not the caller's, or the URL names none of several.
    """
    own = principal.workspaces
    if named is None and own is not None and len(own) == 1:
        return next(iter(own))
    if named is None and own is not None:
        raise UnknownWorkspaceError(
            "this key has several workspaces. Name one in the URL: /mcp/WORKSPACE.",
            key="url",
            value=None,
        )
    workspace_id = DEFAULT_WORKSPACE if named is None else named
    if not principal.may_reach(workspace_id):
        raise UnknownWorkspaceError(
            f"there is no workspace {workspace_id!r}.", key="workspace_id", value=workspace_id
        )
    return workspace_id
